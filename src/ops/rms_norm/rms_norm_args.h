// Rows are contiguous; weight has one element a column.
#pragma once

#include <cstdint>

#include "pewter/dtype.h"

namespace pewter {

struct RmsNormArgs {
  const void* x;
  const void* weight;
  void* y;
  int64_t rows, columns;
  float eps;
  DType dtype;
};

struct RmsNormBackwardArgs {
  const void* x;
  const void* weight;
  const void* dy;
  void* dx;        // null when x wants no gradient
  float* partial;  // [chunks, columns]: each chunk's share of dweight; null when it is not wanted
  int64_t rows, columns;
  int64_t chunk;  // rows in a chunk
  float eps;
  DType dtype;
};

}  // namespace pewter
