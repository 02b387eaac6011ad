#include "matmul.h"

#include <algorithm>

#include "ops/kernels.h"
#include "ops/sum/sum.h"
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

void check(const Tensor& a, const Tensor& b, const MatmulOptions& o) {
  check_floating("matmul", "a", a);
  check_defined("matmul", "b", b);
  check_same_device("matmul", {a, b, o.c});
  if (is_quantised(b.dtype())) {
    if (b.rank() != 2 || !o.transpose_b) {
      throw_error(ErrorCode::dtype,
                  "[matmul] b is {}: a quantised operand is [N, K] with "
                  "transpose_b",
                  to_string(b.dtype()));
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

// What the backward needs of the forward; `b` in its own dtype, quantised or not.
struct Saved {
  Tensor a, b, c;
  MatmulOptions options;
  bool wants_a, wants_b, wants_c;
};

Shape transposed(Shape s) {
  std::swap(s[-2], s[-1]);
  return s;
}

// op(left) op(right) summed to `shape` in f32, rounded once to `dtype`.
Tensor product_to(const Tensor& left, const Tensor& right, MatmulOptions o, const Shape& shape,
                  DType dtype) {
  o.out = f32;
  o.out_given = true;
  return cast(sum_to(matmul(left, right, o), shape), dtype);
}

// A gradient of another dtype than the operands' (`out` was given) is not rounded to theirs: the
// operands are widened instead.
std::vector<Tensor> gradients(const Tensor& g, const Saved& s) {
  const MatmulOptions& o = s.options;
  const DType narrow = s.a.dtype(), work = g.dtype() == narrow ? narrow : f32;
  const Tensor grad = cast(g, work);
  Tensor da, db, dc;
  if (s.wants_a) {
    da = product_to(grad, cast(s.b, work), {.alpha = o.alpha, .transpose_b = !o.transpose_b},
                    o.transpose_a ? transposed(s.a.shape()) : s.a.shape(), narrow);
    if (o.transpose_a) da = da.transpose(-2, -1);
  }
  if (s.wants_b) {
    db = product_to(cast(s.a, work), grad, {.alpha = o.alpha, .transpose_a = !o.transpose_a},
                    o.transpose_b ? transposed(s.b.shape()) : s.b.shape(), narrow);
    if (o.transpose_b) db = db.transpose(-2, -1);
  }
  if (s.wants_c) {
    dc = cast(scale(sum_to(cast(g, f32), s.c.shape()), o.beta), s.c.dtype());
  }
  return {da, db, dc};
}

void record_gradients(const Tensor& z, const Tensor& a, const Tensor& b, const MatmulOptions& o) {
  std::vector<Tensor> inputs = {a, b};
  Saved s{a.detach(),        is_quantised(b.dtype()) ? b : b.detach(), {}, o, a.requires_grad(),
          b.requires_grad(), o.beta != 0 && o.c.requires_grad()};
  if (o.beta != 0) {
    inputs.push_back(o.c);
    s.c = o.c.detach();
  }
  s.options.c = Tensor();  // its tape is none of the closure's
  record(z, "matmul", inputs, [s, n = inputs.size()](const Tensor& g) {
    auto all = gradients(g, s);
    all.resize(n);
    return all;
  });
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
  if (o.beta != 0 ? wants_grad({a, b, o.c}) : wants_grad({a, b})) record_gradients(z, a, b, o);
  return z;
}

}  // namespace pewter
