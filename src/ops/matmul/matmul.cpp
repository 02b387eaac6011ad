#include "matmul.h"

#include <algorithm>

#include "matmul_mps.h"
#include "ops/kernels.h"
#include "ops/sum/sum.h"
#include "packed_weight.h"

namespace pewter {
namespace {

constexpr Kernels<MatmulArgs> kMatmul{"matmul", cpu::matmul, ref::matmul, metal::matmul};

// An operand as [batch..., rows, columns] after its transpose flag.
struct Operand {
  Tensor t;
  bool vector = false;
  int64_t rows() const { return t.size(-2); }
  int64_t columns() const { return t.size(-1); }
};

Operand operand(const char* op, const Tensor& t, bool transpose, bool left) {
  if (t.rank() == 0) throw_error(ErrorCode::shape, "[{}] operand of rank 0", op);
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
Shape broadcast_batch(const char* op, const Shape& a, const Shape& b) {
  const int ra = a.rank() - 2, rb = b.rank() - 2, rank = std::max(ra, rb);
  int64_t sizes[kMaxBatchRank];
  for (int i = 0; i < rank; ++i) {
    const int64_t x = i < rank - ra ? 1 : a[i - (rank - ra)];
    const int64_t y = i < rank - rb ? 1 : b[i - (rank - rb)];
    if (x != y && x != 1 && y != 1) {
      throw_error(ErrorCode::shape, "[{}] batch dimensions differ: a is {}, b is {}", op,
                  a.to_string(), b.to_string());
    }
    sizes[i] = x == 1 ? y : x;
  }
  return Shape(std::span<const int64_t>(sizes, static_cast<size_t>(rank)));
}

void batch_strides(const Tensor& t, const Shape& batch, int64_t* strides) {
  const int added = batch.rank() - (t.rank() - 2);
  for (int i = 0; i < batch.rank(); ++i) {
    strides[i] = i < added || t.size(i - added) == 1 ? 0 : t.strides()[i - added];
  }
}

Shape with_matrix(const Shape& batch, int64_t m, int64_t n) {
  int64_t sizes[kMaxRank];
  int64_t* end = std::copy(batch.begin(), batch.end(), sizes);
  *end++ = m;
  *end++ = n;
  return Shape(std::span<const int64_t>(sizes, end));
}

void check(const char* op, const Tensor& a, const Tensor& b, const MatmulOptions& o) {
  check_floating(op, "a", a);
  check_defined(op, "b", b);
  check_same_device(op, {a, b, o.c});
  if (is_quantised(b.dtype())) {
    if (b.rank() != 2 || !o.transpose_b) {
      throw_error(ErrorCode::dtype, "[{}] b is {}: a quantised operand is [N, K] with transpose_b",
                  op, to_string(b.dtype()));
    }
  } else {
    check_floating(op, "b", b);
    check_same_dtype(op, a, b);
  }
  if (o.beta != 0) check_floating(op, "c", o.c);
  if (o.out_given && !is_floating(o.out)) {
    throw_error(ErrorCode::dtype, "[{}] result of {}", op, to_string(o.out));
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

bool same_batch(const Shape& a, const Shape& b) {
  return a.rank() == b.rank() && std::equal(a.begin(), a.end() - 2, b.begin());
}

// op(left) op(right) summed to `shape` in f32, rounded once to `dtype`: by the product itself where
// nothing is summed.
Tensor product_to(const Tensor& left, const Tensor& right, MatmulOptions o, const Shape& shape,
                  DType dtype) {
  const bool whole = same_batch(left.shape(), shape) && same_batch(right.shape(), shape);
  o.out = whole ? dtype : f32;
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

// `t` as a kernel reads it: nothing is recorded on what is made of it.
Tensor unrecorded(const Tensor& t) { return t.requires_grad() ? t.detach() : t; }

// Metal's routes take a K of at least one and matrices whose rows or columns are contiguous.
void suit_metal(Tensor& a, Tensor& b, MatmulArgs& args) {
  if (args.k == 0) {
    a = zeros({args.m, 1}, {a.dtype(), a.device()});
    b = zeros({1, args.n}, {a.dtype(), a.device()});
    args.k = 1;
    args.alpha = 0;
  }
  if (!has_matrix_layout(a)) a = contiguous(a);
  if (!is_quantised(b.dtype()) && !has_matrix_layout(b)) b = contiguous(b);
}

// c [.., M, N] as the kernels read it: where it is or, for Metal's, already in the result.
void set_c(const Tensor& c, const Tensor& z, MatmulArgs& args) {
  const bool in_result = metal::is_metal(z.device());
  if (in_result) copy_(z, c);
  const Tensor& from = in_result ? z : c;
  args.c = matrix(from);
  const Shape batch(std::span(args.batch, static_cast<size_t>(args.batch_rank)));
  batch_strides(from, batch, args.c_strides);
}

void set_operands(Tensor& a, Tensor& b, const Shape& batch, MatmulArgs& args) {
  if (metal::is_metal(a.device())) suit_metal(a, b, args);
  args.a = matrix(a);
  args.batch_rank = batch.rank();
  std::copy(batch.begin(), batch.end(), args.batch);
  batch_strides(a, batch, args.a_strides);
  if (!is_quantised(b.dtype())) {
    args.b = matrix(b);
    return batch_strides(b, batch, args.b_strides);
  }
  args.blocks = b.data();
  args.block_dtype = b.dtype();
  if (a.device().kind() == DeviceKind::cpu) args.packed = &packed_weight(b);
}

// With a vector among the operands: as matrices, then without the added dimension.
Tensor of_vectors(const Kernels<MatmulArgs>& kernels, const Tensor& a, const Tensor& b,
                  const MatmulOptions& o) {
  const Operand x = operand(kernels.op, a, o.transpose_a, true);
  const Operand y = operand(kernels.op, b, o.transpose_b, false);
  MatmulOptions rest = o;
  rest.transpose_a = rest.transpose_b = false;
  const Tensor z = matmul_by(kernels, x.t, y.t, rest);
  std::vector<int64_t> sizes(z.shape().begin(), z.shape().end());
  if (y.vector) sizes.pop_back();
  if (x.vector) sizes.erase(sizes.end() - (y.vector ? 1 : 2));
  return z.reshape(Shape{std::span<const int64_t>(sizes)});
}

}  // namespace

Tensor matmul_by(const Kernels<MatmulArgs>& kernels, const Tensor& a, const Tensor& b,
                 const MatmulOptions& o) {
  check(kernels.op, a, b, o);
  if (a.rank() == 1 || b.rank() == 1) return of_vectors(kernels, a, b, o);
  const bool quantised = is_quantised(b.dtype());
  Tensor x = operand(kernels.op, unrecorded(a), o.transpose_a, true).t;
  Tensor y = quantised ? b : operand(kernels.op, unrecorded(b), o.transpose_b, false).t;
  MatmulArgs args{};
  args.m = x.size(-2), args.k = x.size(-1), args.n = quantised ? y.size(0) : y.size(-1);
  if (args.k != (quantised ? y.size(1) : y.size(-2))) {
    throw_error(ErrorCode::shape, "[{}] inner dimensions differ: a is {}, b is {}{}", kernels.op,
                a.shape().to_string(), b.shape().to_string(),
                o.transpose_a || o.transpose_b ? " (before transposing)" : "");
  }
  const Shape batch = broadcast_batch(kernels.op, x.shape(), quantised ? Shape{1, 1} : y.shape());
  const DType dtype = o.out_given ? o.out : a.dtype();
  Tensor z = empty(with_matrix(batch, args.m, args.n), {dtype, a.device()});
  args.y = z.data();
  args.y_dtype = dtype;
  args.alpha = o.alpha, args.beta = o.beta;
  set_operands(x, y, batch, args);
  if (o.beta != 0) set_c(o.c.detach().expand(z.shape()), z, args);
  Tensor scratch;
  if (!metal::is_metal(a.device()) && (dtype != f32 || o.alpha != 1 || o.beta != 0)) {
    scratch = empty({args.m, args.n}, {f32, a.device()});
    args.scratch = static_cast<float*>(scratch.data());
  }
  if (z.numel() > 0) run(kernels, a.device(), args);
  if (o.beta != 0 ? wants_grad({a, b, o.c}) : wants_grad({a, b})) record_gradients(z, a, b, o);
  return z;
}

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& o) {
  return matmul_by(kMatmul, a, b, o);
}

}  // namespace pewter
