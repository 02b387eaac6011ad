// How a public op reaches a kernel: it checks its operands, fills a plain argument struct, and runs
// the device's entry of its table. A device without an entry is an error that names both; nothing
// moves to another device in silence.
#pragma once

#include "device/cpu/stream.h"
#include "device/metal/stream.h"
#include "pewter/error.h"
#include "pewter/ops.h"

namespace pewter {

template <typename Args>
struct Kernels {
  const char* op;
  void (*cpu)(const Args&) = nullptr;
  void (*ref)(const Args&) = nullptr;
  // Encodes what computes the op; throws ErrorCode::device where neither MPS nor a kernel can.
  void (*metal)(metal::Encoder&, const Args&) = nullptr;
};

template <typename Args>
void run(const Kernels<Args>& kernels, Device device, const Args& args) {
  if (metal::is_metal(device) && kernels.metal) {
    return metal::submit(kernels.op,
                         [encode = kernels.metal, args](metal::Encoder& e) { encode(e, args); });
  }
  void (*kernel)(const Args&) = nullptr;
  if (device.kind() == DeviceKind::cpu) kernel = kernels.cpu;
  if (device.kind() == DeviceKind::ref) kernel = kernels.ref;
  if (!kernel) {
    throw_error(ErrorCode::device, "[{}] has no kernel on {}", kernels.op, device.name());
  }
  cpu::submit(kernels.op, [kernel, args] { kernel(args); });
}

// Checks that several ops share. Each throws with the op's name.
void check_defined(const char* op, const char* name, const Tensor& t);
void check_floating(const char* op, const char* name, const Tensor& t);
void check_same_device(const char* op, std::initializer_list<Tensor> tensors);
void check_same_dtype(const char* op, const Tensor& a, const Tensor& b);
void check_shape(const char* op, const char* name, const Tensor& t, const Shape& expected);
// An expanded `out` has elements that several threads would write.
void check_writable(const char* op, const Tensor& out);

// How many rows x [..., K] has; K may be 0.
int64_t leading_rows(const Tensor& x);

// The elements of an f32 tensor, null for one that is not defined.
inline float* floats_out(const Tensor& t) {
  return t.defined() ? static_cast<float*>(t.data()) : nullptr;
}
inline const float* floats(const Tensor& t) { return floats_out(t); }

// Calls fn(float{}), fn(Half{}) or fn(BFloat16{}) for a plain floating dtype.
template <typename Fn>
void with_float_type(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::f32:
      return fn(float{});
    case DType::f16:
      return fn(Half{});
    case DType::bf16:
      return fn(BFloat16{});
    default:
      throw_error(ErrorCode::dtype, "{} is not a floating type", to_string(dtype));
  }
}

inline float to_float(float f) { return f; }
template <typename T>
T from_float(float f) {
  if constexpr (std::is_same_v<T, Half>)
    return to_half(f);
  else if constexpr (std::is_same_v<T, BFloat16>)
    return to_bfloat16(f);
  else
    return f;
}
// Element i of memory of a floating dtype, for reference kernels.
double load_element(DType dtype, const void* data, int64_t i);
void store_element(DType dtype, void* data, int64_t i, double value);  // rounds once, via f32

}  // namespace pewter
