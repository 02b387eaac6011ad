// Copies, conversions and the views whose gradients need a copy (slice) or are left to the op that
// broadcasts (expand).
#include "copy.h"

#include <algorithm>

#include "core/view.h"
#include "device/backend.h"
#include "ops/kernels.h"

namespace pewter {
namespace {

constexpr Kernels<CopyArgs> kCopy{"copy", cpu::copy, ref::copy, metal::copy};
constexpr Kernels<FillArgs> kFill{"fill", cpu::fill, ref::fill, metal::fill};

Tensor dequantised(const Tensor& x, DType dtype) {
  Tensor y = empty(x.shape(), {f32, x.device()});
  if (x.device().kind() != DeviceKind::cpu && x.device().kind() != DeviceKind::ref) {
    throw_error(ErrorCode::device, "[cast] {} has no kernel on {}", to_string(x.dtype()),
                x.device().name());
  }
  cpu::submit("cast", [from = x.dtype(), data = x.data(), n = x.numel(),
                       out = static_cast<float*>(y.data())] { dequantise(from, data, n, out); });
  return dtype == f32 ? y : cast(y, dtype);
}

}  // namespace

void copy_(const Tensor& out, const Tensor& x) {
  check_defined("copy", "out", out);
  check_defined("copy", "x", x);
  check_same_device("copy", {out, x});
  check_shape("copy", "x", x, out.shape());
  refuse_quantised(x, "copy");
  refuse_quantised(out, "copy");
  check_writable("copy", out);
  if (x.numel() == 0) return;
  CopyArgs args{x.data(), out.data(), x.dtype(), out.dtype(), x.rank(), {}, {}, {}};
  std::copy(x.shape().begin(), x.shape().end(), args.sizes);
  std::copy(x.strides().begin(), x.strides().end(), args.x_strides);
  std::copy(out.strides().begin(), out.strides().end(), args.y_strides);
  run(kCopy, x.device(), args);
}

void fill_(const Tensor& out, double value) {
  check_defined("fill", "out", out);
  refuse_quantised(out, "fill");
  check_writable("fill", out);
  FillArgs args{out.data(), out.dtype(), value, out.rank(), {}, {}};
  std::copy(out.shape().begin(), out.shape().end(), args.sizes);
  std::copy(out.strides().begin(), out.strides().end(), args.strides);
  run(kFill, out.device(), args);
}

Tensor cast(const Tensor& x, DType dtype) {
  check_defined("cast", "x", x);
  if (x.dtype() == dtype) return x;
  if (is_quantised(dtype)) {
    throw_error(ErrorCode::dtype, "[cast] to {}: pewter does not quantise", to_string(dtype));
  }
  if (is_quantised(x.dtype())) return dequantised(x, dtype);
  Tensor y = empty(x.shape(), {dtype, x.device()});
  copy_(y, x);
  if (is_floating(x.dtype()) && is_floating(dtype)) {
    record(y, "cast", {x},
           [from = x.dtype()](const Tensor& g) { return std::vector{cast(g, from)}; });
  }
  return y;
}

Tensor contiguous(const Tensor& x) {
  check_defined("contiguous", "x", x);
  if (x.is_contiguous()) return x;
  Tensor y = empty(x.shape(), {x.dtype(), x.device()});
  copy_(y, x);
  record(y, "contiguous", {x}, [](const Tensor& g) { return std::vector{g}; });
  return y;
}

Tensor to_device(const Tensor& x, Device device) {
  check_defined("to_device", "x", x);
  const Tensor from = contiguous(x);
  const int64_t bytes = byte_size(x.dtype(), x.numel());
  std::vector<std::byte> host(static_cast<size_t>(bytes));
  backend(x.device()).copy_to_host(host.data(), from.data(), bytes);
  return from_bytes(host, x.shape(), {x.dtype(), device});
}

Tensor Tensor::slice(int dim, int64_t start, int64_t stop, int64_t step) const {
  refuse_quantised(*this, "slice");
  dim = checked_dim(dim, rank(), "slice");
  if (start < 0 || stop < start || stop > size(dim) || step < 1) {
    throw_error(ErrorCode::shape, "[slice] {}:{}:{} of dimension {} of {}", start, stop, step, dim,
                shape().to_string());
  }
  Shape sizes = shape(), strides = this->strides();
  sizes[dim] = (stop - start + step - 1) / step;
  strides[dim] *= step;
  Tensor out = make_view(*this, sizes, strides, start * this->strides()[dim]);
  record(out, "slice", {*this}, [whole = shape(), dim, start, stop, step](const Tensor& g) {
    const Tensor full_gradient = zeros(whole, {g.dtype(), g.device()});
    copy_(full_gradient.slice(dim, start, stop, step), g);
    return std::vector{full_gradient};
  });
  return out;
}

Tensor Tensor::expand(const Shape& wanted) const {
  refuse_quantised(*this, "expand");
  Shape strides = wanted;
  const int added = wanted.rank() - rank();
  for (int i = 0; i < wanted.rank(); ++i) {
    const int64_t size = i < added ? 1 : this->size(i - added);
    if (added < 0 || (size != wanted[i] && size != 1)) {
      throw_error(ErrorCode::shape, "[expand] {} does not broadcast to {}", shape().to_string(),
                  wanted.to_string());
    }
    strides[i] = i < added || size == 1 ? 0 : this->strides()[i - added];
  }
  Tensor out = make_view(*this, wanted, strides, 0);
  // Ops that broadcast sum over the repeated dimensions in their own backward.
  if (wants_grad({*this})) {
    throw_error(ErrorCode::argument, "[expand] carries no gradient; ops broadcast by themselves");
  }
  return out;
}

}  // namespace pewter
