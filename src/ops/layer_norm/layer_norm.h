// y = z * weight + bias, z = (x - mean) * r, r = 1 / sqrt(variance + eps), variance the mean of
// squared deviations, taken about the mean in a second sweep.
// With u = 2^-24 the mean is off by at most (D + 2) u max|x|, so an element of y is off by at most
// |weight| r ((D + 4) u max|x|) (1 + |z|) + (D / 2 + 8) u |z weight| + 2 u |y|, plus one rounding.
// Backward, w = weight dy: dx = r (w - mean(w) - z mean(w z)), dweight = sum of dy z, dbias = sum
// of dy, over rows in chunks whose number depends on the number of rows alone.
#pragma once

#include "layer_norm_args.h"

namespace pewter {
namespace cpu {
void layer_norm(const LayerNormArgs& args);
void layer_norm_backward(const LayerNormBackwardArgs& args);
}  // namespace cpu
namespace ref {
void layer_norm(const LayerNormArgs& args);
void layer_norm_backward(const LayerNormBackwardArgs& args);
}  // namespace ref
}  // namespace pewter
