// x is [token, head, d] with any strides of token and head (tokens are walked over the leading
// dimensions), unit stride within a head; y is contiguous.
#pragma once

#include "ops/strided.h"

namespace pewter {

struct RopeArgs {
  const void* x;
  void* y;
  const float* cos;
  const float* sin;
  DType dtype;
  Strided<3> tokens;  // x, cos, sin
  int64_t heads, head_stride;
  int64_t half;  // d / 2
  float sign;    // 1, or -1 to rotate back
};

struct RopeTablesArgs {
  const int32_t* positions;
  const float* inverse_frequency;
  float* cos;
  float* sin;
  int64_t tokens, half;
  float magnitude;
};

}  // namespace pewter
