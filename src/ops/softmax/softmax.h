// y = exp(x - max(x)) / sum(exp(x - max(x))) over the last dimension.
// A row whose maximum is -inf, or that holds NaN or +inf, is NaN throughout, as IEEE arithmetic has
// it. Error of each element: (columns + 8) * 2^-24 relative to y (sum of non-negative terms; exp
// within 4 units in the last place), plus one rounding to the dtype.
// Backward: dx = y * (dy - sum(y * dy)).
#pragma once

#include "softmax_args.h"

namespace pewter {
namespace metal {
class Encoder;
void softmax(Encoder& encoder, const SoftmaxArgs& args);
void softmax_backward(Encoder& encoder, const SoftmaxBackwardArgs& args);
}  // namespace metal
namespace cpu {
void softmax(const SoftmaxArgs& args);
void softmax_backward(const SoftmaxBackwardArgs& args);
}  // namespace cpu
namespace ref {
void softmax(const SoftmaxArgs& args);
void softmax_backward(const SoftmaxBackwardArgs& args);
}  // namespace ref
}  // namespace pewter
