#include "linear.h"

#include "ops/kernels.h"

namespace pewter {
namespace {

constexpr Kernels<LinearArgs> kForward{"linear", cpu::linear, ref::linear};
constexpr Kernels<LinearInputGradArgs> kInputGrad{"linear_input_grad", cpu::linear_input_grad,
                                                  ref::linear_input_grad};
constexpr Kernels<LinearWeightGradArgs> kWeightGrad{"linear_weight_grad", cpu::linear_weight_grad,
                                                    ref::linear_weight_grad};

void check(const Tensor& x, const Tensor& w, const Tensor& bias) {
  check_floating("linear", "x", x);
  check_defined("linear", "weight", w);
  check_same_device("linear", {x, w, bias});
  if (!is_quantised(w.dtype())) check_floating("linear", "weight", w);
  if (w.rank() != 2 || x.rank() == 0 || x.size(-1) != w.size(1)) {
    throw_error(ErrorCode::shape, "[linear] inner dimensions differ: x is {}, weight is {}",
                x.shape().to_string(), w.shape().to_string());
  }
  if (bias.defined()) check_shape("linear", "bias", bias, {w.size(0)});
}

// What the backward needs of the forward.
struct Saved {
  Tensor x, w, bias;
  bool wants_x, wants_w, wants_bias;
};

// Gradients in f32, in the dtypes of x, weight and bias.
std::vector<Tensor> gradients(const Tensor& grad, const Saved& s) {
  const auto& [x, w, bias, wants_x, wants_w, wants_bias] = s;
  const Tensor dy = cast(contiguous(grad), f32);
  const int64_t n = w.size(0), k = w.size(1), m = leading_rows(x);
  Tensor dx, dw, db;
  if (wants_x) {
    dx = empty(x.shape(), {f32, x.device()});
    if (dx.numel() > 0) {
      run(kInputGrad, x.device(), {weight_args(w), floats(dy), floats_out(dx), m});
    }
    dx = cast(dx, x.dtype());
  }
  if (wants_w || wants_bias) {
    const Tensor x32 = cast(contiguous(x), f32);
    if (wants_w) dw = empty(w.shape(), {f32, w.device()});
    if (wants_bias) db = empty(bias.shape(), {f32, w.device()});
    run(kWeightGrad, x.device(),
        {floats(x32), floats(dy), floats_out(dw), floats_out(db), m, n, k});
    if (dw.defined()) dw = cast(dw, w.dtype());
    if (db.defined()) db = cast(db, bias.dtype());
  }
  return {dx, dw, db};
}

}  // namespace

WeightArgs weight_args(const Tensor& w, Activations activations) {
  WeightArgs args{w.data(), w.dtype(), nullptr, w.size(0), w.size(1)};
  if (is_quantised(w.dtype()) && w.device().kind() == DeviceKind::cpu) {
    args.packed = &packed_weight(w);
    args.int16 = activations == Activations::int16;
  }
  return args;
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const LinearOptions& options) {
  check(x, weight, bias);
  const Tensor w = contiguous(weight.detach());
  const Tensor x32 = cast(contiguous(x.detach()), f32);
  const Tensor b32 = bias.defined() ? cast(contiguous(bias.detach()), f32) : Tensor();
  Shape shape = x.shape();
  shape[-1] = w.size(0);
  Tensor y = empty(shape, {f32, x.device()});
  const int64_t m = leading_rows(x);
  if (y.numel() > 0) {
    run(kForward, x.device(),
        {weight_args(w, options.activations), floats(x32), floats(b32), floats_out(y), m});
  }
  y = cast(y, x.dtype());
  if (!wants_grad({x, weight, bias})) return y;
  std::vector<Tensor> inputs = {x, weight};
  if (bias.defined()) inputs.push_back(bias);
  const Saved saved{x.detach(),
                    w,
                    bias.defined() ? bias.detach() : Tensor(),
                    x.requires_grad(),
                    weight.requires_grad(),
                    bias.requires_grad()};
  record(y, "linear", inputs, [saved, n = inputs.size()](const Tensor& g) {
    auto all = gradients(g, saved);
    all.resize(n);
    return all;
  });
  return y;
}

}  // namespace pewter
