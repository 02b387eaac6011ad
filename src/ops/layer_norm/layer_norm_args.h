// Rows are contiguous; weight and bias have one element a column.
#pragma once

#include <cstdint>

#include "pewter/dtype.h"

namespace pewter {

struct LayerNormArgs {
  const void* x;
  const void* weight;
  const void* bias;  // null: none
  void* y;
  int64_t rows, columns;
  float eps;
  DType dtype;
};

struct LayerNormBackwardArgs {
  const void* x;
  const void* weight;
  const void* dy;
  void* dx;  // null when x wants no gradient
  float*
      partial;  // [chunks, 2, columns]: each chunk's share of dweight and dbias; null: not wanted
  int64_t rows, columns;
  int64_t chunk;  // rows in a chunk
  float eps;
  DType dtype;
};

}  // namespace pewter
