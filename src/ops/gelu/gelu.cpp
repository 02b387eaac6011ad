#include "gelu.h"

#include "ops/kernels.h"

namespace pewter {
namespace {

constexpr Kernels<GeluArgs> kGelu{"gelu", cpu::gelu, ref::gelu};

Tensor apply(const Tensor& x, const Tensor& dy, bool tanh_approximation) {
  Tensor y = empty(x.shape(), {x.dtype(), x.device()});
  if (y.numel() == 0) return y;
  run(kGelu, x.device(),
      {x.data(), dy.defined() ? dy.data() : nullptr, y.data(), x.numel(), x.dtype(),
       tanh_approximation});
  return y;
}

}  // namespace

Tensor gelu(const Tensor& input, bool tanh_approximation) {
  check_floating("gelu", "x", input);
  const Tensor x = contiguous(input);
  Tensor y = apply(x, {}, tanh_approximation);
  if (!wants_grad({input})) return y;
  record(y, "gelu", {input}, [x = x.detach(), tanh_approximation](const Tensor& g) {
    return std::vector{apply(x, contiguous(g), tanh_approximation)};
  });
  return y;
}

}  // namespace pewter
