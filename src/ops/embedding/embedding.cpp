#include "embedding.h"

#include <algorithm>

#include "ops/kernels.h"

namespace pewter {
namespace {

constexpr Kernels<EmbeddingArgs> kForward{"embedding", cpu::embedding, ref::embedding};
constexpr Kernels<EmbeddingBackwardArgs> kBackward{"embedding_backward", cpu::embedding_backward,
                                                   ref::embedding_backward};

Shape result_shape(const Tensor& table, const Tensor& ids) {
  if (table.rank() != 2 || ids.rank() == kMaxRank) {
    throw_error(ErrorCode::shape, "[embedding] table {} and ids {}, expected [V, D] and any",
                table.shape().to_string(), ids.shape().to_string());
  }
  std::array<int64_t, kMaxRank> sizes{};
  std::copy(ids.shape().begin(), ids.shape().end(), sizes.begin());
  sizes[static_cast<size_t>(ids.rank())] = table.size(1);
  return Shape(std::span(sizes.data(), static_cast<size_t>(ids.rank() + 1)));
}

Tensor gradient_of(const Shape& table, DType dtype, const Tensor& ids, const Tensor& grad) {
  const Tensor dy = contiguous(grad);
  Tensor dtable = empty(table, {f32, dy.device()});
  run(kBackward, dy.device(),
      {dy.data(), static_cast<const int32_t*>(ids.data()), static_cast<float*>(dtable.data()),
       table[0], table[1], ids.numel(), dy.dtype()});
  return cast(dtable, dtype);
}

}  // namespace

void check_ids(const int32_t* ids, int64_t count, int64_t vocabulary) {
  for (int64_t i = 0; i < count; ++i) {
    if (ids[i] < 0 || ids[i] >= vocabulary) {
      throw_error(ErrorCode::argument, "[embedding] id {} at {} is outside [0, {})", ids[i], i,
                  vocabulary);
    }
  }
}

Tensor embedding(const Tensor& table_in, const Tensor& ids_in) {
  check_defined("embedding", "table", table_in);
  check_defined("embedding", "ids", ids_in);
  check_same_device("embedding", {table_in, ids_in});
  const bool quantised = is_quantised(table_in.dtype());
  if (!quantised) check_floating("embedding", "table", table_in);
  if (ids_in.dtype() != i32) {
    throw_error(ErrorCode::dtype, "[embedding] ids are {}; i32 is needed",
                to_string(ids_in.dtype()));
  }
  const Shape shape = result_shape(table_in, ids_in);
  byte_size(table_in.dtype(), table_in.size(1));  // rows of whole blocks, or an error
  const Tensor table = contiguous(table_in), ids = contiguous(ids_in);
  Tensor y = empty(shape, {quantised ? f32 : table.dtype(), table.device()});
  if (ids.numel() > 0) {
    run(kForward, y.device(),
        {table.data(), static_cast<const int32_t*>(ids.data()), y.data(), table.size(0),
         table.size(1), ids.numel(), table.dtype()});
  }
  if (!wants_grad({table_in})) return y;
  record(y, "embedding", {table_in},
         [shape = table.shape(), dtype = table.dtype(), ids](const Tensor& g) {
           return std::vector{gradient_of(shape, dtype, ids, g)};
         });
  return y;
}

}  // namespace pewter
