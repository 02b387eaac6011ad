// Numbers between host and device. Reading is where the host waits, and the only place.
#include <cstring>

#include "backend.h"

namespace pewter {
namespace {

// Visits the byte offset of every element of `t` in row-major order.
template <typename Visit>
void for_each_offset(const Tensor& t, Visit&& visit) {
  const int64_t n = t.numel(), size = info(t.dtype()).block_bytes;
  int64_t index[kMaxRank] = {};
  int64_t offset = 0;
  for (int64_t i = 0; i < n; ++i) {
    visit(offset * size);
    for (int d = t.rank() - 1; d >= 0; --d) {
      offset += t.strides()[d];
      if (++index[d] < t.size(d)) break;
      offset -= t.strides()[d] * t.size(d);
      index[d] = 0;
    }
  }
}

template <typename T>
T value_at(DType dtype, const std::byte* p) {
  const auto read = [p](auto zero) {
    std::memcpy(&zero, p, sizeof zero);
    return zero;
  };
  switch (dtype) {
    case DType::f32:
      return static_cast<T>(read(0.0f));
    case DType::f16:
      return static_cast<T>(to_float(read(Half{})));
    case DType::bf16:
      return static_cast<T>(to_float(read(BFloat16{})));
    case DType::i32:
      return static_cast<T>(read(int32_t{}));
    case DType::u8:
      return static_cast<T>(read(uint8_t{}));
    default:
      throw_error(ErrorCode::dtype, "[to_vector] {} is block-quantised", to_string(dtype));
  }
}

// Bytes from the first element of `t` to the end of its last one.
int64_t span_bytes(const Tensor& t) {
  int64_t last = 0;
  for (int d = 0; d < t.rank(); ++d) last += (t.size(d) - 1) * t.strides()[d];
  return (last + 1) * info(t.dtype()).block_bytes;
}

struct Borrowed final : Storage {
  Borrowed(Device device, void* data, int64_t bytes, std::shared_ptr<const void> owner)
      : Storage(device, data, bytes), owner(std::move(owner)) {}
  std::shared_ptr<const void> owner;
};

}  // namespace

template <typename T>
std::vector<T> Tensor::to_vector() const {
  if (is_quantised(dtype())) {
    throw_error(ErrorCode::dtype, "[to_vector] {} is block-quantised", to_string(dtype()));
  }
  std::vector<T> out;
  if (numel() == 0) return out;
  std::vector<std::byte> bytes(span_bytes(*this));
  backend(device()).copy_to_host(bytes.data(), data(), static_cast<int64_t>(bytes.size()));
  out.reserve(numel());
  for_each_offset(*this, [&](int64_t o) { out.push_back(value_at<T>(dtype(), &bytes[o])); });
  return out;
}

template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<int32_t> Tensor::to_vector() const;
template std::vector<uint8_t> Tensor::to_vector() const;

Tensor borrow(const void* data, Shape shape, DType dtype, Device device,
              std::shared_ptr<const void> owner) {
  if (device.kind() != DeviceKind::cpu && device.kind() != DeviceKind::ref) {
    throw_error(ErrorCode::device, "[borrow] {} cannot use host memory in place", device.name());
  }
  const int64_t bytes = byte_size(dtype, shape.numel());
  // Quantised and mapped tensors are read-only operands; no op writes to its inputs.
  auto storage =
      std::make_shared<Borrowed>(device, const_cast<void*>(data), bytes, std::move(owner));
  return Tensor(std::move(storage), shape, contiguous_strides(shape), dtype);
}

}  // namespace pewter
