// y = x * weight * r, r = 1 / sqrt(mean(x^2) + eps), over the last dimension D.
// Error of each element: (D / 2 + 8) * 2^-24 relative to y, plus one rounding to the dtype (half of
// the sum's relative error passes through the root).
// Backward: dx = r * (weight dy - x r^2 mean(weight dy x)), dweight = sum over rows of dy x r; the
// rows of dweight are summed in chunks whose number depends on the number of rows alone.
#pragma once

#include "rms_norm_args.h"

namespace pewter {
namespace cpu {
void rms_norm(const RmsNormArgs& args);
void rms_norm_backward(const RmsNormBackwardArgs& args);
}  // namespace cpu
namespace ref {
void rms_norm(const RmsNormArgs& args);
void rms_norm_backward(const RmsNormBackwardArgs& args);
}  // namespace ref
}  // namespace pewter
