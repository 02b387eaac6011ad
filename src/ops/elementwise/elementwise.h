// a + b, a - b, a * b with NumPy's broadcasting, and x * factor (factor rounded to f32 first).
// Each element is one IEEE operation in f32, rounded once to the dtype: for f32 exact to the bit.
// Backward: the gradient, times the other operand for mul, summed over broadcast dimensions.
#pragma once

#include "elementwise_args.h"

namespace pewter {
namespace cpu {
void elementwise(const ElementwiseArgs& args);
}
namespace ref {
void elementwise(const ElementwiseArgs& args);
}
}  // namespace pewter
