// Everything is f32 and contiguous, except the gradients that global_norm reads.
#pragma once

#include <cstdint>
#include <vector>

#include "pewter/ops.h"

namespace pewter {

struct AdamwArgs {
  float* param;
  const float* grad;
  float* m;
  float* v;
  const float* step;  // learning rate, 1 - beta1^t, 1 - beta2^t, factor on the gradient
  int64_t n;
  AdamwOptions options;
};

// A piece of a tensor: what one thread sums at a time.
struct NormPiece {
  const void* data;
  int64_t n;
  DType dtype;
};

struct GlobalNormArgs {
  std::vector<NormPiece> pieces;
  double* partial;  // one a piece
  float* norm;
};

}  // namespace pewter
