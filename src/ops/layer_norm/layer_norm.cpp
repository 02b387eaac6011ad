#include "layer_norm.h"

#include <algorithm>

#include "ops/kernels.h"
#include "ops/sum/sum.h"

namespace pewter {
namespace {

constexpr Kernels<LayerNormArgs> kForward{"layer_norm", cpu::layer_norm, ref::layer_norm};
constexpr Kernels<LayerNormBackwardArgs> kBackward{"layer_norm_backward", cpu::layer_norm_backward,
                                                   ref::layer_norm_backward};

struct Wanted {
  bool x, weight, bias;
};

std::vector<Tensor> backward_of(const Tensor& x, const Tensor& weight, const Tensor& grad,
                                float eps, Wanted wanted) {
  const int64_t columns = x.size(-1), rows = columns ? x.numel() / columns : 0;
  const int64_t chunk = std::max<int64_t>(16, (rows + 31) / 32);
  const Tensor dy = contiguous(grad);
  const bool sums = wanted.weight || wanted.bias;
  Tensor dx, partial;
  if (wanted.x) dx = empty(x.shape(), {x.dtype(), x.device()});
  if (sums) partial = empty({(rows + chunk - 1) / chunk, 2, columns}, {f32, x.device()});
  if (x.numel() > 0) {
    run(kBackward, x.device(),
        {x.data(), weight.data(), dy.data(), wanted.x ? dx.data() : nullptr,
         sums ? static_cast<float*>(partial.data()) : nullptr, rows, columns, chunk, eps,
         x.dtype()});
  }
  if (!sums) return {dx, Tensor(), Tensor()};
  const Tensor both = cast(sum_to(partial, {2, columns}), weight.dtype());
  const auto part = [&](int64_t i) { return both.slice(0, i, i + 1).reshape({columns}); };
  return {dx, wanted.weight ? part(0) : Tensor(), wanted.bias ? part(1) : Tensor()};
}

void check_operands(const Tensor& x, const Tensor& weight, const Tensor& bias, float eps) {
  check_floating("layer_norm", "x", x);
  check_floating("layer_norm", "weight", weight);
  check_same_device("layer_norm", {x, weight, bias});
  check_same_dtype("layer_norm", x, weight);
  if (x.rank() == 0) throw_error(ErrorCode::shape, "[layer_norm] x is a scalar; rows are needed");
  check_shape("layer_norm", "weight", weight, {x.size(-1)});
  if (bias.defined()) {
    check_same_dtype("layer_norm", x, bias);
    check_shape("layer_norm", "bias", bias, {x.size(-1)});
  }
  if (!(eps >= 0)) throw_error(ErrorCode::argument, "[layer_norm] eps {} is negative", eps);
}

}  // namespace

Tensor layer_norm(const Tensor& x_in, const Tensor& weight_in, const Tensor& bias_in, float eps) {
  check_operands(x_in, weight_in, bias_in, eps);
  const Tensor x = contiguous(x_in), weight = contiguous(weight_in);
  const Tensor bias = bias_in.defined() ? contiguous(bias_in) : Tensor();
  Tensor y = empty(x.shape(), {x.dtype(), x.device()});
  if (x.numel() > 0) {
    const int64_t columns = x.size(-1);
    run(kForward, x.device(),
        {x.data(), weight.data(), bias.defined() ? bias.data() : nullptr, y.data(),
         x.numel() / columns, columns, eps, x.dtype()});
  }
  if (!wants_grad({x_in, weight_in, bias_in})) return y;
  const Wanted wanted{x_in.requires_grad(), weight_in.requires_grad(), bias_in.requires_grad()};
  record(y, "layer_norm", {x_in, weight_in, bias_in},
         [x = x.detach(), weight = weight.detach(), eps, wanted](const Tensor& g) {
           return backward_of(x, weight, g, eps, wanted);
         });
  return y;
}

}  // namespace pewter
