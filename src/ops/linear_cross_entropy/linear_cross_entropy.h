// The head's product and its loss in one op: logits exist for a block of rows at a time, and are
// turned into their own gradient in place while they do (arXiv 2410.10989 §3.2).
//
// Rows whose weight is 0 are left out before anything is computed. Loss: row losses (f32: logsumexp
// within (V / lanes + 8) * 2^-24 relative to its terms) summed in double in row order. The bits of
// a row do not depend on which rows share its block.
#pragma once

#include "ops/linear/linear.h"

namespace pewter {

// Rows at a time: 128 make the head's weights, unpacked once per block, cost an eighth of the
// product.
constexpr int64_t kLossRows = 128;

struct LinearCrossEntropyArgs {
  WeightArgs w;              // [V, D]
  const float* x;            // [T, D]
  const int32_t* targets;    // [T]
  const float* row_weights;  // [T]; null: 1 where the target is not negative, else 0
  float* loss;               // [1] or null
  float* log_probs;          // [T] or null
  float *dx, *dw;            // [T, D], [V, D]; either may be null
  // (The last three hold zeros when the kernel starts: it writes the rows that count.)
  float *logits, *rows, *row_grads;  // scratch [kLossRows, V], [kLossRows, D], the same
  int64_t t;
};

namespace cpu {
void linear_cross_entropy(const LinearCrossEntropyArgs& args);
}
namespace ref {
void linear_cross_entropy(const LinearCrossEntropyArgs& args);
}

// The rows that count, in order. Throws ErrorCode::argument for a target outside [0, V).
std::vector<int64_t> counted_rows(const LinearCrossEntropyArgs& args);
inline float row_weight(const LinearCrossEntropyArgs& a, int64_t row) {
  return a.row_weights ? a.row_weights[row] : 1.0f;
}

}  // namespace pewter
