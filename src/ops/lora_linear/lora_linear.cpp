#include "lora_linear.h"

#include "ops/kernels.h"

namespace pewter {
namespace {

constexpr Kernels<LoraLinearArgs> kForward{"lora_linear", cpu::lora_linear, ref::lora_linear};
constexpr Kernels<LoraLinearBackwardArgs> kBackward{
    "lora_linear_backward", cpu::lora_linear_backward, ref::lora_linear_backward};

const char* const kOp = "lora_linear";

void check_adapter(const Tensor& w, const Tensor& a, const Tensor& b) {
  check_defined(kOp, "A", a);
  check_defined(kOp, "B", b);
  const bool fits = w.rank() == 2 && a.rank() == 2 && b.rank() == 2 && a.size(1) == w.size(1) &&
                    b.size(0) == w.size(0) && a.size(0) == b.size(1);
  if (!fits) {
    throw_error(ErrorCode::shape, "[{}] A {} and B {} do not fit weight {}", kOp,
                a.shape().to_string(), b.shape().to_string(), w.shape().to_string());
  }
  if (a.dtype() != f32 || b.dtype() != f32) {
    throw_error(ErrorCode::dtype, "[{}] A is {}, B is {}; adapters are f32", kOp,
                to_string(a.dtype()), to_string(b.dtype()));
  }
}

// Kernels read it as two numbers of 64 bits.
void check_counter(const Tensor& counter) {
  check_shape(kOp, "dropout_counter", counter, {16});
  const bool aligned = reinterpret_cast<uintptr_t>(counter.data()) % sizeof(uint64_t) == 0;
  if (counter.dtype() != DType::u8 || !counter.is_contiguous() || !aligned) {
    throw_error(ErrorCode::dtype,
                "[{}] dropout_counter is {} with strides {}{}; u8, contiguous at "
                "a multiple of 8 bytes, is needed",
                kOp, to_string(counter.dtype()), counter.strides().to_string(),
                aligned ? "" : ", unaligned");
  }
}

void check(const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& a, const Tensor& b,
           const LoraOptions& o) {
  check_floating(kOp, "x", x);
  check_defined(kOp, "weight", w);
  if (!is_quantised(w.dtype())) check_floating(kOp, "weight", w);
  check_adapter(w, a, b);
  check_same_device(kOp, {x, w, bias, a, b, o.dropout_counter});
  if (x.rank() == 0 || x.size(-1) != w.size(1)) {
    throw_error(ErrorCode::shape, "[{}] inner dimensions differ: x is {}, weight is {}", kOp,
                x.shape().to_string(), w.shape().to_string());
  }
  if (bias.defined()) check_shape(kOp, "bias", bias, {w.size(0)});
  if (!(o.dropout >= 0 && o.dropout < 1)) {
    throw_error(ErrorCode::argument, "[{}] dropout {} is not in [0, 1)", kOp, o.dropout);
  }
  if (o.dropout_stream >> kStreamBits != 0) {
    throw_error(ErrorCode::argument, "[{}] dropout_stream {} is not below 2^{}", kOp,
                o.dropout_stream, kStreamBits);
  }
  if (o.dropout > 0) check_counter(o.dropout_counter);
  if (w.requires_grad() || (bias.defined() && bias.requires_grad())) {
    throw_error(ErrorCode::argument, "[{}] the base is frozen; use linear to train it", kOp);
  }
}

DropoutArgs dropout_args(const LoraOptions& o) {
  if (o.dropout == 0) return {};
  return {o.dropout, static_cast<const uint64_t*>(o.dropout_counter.data()), o.dropout_stream};
}

// What the backward needs of the forward.
struct Saved {
  Tensor x, w, a, b, u;  // x in f32, contiguous; u [M, R]
  LoraOptions options;
  DType x_dtype;
  bool wants_x, wants_a, wants_b;
};

std::vector<Tensor> gradients(const Tensor& grad, const Saved& s) {
  const Tensor dy = cast(contiguous(grad), f32);
  const Device device = s.x.device();
  const int64_t r = s.a.size(0), m = s.u.size(0);
  const auto wanted = [&](bool wants, const Tensor& like) {
    return wants ? empty(like.shape(), {f32, device}) : Tensor();
  };
  const Tensor du = empty(s.u.shape(), {f32, device});
  const Tensor dropped = wanted(s.options.dropout > 0, s.x);
  Tensor dx = wanted(s.wants_x, s.x), da = wanted(s.wants_a, s.a), db = wanted(s.wants_b, s.b);
  const Tensor db_turned = s.wants_b ? empty({r, s.w.size(0)}, {f32, device}) : Tensor();
  run(kBackward, device,
      {weight_args(s.w), floats(s.x), floats(s.a), floats(s.b), floats(s.u), floats(dy),
       floats_out(du), floats_out(dx), floats_out(da), floats_out(db), floats_out(dropped),
       floats_out(db_turned), m, r, s.options.scale, dropout_args(s.options)});
  if (dx.defined()) dx = cast(dx, s.x_dtype);
  return {dx, da, db};
}

}  // namespace

Tensor lora_linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& a,
                   const Tensor& b, const LoraOptions& options) {
  check(x, weight, bias, a, b, options);
  const Device device = x.device();
  Saved s{cast(contiguous(x.detach()), f32),
          contiguous(weight.detach()),
          contiguous(a.detach()),
          contiguous(b.detach()),
          {},
          options,
          x.dtype(),
          x.requires_grad(),
          a.requires_grad(),
          b.requires_grad()};
  const Tensor bias32 = bias.defined() ? cast(contiguous(bias.detach()), f32) : Tensor();
  Shape shape = x.shape();
  shape[-1] = weight.size(0);
  Tensor y = empty(shape, {f32, device});
  const int64_t m = leading_rows(x), r = a.size(0);
  s.u = empty({m, r}, {f32, device});
  const Tensor dropped = options.dropout > 0 ? empty(x.shape(), {f32, device}) : Tensor();
  run(kForward, device,
      {weight_args(s.w, options.activations), floats(s.x), floats(bias32), floats(s.a), floats(s.b),
       floats_out(s.u), floats_out(y), floats_out(dropped), m, r, options.scale,
       dropout_args(options)});
  y = cast(y, x.dtype());
  record(y, kOp, {x, a, b}, [s](const Tensor& g) { return gradients(g, s); });
  return y;
}

}  // namespace pewter
