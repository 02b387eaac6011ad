#include "softmax.h"

#include "../kernels.h"

namespace pewter {
namespace {

constexpr Kernels<SoftmaxArgs> kForward{"softmax", cpu::softmax, ref::softmax, metal::softmax};
constexpr Kernels<SoftmaxBackwardArgs> kBackward{"softmax_backward", cpu::softmax_backward,
                                                 ref::softmax_backward, metal::softmax_backward};

Tensor softmax_backward(const Tensor& y, const Tensor& grad) {
  const Tensor dy = contiguous(grad);
  Tensor dx = empty(y.shape(), {y.dtype(), y.device()});
  const int64_t columns = y.size(-1);
  run(kBackward, y.device(),
      {y.data(), dy.data(), dx.data(), y.numel() / columns, columns, y.dtype()});
  return dx;
}

}  // namespace

Tensor softmax(const Tensor& input) {
  check_floating("softmax", "x", input);
  if (input.rank() == 0 || input.size(-1) == 0) {
    throw_error(ErrorCode::shape, "[softmax] expected last dimension > 0, got {}",
                input.shape().to_string());
  }
  const Tensor x = contiguous(input);
  Tensor y = empty(x.shape(), {x.dtype(), x.device()});
  const int64_t columns = x.size(-1);
  run(kForward, x.device(), {x.data(), y.data(), x.numel() / columns, columns, x.dtype()});
  // y is detached: a node that held its own output would never be freed.
  record(y, "softmax", {input},
         [y = y.detach()](const Tensor& g) { return std::vector{softmax_backward(y, g)}; });
  return y;
}

}  // namespace pewter
