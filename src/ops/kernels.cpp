#include "kernels.h"

namespace pewter {

void check_defined(const char* op, const char* name, const Tensor& t) {
  if (!t.defined()) throw_error(ErrorCode::argument, "[{}] {} is not defined", op, name);
}

void check_floating(const char* op, const char* name, const Tensor& t) {
  check_defined(op, name, t);
  if (!is_floating(t.dtype())) {
    throw_error(ErrorCode::dtype, "[{}] {} is {}; f32, f16 or bf16 is needed", op, name,
                to_string(t.dtype()));
  }
}

void check_same_device(const char* op, std::initializer_list<Tensor> tensors) {
  const Tensor* first = nullptr;
  for (const Tensor& t : tensors) {
    if (!t.defined()) continue;
    if (!first) first = &t;
    if (t.device() != first->device()) {
      throw_error(ErrorCode::device, "[{}] operands on {} and {}", op, first->device().name(),
                  t.device().name());
    }
  }
}

void check_same_dtype(const char* op, const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype()) {
    throw_error(ErrorCode::dtype, "[{}] operands of {} and {}", op, to_string(a.dtype()),
                to_string(b.dtype()));
  }
}

void check_shape(const char* op, const char* name, const Tensor& t, const Shape& expected) {
  check_defined(op, name, t);
  if (!(t.shape() == expected)) {
    throw_error(ErrorCode::shape, "[{}] {} is {}, expected {}", op, name, t.shape().to_string(),
                expected.to_string());
  }
}

void check_writable(const char* op, const Tensor& out) {
  if (out.numel() == 0) return;
  for (int d = 0; d < out.rank(); ++d) {
    if (out.size(d) < 2 || out.strides()[d] != 0) continue;
    throw_error(ErrorCode::argument,
                "[{}] out {} with strides {} is expanded: its elements share "
                "memory and cannot be written apart",
                op, out.shape().to_string(), out.strides().to_string());
  }
}

int64_t leading_rows(const Tensor& x) {
  Shape rows = x.shape();
  rows[-1] = 1;
  return rows.numel();
}

double load_element(DType dtype, const void* data, int64_t i) {
  switch (dtype) {
    case DType::f32:
      return static_cast<const float*>(data)[i];
    case DType::f16:
      return to_float(static_cast<const Half*>(data)[i]);
    case DType::bf16:
      return to_float(static_cast<const BFloat16*>(data)[i]);
    case DType::i32:
      return static_cast<const int32_t*>(data)[i];
    default:
      throw_error(ErrorCode::dtype, "[ref] cannot read {}", to_string(dtype));
  }
}

void store_element(DType dtype, void* data, int64_t i, double value) {
  const float f = static_cast<float>(value);
  switch (dtype) {
    case DType::f32:
      static_cast<float*>(data)[i] = f;
      return;
    case DType::f16:
      static_cast<Half*>(data)[i] = to_half(f);
      return;
    case DType::bf16:
      static_cast<BFloat16*>(data)[i] = to_bfloat16(f);
      return;
    default:
      throw_error(ErrorCode::dtype, "[ref] cannot write {}", to_string(dtype));
  }
}

}  // namespace pewter
