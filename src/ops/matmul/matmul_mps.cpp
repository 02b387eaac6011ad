// MPSMatrixMultiplication and MPSMatrixVectorMultiplication. MPS ends the program over operands it
// does not know, so everything is checked before; and what it is known to compute wrong is refused.
#include "matmul_mps.h"

#include <algorithm>

#include "device/metal/mps_objects.h"
#include "matmul_batch.h"
#include "ops/kernels.h"
#include "pewter/mps.h"

namespace pewter {

std::optional<MatrixLayout> matrix_layout(int64_t rows, int64_t columns, int64_t row_stride,
                                          int64_t column_stride) {
  if ((column_stride == 1 || columns == 1) && (row_stride >= columns || rows == 1)) {
    return MatrixLayout{rows, columns, rows == 1 ? columns : row_stride, false};
  }
  if ((row_stride == 1 || rows == 1) && (column_stride >= rows || columns == 1)) {
    return MatrixLayout{columns, rows, columns == 1 ? rows : column_stride, true};
  }
  return std::nullopt;
}

std::optional<BatchStride> batch_stride(const MatmulArgs& args, const int64_t* strides) {
  BatchStride all{1, 0};
  for (int d = args.batch_rank - 1; d >= 0; --d) {
    if (args.batch[d] == 1) continue;
    if (all.count == 1)
      all.stride = strides[d];
    else if (strides[d] != all.stride * all.count)
      return std::nullopt;
    all.count *= args.batch[d];
  }
  return all;
}

// Of one member; the sizes at which MPS's byte offsets overflow: JuliaGPU/Metal.jl#381.
std::optional<MpsProblem> mps_problem(const MatmulArgs& o) {
  const auto name = [](DType dtype) { return std::string(to_string(dtype)); };
  if (o.blocks) {
    return MpsProblem{ErrorCode::dtype, "MPS has no products of " + name(o.block_dtype)};
  }
  if (!metal::is_mps_type(o.a.dtype)) {
    return MpsProblem{ErrorCode::dtype, "MPS has no products of " + name(o.a.dtype)};
  }
  if (!metal::is_mps_type(o.y_dtype) || (o.a.dtype == f32 && o.y_dtype == f16)) {
    return MpsProblem{ErrorCode::dtype,
                      "MPS makes no " + name(o.y_dtype) + " of " + name(o.a.dtype) + " operands"};
  }
  const __int128 bytes = (__int128{o.m} + 2 * __int128{o.k}) * o.n * info(o.a.dtype).block_bytes;
  if (bytes >= (__int128{1} << 31)) {
    return MpsProblem{ErrorCode::argument,
                      fmt::format("MPS computes products as large as M {}, N {}, K {} wrong: "
                                  "(M + 2 K) N in bytes must be below 2^31",
                                  o.m, o.n, o.k)};
  }
  return std::nullopt;
}

namespace metal {
namespace {

using apple::objc::UInt;
UInt n(int64_t value) { return static_cast<UInt>(value); }

void throw_problem(const char* op, const MpsProblem& problem) {
  throw_error(problem.code, "[{}] {}", op, problem.text);
}

MatrixView view_of(const MatrixLayout& l, BatchStride batch = {1, 0}) {
  return {l.rows, l.columns, l.row_stride, batch.count, batch.stride};
}

MatrixLayout layout_of(const GemmMatrix& x, int64_t rows, int64_t columns) {
  return *matrix_layout(rows, columns, x.row_stride, x.column_stride);
}

// Bytes moved, or as much time in multiply-adds on a GPU that does 32 of them per byte.
int64_t weight(const MatmulArgs& o, int64_t members) {
  const int64_t moved = (o.m * o.k + o.k * o.n + o.m * o.n) * info(o.a.dtype).block_bytes;
  return members * std::max(moved, o.m * o.n * (o.k / 16));
}

const apple::mps::MatrixMultiplication& product_kernel(Encoder& e, const MatmulArgs& o, bool ta,
                                                       bool tb) {
  static constexpr char kProducts = 0;
  const ObjectKey key{&kProducts,
                      {n(o.m), n(o.n), n(o.k), n(ta), n(tb), bits_of(o.alpha), bits_of(o.beta)}};
  return e.cached<apple::mps::MatrixMultiplication>(key, [&] {
    return apple::mps::MatrixMultiplication(e.device(), ta, tb, n(o.m), n(o.n), n(o.k),
                                            double{o.alpha}, double{o.beta});
  });
}

const apple::mps::MatrixVectorMultiplication& vector_kernel(Encoder& e, const MatmulArgs& o,
                                                            bool ta) {
  static constexpr char kProducts = 1;
  const ObjectKey key{&kProducts, {n(o.m), n(o.k), n(ta), bits_of(o.alpha), bits_of(o.beta)}};
  return e.cached<apple::mps::MatrixVectorMultiplication>(key, [&] {
    return apple::mps::MatrixVectorMultiplication(e.device(), ta, n(o.m), n(o.k), double{o.alpha},
                                                  double{o.beta});
  });
}

// `count` members, their operands these strides apart.
void encode_products(Encoder& e, const MatmulArgs& o, BatchStride a, BatchStride b) {
  const MatrixLayout la = layout_of(o.a, o.m, o.k), lb = layout_of(o.b, o.k, o.n);
  const auto left = mps_matrix(e, e.reads(o.a.data), o.a.dtype, view_of(la, a));
  const auto right = mps_matrix(e, e.reads(o.b.data), o.b.dtype, view_of(lb, b));
  const auto result = mps_matrix(e, e.writes(o.y), o.y_dtype, {o.m, o.n, o.n, a.count, o.m * o.n});
  product_kernel(e, o, la.transposed, lb.transposed).encode(e.commands(), left, right, result);
  e.weighs(weight(o, a.count));
}

void encode_vectors(Encoder& e, const MatmulArgs& o, BatchStride a, BatchStride b) {
  const MatrixLayout la = layout_of(o.a, o.m, o.k);
  const auto left = mps_matrix(e, e.reads(o.a.data), o.a.dtype, view_of(la, a));
  const auto right = mps_vector(e, e.reads(o.b.data), o.b.dtype, o.k, b.count, b.stride);
  const auto result = mps_vector(e, e.writes(o.y), o.y_dtype, o.m, a.count, o.m);
  vector_kernel(e, o, la.transposed).encode(e.commands(), left, right, result);
  e.weighs(weight(o, a.count));
}

using EncodeMembers = void (*)(Encoder&, const MatmulArgs&, BatchStride, BatchStride);

// A right operand that all members share: their rows are rows of one tall left operand.
bool fold_batch(MatmulArgs& o, BatchStride& a, BatchStride& b) {
  const MatrixLayout la = layout_of(o.a, o.m, o.k);
  if (a.count == 1 || b.stride != 0 || la.transposed) return false;
  if (a.stride != o.m * (o.m == 1 ? a.stride : la.row_stride)) return false;
  MatmulArgs tall = o;
  tall.a.row_stride = o.m == 1 ? a.stride : la.row_stride;
  tall.a.column_stride = 1;
  tall.m *= a.count;
  if (tall.a.row_stride < o.k || mps_problem(tall)) return false;
  o = tall;
  a = b = {1, 0};
  return true;
}

// Few calls where the members lie evenly, else one a member.
void encode_batch(Encoder& e, MatmulArgs o, EncodeMembers encode, bool vectors) {
  auto a = batch_stride(o, o.a_strides), b = batch_stride(o, o.b_strides);
  if (a && b && !vectors && fold_batch(o, *a, *b)) return encode(e, o, *a, *b);
  const auto fits = [&] {
    const bool right = vectors ? b->count == 1 || b->stride >= o.k
                               : is_mps_batch(view_of(layout_of(o.b, o.k, o.n), *b));
    return right && is_mps_batch(view_of(layout_of(o.a, o.m, o.k), *a));
  };
  if (!a || !b || !fits()) {
    for_each_member(o, [&](const MatmulArgs& one) { encode(e, one, {1, 0}, {1, 0}); });
    return;
  }
  for (int64_t at = 0; at < a->count; at += kMaxMpsBatch) {
    const int64_t count = std::min(kMaxMpsBatch, a->count - at);
    MatmulArgs some = o;
    some.a.data = plus(o.a.data, at * a->stride, o.a.dtype);
    some.b.data = plus(o.b.data, at * b->stride, o.b.dtype);
    some.y = plus(o.y, at * o.m * o.n, o.y_dtype);
    encode(e, some, {count, a->stride}, {count, b->stride});
  }
}

void mps_product(Encoder& e, const MatmulArgs& o) {
  require_mps(e, "mps::matmul");
  if (const auto problem = mps_problem(o)) throw_problem("mps::matmul", *problem);
  encode_batch(e, o, encode_products, false);
}

void mps_vector_product(Encoder& e, const MatmulArgs& o) {
  require_mps(e, "mps::matvec");
  if (const auto problem = mps_problem(o)) throw_problem("mps::matvec", *problem);
  encode_batch(e, o, encode_vectors, true);
}

}  // namespace

void matmul(Encoder& e, const MatmulArgs& o) {
  const auto problem = mps_problem(o);
  if (problem || !e.has_mps()) {
    throw_error(ErrorCode::device, "[matmul] has no kernel of its own on {}, and {}",
                this_device().name(), problem ? problem->text : "MPS none for this GPU");
  }
  encode_batch(e, o, encode_products, false);
}

}  // namespace metal

namespace mps {
namespace {

constexpr Kernels<MatmulArgs> kProduct{"mps::matmul", nullptr, nullptr, metal::mps_product};
constexpr Kernels<MatmulArgs> kVectorProduct{"mps::matvec", nullptr, nullptr,
                                             metal::mps_vector_product};

void check_device(const char* op, const char* name, const Tensor& t) {
  check_defined(op, name, t);
  if (!metal::is_metal(t.device())) {
    throw_error(ErrorCode::device, "[{}] {} is on {}; MPS runs on metal and metal-sim", op, name,
                t.device().name());
  }
}

Tensor column(const Tensor& t) {
  std::vector<int64_t> sizes(t.shape().begin(), t.shape().end());
  sizes.push_back(1);
  return t.reshape(Shape{std::span<const int64_t>(sizes)});
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  check_device("mps::matmul", "a", a);
  check_device("mps::matmul", "b", b);
  return matmul_by(kProduct, a, b, options);
}

Tensor matvec(const Tensor& a, const Tensor& x, const MatmulOptions& options) {
  check_device("mps::matvec", "a", a);
  check_device("mps::matvec", "x", x);
  if (a.rank() < 2 || x.rank() < 1) {
    throw_error(ErrorCode::shape, "[mps::matvec] a {} is no matrix or x {} no vector",
                a.shape().to_string(), x.shape().to_string());
  }
  MatmulOptions o = options;
  o.transpose_b = false;
  if (o.beta != 0) o.c = column(o.c);
  const bool packed = x.size(-1) < 2 || x.strides()[-1] == 1;
  const Tensor z = matmul_by(kVectorProduct, a, column(packed ? x : contiguous(x)), o);
  std::vector<int64_t> sizes(z.shape().begin(), z.shape().end() - 1);
  return z.reshape(Shape{std::span<const int64_t>(sizes)});
}

}  // namespace mps
}  // namespace pewter
