#include "adamw.h"

#include <algorithm>

#include "ops/kernels.h"

namespace pewter {
namespace {

constexpr Kernels<AdamwArgs> kAdamw{"adamw", cpu::adamw, ref::adamw};
constexpr Kernels<GlobalNormArgs> kNorm{"global_norm", cpu::global_norm, ref::global_norm};

constexpr int64_t kPiece = 4096;

void check_state(const char* name, const Tensor& t, const Shape& shape) {
  check_shape("adamw", name, t, shape);
  if (t.dtype() != f32) {
    throw_error(ErrorCode::dtype, "[adamw] {} is {}; f32 is needed", name, to_string(t.dtype()));
  }
  if (!t.is_contiguous()) {
    throw_error(ErrorCode::shape,
                "[adamw] {} has strides {}; it is changed in place and must be "
                "contiguous",
                name, t.strides().to_string());
  }
}

}  // namespace

void adamw_(const Tensor& param, const Tensor& grad, const Tensor& m, const Tensor& v,
            const Tensor& step, const AdamwOptions& options) {
  check_defined("adamw", "param", param);
  check_floating("adamw", "grad", grad);
  check_shape("adamw", "grad", grad, param.shape());
  check_state("param", param, param.shape());
  check_state("m", m, param.shape());
  check_state("v", v, param.shape());
  check_state("step", step, {4});
  check_same_device("adamw", {param, grad, m, v, step});
  if (param.numel() == 0) return;
  NoGrad off;
  const Tensor g = contiguous(cast(grad, f32));
  run(kAdamw, param.device(),
      {static_cast<float*>(param.data()), static_cast<const float*>(g.data()),
       static_cast<float*>(m.data()), static_cast<float*>(v.data()),
       static_cast<const float*>(step.data()), param.numel(), options});
}

Tensor global_norm(std::span<const Tensor> tensors) {
  if (tensors.empty()) throw_error(ErrorCode::argument, "[global_norm] no tensors given");
  NoGrad off;
  GlobalNormArgs args;
  std::vector<Tensor> held;  // copies of what is not contiguous
  for (const Tensor& t : tensors) {
    check_floating("global_norm", "tensor", t);
    check_same_device("global_norm", {tensors[0], t});
    held.push_back(contiguous(t));
    const auto* data = static_cast<const char*>(held.back().data());
    for (int64_t at = 0; at < t.numel(); at += kPiece) {
      args.pieces.push_back(
          {data + at * info(t.dtype()).block_bytes, std::min(kPiece, t.numel() - at), t.dtype()});
    }
  }
  const Device device = tensors[0].device();
  const auto bytes = static_cast<int64_t>(args.pieces.size() * sizeof(double));
  const Tensor partial = empty({bytes}, {DType::u8, device});
  Tensor norm = empty({1}, {f32, device});
  args.partial = static_cast<double*>(partial.data());
  args.norm = static_cast<float*>(norm.data());
  run(kNorm, device, args);
  return norm;
}

}  // namespace pewter
