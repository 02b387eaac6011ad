// gate and up may be the two halves of one product: rows of any stride go to the kernel as they
// are.
#include "silu_mul.h"

#include "ops/kernels.h"

namespace pewter {
namespace {

constexpr Kernels<SiluMulArgs> kForward{"silu_mul", cpu::silu_mul, ref::silu_mul};
constexpr Kernels<SiluMulBackwardArgs> kBackward{"silu_mul_backward", cpu::silu_mul_backward,
                                                 ref::silu_mul_backward};

Tensor rows_of(const Tensor& t) {
  return t.rank() == 0 || t.size(-1) == 1 || t.strides()[-1] == 1 ? t : contiguous(t);
}

Strided<3> walked(const Tensor& a, const Tensor& b, const Tensor& c) {
  Strided<3> at;
  for (int i = 0; i < a.rank(); ++i) {
    at.push(a.size(i), {a.strides()[i], b.strides()[i], c.strides()[i]});
  }
  // A last dimension of size 1 is dropped above and may leave an outer stride innermost.
  if (at.row_stride(0) != 1 || at.row_stride(1) != 1 || at.row_stride(2) != 1) at.push_unit();
  return at;
}

std::vector<Tensor> backward_of(const Tensor& gate, const Tensor& up, const Tensor& grad,
                                bool gate_wants, bool up_wants) {
  const Tensor dy = contiguous(grad);
  Tensor dgate, dup;
  if (gate_wants) dgate = empty(dy.shape(), {dy.dtype(), dy.device()});
  if (up_wants) dup = empty(dy.shape(), {dy.dtype(), dy.device()});
  if (dy.numel() > 0) {
    run(kBackward, dy.device(),
        {gate.data(), up.data(), dy.data(), gate_wants ? dgate.data() : nullptr,
         up_wants ? dup.data() : nullptr, dy.dtype(), walked(gate, up, dy)});
  }
  return {dgate, dup};
}

}  // namespace

Tensor silu_mul(const Tensor& gate_in, const Tensor& up_in) {
  check_floating("silu_mul", "gate", gate_in);
  check_floating("silu_mul", "up", up_in);
  check_same_device("silu_mul", {gate_in, up_in});
  check_same_dtype("silu_mul", gate_in, up_in);
  check_shape("silu_mul", "up", up_in, gate_in.shape());
  const Tensor gate = rows_of(gate_in), up = rows_of(up_in);
  Tensor y = empty(gate.shape(), {gate.dtype(), gate.device()});
  if (y.numel() > 0) {
    run(kForward, y.device(), {gate.data(), up.data(), y.data(), y.dtype(), walked(gate, up, y)});
  }
  if (!wants_grad({gate_in, up_in})) return y;
  record(y, "silu_mul", {gate_in, up_in},
         [gate = gate.detach(), up = up.detach(), gate_wants = gate_in.requires_grad(),
          up_wants = up_in.requires_grad()](const Tensor& g) {
           return backward_of(gate, up, g, gate_wants, up_wants);
         });
  return y;
}

}  // namespace pewter
