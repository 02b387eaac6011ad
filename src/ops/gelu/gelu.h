// Exact: y = x Phi(x), Phi the normal distribution's cumulative function; tanh:
// y = x / (1 + exp(-2 u)), u = sqrt(2 / pi) (x + 0.044715 x^3), which is 0.5 x (1 + tanh u).
// Error of each element, plus one rounding to the dtype: exact 16 * 2^-24 relative to y; tanh
// (8 + 8 |u|) * 2^-24 relative to y (the exponent's own rounding); results under 2^-119 may be 0.
// Backward: dx = dy (Phi(x) + x phi(x)); tanh: dx = dy (s + 2 x s (1 - s) u'), s = 1 / (1 +
// exp(-2u)).
#pragma once

#include "gelu_args.h"

namespace pewter {
namespace cpu {
void gelu(const GeluArgs& args);
}
namespace ref {
void gelu(const GeluArgs& args);
}
}  // namespace pewter
