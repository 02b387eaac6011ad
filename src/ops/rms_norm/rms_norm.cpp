#include "rms_norm.h"

#include <algorithm>

#include "ops/kernels.h"
#include "ops/sum/sum.h"

namespace pewter {
namespace {

constexpr Kernels<RmsNormArgs> kForward{"rms_norm", cpu::rms_norm, ref::rms_norm};
constexpr Kernels<RmsNormBackwardArgs> kBackward{"rms_norm_backward", cpu::rms_norm_backward,
                                                 ref::rms_norm_backward};

std::vector<Tensor> backward_of(const Tensor& x, const Tensor& weight, const Tensor& grad,
                                float eps, bool x_wants, bool weight_wants) {
  const int64_t columns = x.size(-1), rows = columns ? x.numel() / columns : 0;
  const int64_t chunk = std::max<int64_t>(16, (rows + 31) / 32);
  const Tensor dy = contiguous(grad);
  Tensor dx, partial;
  if (x_wants) dx = empty(x.shape(), {x.dtype(), x.device()});
  if (weight_wants) partial = empty({(rows + chunk - 1) / chunk, columns}, {f32, x.device()});
  if (x.numel() > 0) {
    run(kBackward, x.device(),
        {x.data(), weight.data(), dy.data(), x_wants ? dx.data() : nullptr,
         weight_wants ? static_cast<float*>(partial.data()) : nullptr, rows, columns, chunk, eps,
         x.dtype()});
  }
  return {dx, weight_wants ? cast(sum_to(partial, {columns}), weight.dtype()) : Tensor()};
}

}  // namespace

Tensor rms_norm(const Tensor& input, const Tensor& weight_in, float eps) {
  check_floating("rms_norm", "x", input);
  check_floating("rms_norm", "weight", weight_in);
  check_same_device("rms_norm", {input, weight_in});
  check_same_dtype("rms_norm", input, weight_in);
  if (input.rank() == 0) throw_error(ErrorCode::shape, "[rms_norm] x is a scalar; rows are needed");
  check_shape("rms_norm", "weight", weight_in, {input.size(-1)});
  if (!(eps >= 0)) throw_error(ErrorCode::argument, "[rms_norm] eps {} is negative", eps);
  const Tensor x = contiguous(input), weight = contiguous(weight_in);
  Tensor y = empty(x.shape(), {x.dtype(), x.device()});
  if (x.numel() > 0) {
    const int64_t columns = x.size(-1);
    run(kForward, x.device(),
        {x.data(), weight.data(), y.data(), x.numel() / columns, columns, eps, x.dtype()});
  }
  if (!wants_grad({input, weight_in})) return y;
  record(y, "rms_norm", {input, weight_in},
         [x = x.detach(), weight = weight.detach(), eps, x_wants = input.requires_grad(),
          weight_wants = weight_in.requires_grad()](const Tensor& g) {
           return backward_of(x, weight, g, eps, x_wants, weight_wants);
         });
  return y;
}

}  // namespace pewter
