// Broadcasting is strides of zero; what is summed backwards is decided by comparing shapes.
#include "elementwise.h"

#include <algorithm>

#include "ops/kernels.h"
#include "ops/sum/sum.h"

namespace pewter {
namespace {

constexpr Kernels<ElementwiseArgs> kElementwise{"elementwise", cpu::elementwise, ref::elementwise};

Shape broadcast(const char* op, const Shape& a, const Shape& b) {
  Shape out = a.rank() >= b.rank() ? a : b;
  for (int i = 1; i <= out.rank(); ++i) {
    const int64_t in_a = i <= a.rank() ? a[-i] : 1, in_b = i <= b.rank() ? b[-i] : 1;
    if (in_a != in_b && in_a != 1 && in_b != 1) {
      throw_error(ErrorCode::shape, "[{}] {} and {} do not broadcast together", op, a.to_string(),
                  b.to_string());
    }
    out[-i] = in_a == 1 ? in_b : in_a;
  }
  return out;
}

// Stride of `t` along dimension `d` of `shape`, counted from the end; 0 where it is broadcast.
int64_t stride_along(const Tensor& t, int from_end) {
  if (from_end > t.rank() || t.size(-from_end) == 1) return 0;
  return t.strides()[-from_end];
}

void run_elementwise(ElementwiseOp op, const Tensor& a, const Tensor& b, const Tensor& y,
                     float factor = 1) {
  if (y.numel() == 0) return;
  ElementwiseArgs args{a.data(), b.data(), y.data(), y.dtype(), op, factor, {}};
  for (int i = y.rank(); i >= 1; --i) {
    args.at.push(y.size(-i), {stride_along(a, i), stride_along(b, i), y.strides()[-i]});
  }
  run(kElementwise, y.device(), args);
}

Tensor binary(const char* name, ElementwiseOp op, const Tensor& a, const Tensor& b) {
  check_floating(name, "a", a);
  check_floating(name, "b", b);
  check_same_device(name, {a, b});
  check_same_dtype(name, a, b);
  Tensor y = empty(broadcast(name, a.shape(), b.shape()), {a.dtype(), a.device()});
  run_elementwise(op, a, b, y);
  return y;
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  Tensor y = binary("add", ElementwiseOp::add, a, b);
  if (!wants_grad({a, b})) return y;
  record(y, "add", {a, b}, [sa = a.shape(), sb = b.shape()](const Tensor& g) {
    return std::vector{sum_to(g, sa), sum_to(g, sb)};
  });
  return y;
}

Tensor sub(const Tensor& a, const Tensor& b) {
  Tensor y = binary("sub", ElementwiseOp::sub, a, b);
  if (!wants_grad({a, b})) return y;
  record(y, "sub", {a, b}, [sa = a.shape(), sb = b.shape()](const Tensor& g) {
    return std::vector{sum_to(g, sa), scale(sum_to(g, sb), -1)};
  });
  return y;
}

Tensor mul(const Tensor& a, const Tensor& b) {
  Tensor y = binary("mul", ElementwiseOp::mul, a, b);
  if (!wants_grad({a, b})) return y;
  const bool a_wants = a.requires_grad(), b_wants = b.requires_grad();
  record(y, "mul", {a, b}, [a = a.detach(), b = b.detach(), a_wants, b_wants](const Tensor& g) {
    return std::vector{a_wants ? product_sum_to(g, b, a.shape()) : Tensor(),
                       b_wants ? product_sum_to(g, a, b.shape()) : Tensor()};
  });
  return y;
}

Tensor scale(const Tensor& x, double factor) {
  check_floating("scale", "x", x);
  Tensor y = empty(x.shape(), {x.dtype(), x.device()});
  run_elementwise(ElementwiseOp::scale, x, x, y, static_cast<float>(factor));
  if (!wants_grad({x})) return y;
  record(y, "scale", {x}, [factor](const Tensor& g) { return std::vector{scale(g, factor)}; });
  return y;
}

void add_(const Tensor& out, const Tensor& x) {
  check_floating("add_", "out", out);
  check_floating("add_", "x", x);
  check_same_device("add_", {out, x});
  check_same_dtype("add_", out, x);
  check_shape("add_", "x", x, out.shape());
  check_writable("add_", out);
  run_elementwise(ElementwiseOp::add, out, x, out);
}

}  // namespace pewter
