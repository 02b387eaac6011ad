// Strided copy with conversion. Strides are in elements.
#pragma once

#include "pewter/tensor.h"

namespace pewter {

struct CopyArgs {
  const void* x;
  void* y;
  DType from, to;
  int32_t rank;
  int64_t sizes[kMaxRank], x_strides[kMaxRank], y_strides[kMaxRank];
};

struct FillArgs {
  void* y;
  DType dtype;
  double value;
  int32_t rank;
  int64_t sizes[kMaxRank], strides[kMaxRank];
};

}  // namespace pewter
