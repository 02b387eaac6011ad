// y = x W^T + bias + s dropout(x) A^T B^T as one op (arXiv 2106.09685).
//
// Forward: u = dropout(x) A^T, then one product whose chain runs over K and on over R: the
// low-rank term continues the accumulators of x W^T with u (sB)^T, so y is written once. Backward:
// dU = dY (sB); dX's chain runs over N with W and on over R with dU A; dA = dU^T dropout(x), dB =
// s (u^T dY)^T. Only u [M, R] is kept from the forward. u (without dropout) is computed from the
// tiles of x, and dU from those of dY, while they are packed for the large product. Rounding: as
// the chains say; s is multiplied into B, and into dB at the end, rounded to f32.
//
// Dropout keeps element i when its 32 bits are below (1 - p) 2^32; bits are word i % 4 of
// Philox4x32-10 with counter (i / 4, stream + step * 2^20) and the seed as key.
#pragma once

#include "ops/linear/linear.h"

namespace pewter {

// Streams are layers, few; steps take the upper bits of the same 64: more streams than these would
// meet the masks of later steps.
inline constexpr int kStreamBits = 20;

struct DropoutArgs {
  float p = 0;
  const uint64_t* seed_and_counter = nullptr;  // on the device; read when the kernel runs
  uint64_t stream = 0;
};

struct LoraLinearArgs {
  WeightArgs w;
  const float *x, *bias, *a, *b;
  float *u, *y;    // u: [M, R]
  float* dropped;  // [M, K] for dropout(x), null when p == 0
  int64_t m, r;
  float scale;
  DropoutArgs dropout;
};

struct LoraLinearBackwardArgs {
  WeightArgs w;
  const float *x, *a, *b, *u, *dy;
  float *du, *dx, *da, *db;  // du: [M, R] scratch; dx, da, db may be null
  float* dropped;            // [M, K] scratch, null when p == 0
  float* db_turned;          // [R, N] scratch, null when db is
  int64_t m, r;
  float scale;
  DropoutArgs dropout;
};

namespace cpu {
void lora_linear(const LoraLinearArgs& args);
void lora_linear_backward(const LoraLinearBackwardArgs& args);
}  // namespace cpu
namespace ref {
void lora_linear(const LoraLinearArgs& args);
void lora_linear_backward(const LoraLinearBackwardArgs& args);
}  // namespace ref

// out[i] = dropout of x[i] (times 1 / (1 - p), or 0), elements begin .. end of the whole.
void apply_dropout(const DropoutArgs& dropout, const float* x, float* out, int64_t begin,
                   int64_t end);

}  // namespace pewter
