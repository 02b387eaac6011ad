// New tensors. Values come from the host here; random ones are made on the device (src/ops/random).
#include "device/backend.h"
#include "ops/kernels.h"

namespace pewter {
namespace {

void check_sizes(const char* op, const Shape& shape) {
  for (int64_t size : shape) {
    if (size < 0) throw_error(ErrorCode::shape, "[{}] size {} is negative", op, size);
  }
}

Tensor upload(const char* op, const void* host, size_t bytes, const Shape& shape,
              TensorOptions options) {
  Tensor t = empty(shape, options);
  const int64_t expected = byte_size(options.dtype, shape.numel());
  if (static_cast<int64_t>(bytes) != expected) {
    throw_error(ErrorCode::shape, "[{}] {} bytes given, {} of {} need {}", op, bytes,
                shape.to_string(), to_string(options.dtype), expected);
  }
  backend(options.device).copy_from_host(t.data(), host, expected);
  return t;
}

}  // namespace

Tensor empty(const Shape& shape, TensorOptions options) {
  check_sizes("empty", shape);
  const int64_t bytes = byte_size(options.dtype, shape.numel());
  auto storage = backend(options.device).allocate(options.device, bytes);
  return Tensor(std::move(storage), shape, contiguous_strides(shape), options.dtype);
}

Tensor full(const Shape& shape, double value, TensorOptions options) {
  Tensor t = empty(shape, options);
  fill_(t, value);
  return t;
}

Tensor zeros(const Shape& shape, TensorOptions options) { return full(shape, 0, options); }

Tensor from_bytes(std::span<const std::byte> bytes, const Shape& shape, TensorOptions options) {
  return upload("from_bytes", bytes.data(), bytes.size(), shape, options);
}

Tensor from_values(std::span<const float> values, const Shape& shape, TensorOptions options) {
  if (options.dtype == DType::f32) {
    return upload("from_values", values.data(), values.size_bytes(), shape, options);
  }
  if (static_cast<int64_t>(values.size()) != shape.numel()) {
    throw_error(ErrorCode::shape, "[from_values] {} values for {}", values.size(),
                shape.to_string());
  }
  if (!is_floating(options.dtype)) {
    throw_error(ErrorCode::dtype, "[from_values] cannot make {} of floats",
                to_string(options.dtype));
  }
  const bool half = options.dtype == DType::f16;
  std::vector<uint16_t> bits(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    bits[i] = half ? to_half(values[i]).bits : to_bfloat16(values[i]).bits;
  }
  return upload("from_values", bits.data(), bits.size() * 2, shape, options);
}

Tensor from_values(std::span<const int32_t> values, const Shape& shape, TensorOptions options) {
  if (options.dtype != DType::i32) {
    throw_error(ErrorCode::dtype, "[from_values] integers make i32, not {}",
                to_string(options.dtype));
  }
  return upload("from_values", values.data(), values.size_bytes(), shape, options);
}

}  // namespace pewter
