// matmul over everything its contract allows at once: shapes, views, batches, alpha, beta, c.
#include "support/device_test.h"
#include "support/products.h"
#include "support/property.h"

namespace pewter::test {
namespace {

// A view of `shape` into random numbers: any order of dimensions in memory, steps, offsets, and
// dimensions repeated with a stride of zero.
Tensor any_view(const Shape& shape, TensorOptions options) {
  Shape drawn = shape;
  for (int d = 0; d < shape.rank(); ++d) {
    if (any_of(0, 9) == 9) drawn[d] = std::min<int64_t>(drawn[d], 1);
  }
  Shape sizes = drawn;
  int64_t first[kMaxRank], step[kMaxRank];
  for (int d = 0; d < shape.rank(); ++d) {
    first[d] = any_of(0, 2), step[d] = any_of(0, 3) == 3 ? any_of(2, 3) : 1;
    sizes[d] = first[d] + drawn[d] * step[d] + any_of(0, 2);
  }
  const int a = shape.rank() > 1 ? static_cast<int>(any_of(0, shape.rank() - 1)) : 0;
  const int b = shape.rank() > 1 ? static_cast<int>(any_of(0, shape.rank() - 1)) : 0;
  if (shape.rank() > 1) std::swap(sizes[a], sizes[b]);
  Tensor t = randn(sizes, options, static_cast<uint64_t>(any_of(0, 1000)));
  if (shape.rank() > 1) t = t.transpose(a, b);
  for (int d = 0; d < shape.rank(); ++d) {
    t = t.slice(d, first[d], first[d] + drawn[d] * step[d], step[d]);
  }
  for (int d = 0; d < shape.rank(); ++d) {
    if (drawn[d] != shape[d] && drawn[d] == 1) return t.expand(shape);
  }
  return t;
}

// `batch` as an operand may have it: dimensions of size 1, or none at the front.
std::vector<int64_t> any_broadcast(const std::vector<int64_t>& batch) {
  std::vector<int64_t> part(batch.begin() + any_of(0, static_cast<int64_t>(batch.size())),
                            batch.end());
  for (int64_t& size : part) {
    if (any_of(0, 2) == 2) size = 1;
  }
  return part;
}

Shape with(std::vector<int64_t> batch, int64_t rows, int64_t columns, bool transposed) {
  if (transposed) std::swap(rows, columns);
  batch.push_back(rows);
  batch.push_back(columns);
  return Shape{std::span<const int64_t>(batch)};
}

struct Case {
  Tensor a, b;
  MatmulOptions options;
  int64_t k = 0;
};

Case any_case(Device device) {
  const DType dtype = *rc::gen::element(f32, f16, bf16);
  const int64_t most = any_of(0, 4) == 4 ? 140 : 20;
  const int64_t m = any_of(0, most), n = any_of(0, most), k = any_of(0, most);
  std::vector<int64_t> batch(static_cast<size_t>(any_of(0, 2)));
  for (int64_t& size : batch) size = any_of(1, 3);
  Case c;
  c.k = k;
  c.options.transpose_a = any_of(0, 1) == 1, c.options.transpose_b = any_of(0, 1) == 1;
  c.options.alpha = *rc::gen::element(1.0f, -0.75f, 3.0f, 0.0f);
  c.options.beta = *rc::gen::element(0.0f, 1.0f, -1.5f);
  c.options.out_given = any_of(0, 1) == 1, c.options.out = f32;
  const auto whole = any_of(0, 1) == 1;  // one operand has all of the batch, so that c fits
  c.a = any_view(with(whole ? batch : any_broadcast(batch), m, k, c.options.transpose_a),
                 {dtype, device});
  c.b = any_view(with(whole ? any_broadcast(batch) : batch, k, n, c.options.transpose_b),
                 {dtype, device});
  if (c.options.beta != 0) {
    std::vector<int64_t> sizes = any_broadcast(batch);
    c.options.c = any_view(with(sizes, any_of(0, 1) == 1 ? m : 1, any_of(0, 1) == 1 ? n : 1, false),
                           {dtype, device});
  }
  return c;
}

MatmulOptions moved(MatmulOptions o, Tensor (*move)(const Tensor&)) {
  if (o.c.defined()) o.c = move(o.c);
  return o;
}

DEVICE_TEST(Matmul, AnyViewsMatchReference) {
  EXPECT_PROPERTY("matmul is its reference within the bound of its contract", [&] {
    const Case c = any_case(device);
    const Tensor y = matmul(c.a, c.b, c.options);
    const Tensor expected = matmul(on_ref(c.a), on_ref(c.b), moved(c.options, on_ref));
    RC_ASSERT(y.shape().to_string() == expected.shape().to_string());
    MatmulOptions sizes = moved(c.options, magnitude);
    sizes.alpha = std::abs(sizes.alpha), sizes.beta = std::abs(sizes.beta);
    sizes.out = f32, sizes.out_given = true;
    const auto total = matmul(magnitude(c.a), magnitude(c.b), sizes).to_vector<double>();
    const Difference d = difference(y, expected, [&](size_t i, double e) {
      return rounding_bound(y.dtype(), static_cast<double>(c.k) + 3, total[i], 2 * e);
    });
    RC_LOG() << c.a.shape().to_string() << c.a.strides().to_string() << " x "
             << c.b.shape().to_string() << c.b.strides().to_string() << ": " << d.actual << " for "
             << d.expected << ", bound " << d.bound << "\n";
    RC_ASSERT(d.bad == 0u);
  });
}

// What lies where in memory does not show in the bits, and no row in those of another.
DEVICE_TEST(Matmul, AnyViewsGiveTheBitsOfCopies) {
  const auto same = [](const Tensor& x, const Tensor& y) {
    return difference(x, y, [](size_t, double) { return 0.0; }).bad == 0;
  };
  EXPECT_PROPERTY("views give the bits of contiguous copies", [&] {
    const Case c = any_case(device);
    const Tensor y = matmul(c.a, c.b, c.options);
    RC_ASSERT(same(y, matmul(contiguous(c.a), contiguous(c.b), moved(c.options, contiguous))));
    const int rows = y.rank() - 2;
    if (y.size(rows) == 0 || c.options.beta != 0) return;
    const int64_t row = any_of(0, y.size(rows) - 1);
    const int in_a = c.a.rank() - (c.options.transpose_a ? 1 : 2);
    RC_ASSERT(
        same(matmul(c.a.slice(in_a, row, row + 1), c.b, c.options), y.slice(rows, row, row + 1)));
  });
}

}  // namespace
}  // namespace pewter::test
