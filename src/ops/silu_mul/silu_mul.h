// y = gate * up / (1 + exp(-gate)), the SwiGLU product (arXiv 2002.05202).
// Error of each element: 8 * 2^-24 relative to y, plus one rounding to the dtype; below gate = -87
// the result may be 0 where the exact one is under 2^-119 |up|.
// Backward keeps gate and up alone and forms the sigmoid s again:
// dgate = dy up s (1 + gate (1 - s)), dup = dy gate s.
#pragma once

#include "silu_mul_args.h"

namespace pewter {
namespace cpu {
void silu_mul(const SiluMulArgs& args);
void silu_mul_backward(const SiluMulBackwardArgs& args);
}  // namespace cpu
namespace ref {
void silu_mul(const SiluMulArgs& args);
void silu_mul_backward(const SiluMulBackwardArgs& args);
}  // namespace ref
}  // namespace pewter
