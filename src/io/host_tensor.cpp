// Helpers over HostTensor that more than one reader needs.
#include "io/host_tensor.h"

#include <fmt/ranges.h>

#include <cstring>

#include "pewter/error.h"

namespace pewter::io {

std::string shape_string(std::span<const int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

HostTensor make_host_tensor(std::string name, DType dtype, std::vector<int64_t> shape,
                            std::byte** writable) {
  HostTensor tensor{std::move(name), dtype, std::move(shape), {}, nullptr};
  const auto bytes = static_cast<size_t>(byte_size(dtype, tensor.values()));
  auto storage = std::make_shared<std::vector<std::byte>>(bytes);
  tensor.data = *storage;
  *writable = storage->data();
  tensor.keep_alive = std::move(storage);
  return tensor;
}

std::vector<float> to_f32(const HostTensor& tensor) {
  std::vector<float> out(static_cast<size_t>(tensor.values()));
  if (out.empty()) return out;
  if (tensor.dtype == DType::i32 || tensor.dtype == DType::u8)
    throw_error(ErrorCode::dtype, "[to_f32] tensor '{}' is {}, not a weight", tensor.name,
                to_string(tensor.dtype));
  if (is_quantised(tensor.dtype)) {
    dequantise(tensor.dtype, tensor.data.data(), tensor.values(), out.data());
    return out;
  }
  if (tensor.dtype == DType::f32) {
    std::memcpy(out.data(), tensor.data.data(), tensor.data.size());
    return out;
  }
  for (size_t i = 0; i < out.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, tensor.data.data() + 2 * i, sizeof bits);
    out[i] = tensor.dtype == DType::f16 ? to_float(Half{bits}) : to_float(BFloat16{bits});
  }
  return out;
}

}  // namespace pewter::io
