#include "matmul.h"

#include <algorithm>

#include "ops/kernels.h"
#include "packed_weight.h"

namespace pewter {
namespace {

constexpr Kernels<MatmulArgs> kMatmul{"matmul", cpu::matmul, ref::matmul};

// An operand as [batch..., rows, columns] after its transpose flag.
struct Operand {
  Tensor t;
  bool vector = false;
  int64_t rows() const { return t.size(-2); }
  int64_t columns() const { return t.size(-1); }
};

Operand operand(const Tensor& t, bool transpose, bool left) {
  if (t.rank() == 0) throw_error(ErrorCode::shape, "[matmul] operand of rank 0");
  if (t.rank() == 1) {
    const int64_t n = t.size(0);
    return {left ? t.reshape({1, n}) : t.reshape({n, 1}), true};
  }
  return {transpose ? t.transpose(-2, -1) : t, false};
}

GemmMatrix matrix(const Tensor& t) {
  return {t.data(), t.dtype(), t.strides()[-2], t.strides()[-1]};
}

// Sizes of a and b without their last two, broadcast against each other.
Shape broadcast_batch(const Shape& a, const Shape& b, int b_matrix) {
  const int ra = a.rank() - 2, rb = b.rank() - b_matrix, rank = std::max(ra, rb);
  std::vector<int64_t> sizes(static_cast<size_t>(rank));
  for (int i = 0; i < rank; ++i) {
    const int64_t x = i < rank - ra ? 1 : a[i - (rank - ra)];
    const int64_t y = i < rank - rb ? 1 : b[i - (rank - rb)];
    if (x != y && x != 1 && y != 1) {
      throw_error(ErrorCode::shape, "[matmul] batch dimensions differ: a is {}, b is {}",
                  a.to_string(), b.to_string());
    }
    sizes[static_cast<size_t>(i)] = x == 1 ? y : x;
  }
  return Shape{std::span<const int64_t>(sizes)};
}

void batch_strides(const Tensor& t, const Shape& batch, int64_t* strides) {
  const int added = batch.rank() - (t.rank() - 2);
  for (int i = 0; i < batch.rank(); ++i) {
    strides[i] = i < added || t.size(i - added) == 1 ? 0 : t.strides()[i - added];
  }
}

Shape with_matrix(const Shape& batch, int64_t m, int64_t n) {
  std::vector<int64_t> sizes(batch.begin(), batch.end());
  sizes.push_back(m);
  sizes.push_back(n);
  return Shape{std::span<const int64_t>(sizes)};
}

// Sums `g` over what broadcasting repeated, down to `shape`.
Tensor reduced_to(Tensor g, const Shape& shape) {
  const auto fold = [&](int dim) {
    Tensor total = contiguous(g.slice(dim, 0, 1));
    if (total.storage() == g.storage()) total = add(total, zeros({1}, {g.dtype(), g.device()}));
    for (int64_t i = 1; i < g.size(dim); ++i) add_(total, contiguous(g.slice(dim, i, i + 1)));
    g = total;
  };
  while (g.rank() > shape.rank()) {
    fold(0);
    std::vector<int64_t> rest(g.shape().begin() + 1, g.shape().end());
    g = g.reshape(Shape{std::span<const int64_t>(rest)});
  }
  for (int d = 0; d < shape.rank(); ++d) {
    if (shape[d] == 1 && g.size(d) > 1) fold(d);
  }
  return g;
}

void check(const Tensor& a, const Tensor& b, const MatmulOptions& o) {
  check_floating("matmul", "a", a);
  check_defined("matmul", "b", b);
  check_same_device("matmul", {a, b, o.c});
  if (is_quantised(b.dtype())) {
    if (b.rank() != 2 || !o.transpose_b) {
      throw_error(ErrorCode::dtype, "[matmul] b is {}: a quantised operand is [N, K] with "
                                    "transpose_b", to_string(b.dtype()));
    }
  } else {
    check_floating("matmul", "b", b);
    check_same_dtype("matmul", a, b);
  }
  if (o.beta != 0) check_floating("matmul", "c", o.c);
  if (o.out_given && !is_floating(o.out)) {
    throw_error(ErrorCode::dtype, "[matmul] result of {}", to_string(o.out));
  }
}

std::vector<Tensor> gradients(const Tensor& g, const Tensor& a, const Tensor& b,
                              const MatmulOptions& o) {
  Tensor da, db, dc;
  const MatmulOptions plain{.alpha = o.alpha, .out = a.dtype(), .out_given = true};
  const Tensor grad = cast(g, a.dtype());
  if (a.requires_grad()) {
    MatmulOptions by_b = plain;
    by_b.transpose_b = !o.transpose_b;
    const Tensor full_b = is_quantised(b.dtype()) ? cast(b, a.dtype()) : b.detach();
    da = reduced_to(matmul(grad, full_b, by_b),
                    o.transpose_a ? a.transpose(-2, -1).shape() : a.shape());
    if (o.transpose_a) da = da.transpose(-2, -1);
  }
  if (b.requires_grad()) {
    MatmulOptions by_a = plain;
    by_a.transpose_a = !o.transpose_a;
    db = reduced_to(matmul(a.detach(), grad, by_a),
                    o.transpose_b ? b.transpose(-2, -1).shape() : b.shape());
    if (o.transpose_b) db = db.transpose(-2, -1);
  }
  if (o.beta != 0 && o.c.requires_grad()) {
    dc = reduced_to(scale(cast(g, o.c.dtype()), o.beta), o.c.shape());
  }
  return {da, db, dc};
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& o) {
  check(a, b, o);
  if (a.rank() == 1 || b.rank() == 1) {  // as matrices, then without the added dimension
    const Operand x = operand(a, o.transpose_a, true), y = operand(b, o.transpose_b, false);
    MatmulOptions rest = o;
    rest.transpose_a = rest.transpose_b = false;
    const Tensor z = matmul(x.t, y.t, rest);
    std::vector<int64_t> sizes(z.shape().begin(), z.shape().end());
    if (y.vector) sizes.pop_back();
    if (x.vector) sizes.erase(sizes.end() - (y.vector ? 1 : 2));
    return z.reshape(Shape{std::span<const int64_t>(sizes)});
  }
  const bool quantised = is_quantised(b.dtype());
  const Tensor x = operand(a.detach(), o.transpose_a, true).t;
  const Tensor y = quantised ? b : operand(b.detach(), o.transpose_b, false).t;
  const int64_t m = x.size(-2), k = x.size(-1);
  const int64_t n = quantised ? y.size(0) : y.size(-1), k_b = quantised ? y.size(1) : y.size(-2);
  if (k != k_b) {
    throw_error(ErrorCode::shape, "[matmul] inner dimensions differ: a is {}, b is {}{}",
                a.shape().to_string(), b.shape().to_string(),
                o.transpose_a || o.transpose_b ? " (before transposing)" : "");
  }
  const Shape batch = quantised ? broadcast_batch(x.shape(), Shape{1, 1}, 2)
                                : broadcast_batch(x.shape(), y.shape(), 2);
  const DType dtype = o.out_given ? o.out : a.dtype();
  Tensor z = empty(with_matrix(batch, m, n), {dtype, a.device()});
  MatmulArgs args{};
  args.a = matrix(x);
  if (!quantised) args.b = matrix(y);
  if (quantised) {
    args.blocks = y.data();
    args.block_dtype = y.dtype();
    if (a.device().kind() == DeviceKind::cpu) args.packed = &packed_weight(y);
  }
  args.y = z.data();
  args.y_dtype = dtype;
  args.m = m, args.n = n, args.k = k;
  args.alpha = o.alpha, args.beta = o.beta;
  args.batch_rank = batch.rank();
  std::copy(batch.begin(), batch.end(), args.batch);
  batch_strides(x, batch, args.a_strides);
  if (!quantised) batch_strides(y, batch, args.b_strides);
  if (o.beta != 0) {
    const Tensor c = o.c.detach().expand(z.shape());
    args.c = matrix(c);
    batch_strides(c, batch, args.c_strides);
  }
  Tensor scratch;
  if (dtype != f32 || o.alpha != 1 || o.beta != 0) {
    scratch = empty({m, n}, {f32, a.device()});
    args.scratch = static_cast<float*>(scratch.data());
  }
  if (z.numel() > 0) run(kMatmul, a.device(), args);
  std::vector<Tensor> inputs = {a, b};
  if (o.beta != 0) inputs.push_back(o.c);
  record(z, "matmul", inputs, [a, b, o, n_in = inputs.size()](const Tensor& g) {
    auto all = gradients(g, a, b, o);
    all.resize(n_in);
    return all;
  });
  return z;
}

}  // namespace pewter
