// The product through MPS: what it takes, why it cannot, and how it is cut into calls.
#pragma once

#include <optional>
#include <string>

#include "matmul.h"

namespace pewter {

// A matrix as MPS holds it: rows one after the other, `row_stride` elements apart and at least
// `columns`; transposed, it is the columns that lie so.
struct MatrixLayout {
  int64_t rows, columns, row_stride;  // as stored
  bool transposed;
};
std::optional<MatrixLayout> matrix_layout(int64_t rows, int64_t columns, int64_t row_stride,
                                          int64_t column_stride);
inline bool has_matrix_layout(const Tensor& t) {
  return matrix_layout(t.size(-2), t.size(-1), t.strides()[-2], t.strides()[-1]).has_value();
}

// Batch dimensions as one: `stride` elements from each member to the next.
struct BatchStride {
  int64_t count, stride;
};
std::optional<BatchStride> batch_stride(const MatmulArgs& args, const int64_t* strides);

// Matrices in one call at most: indices of more than 65,535 wrapped to 16 bits on some systems.
inline constexpr int64_t kMaxMpsBatch = 32768;

// Why MPS cannot compute this product, with the code to throw; nothing when it can.
struct MpsProblem {
  ErrorCode code;
  std::string text;
};
std::optional<MpsProblem> mps_problem(const MatmulArgs& args);

}  // namespace pewter
