#include "transfer.h"

namespace pewter {

Tensor upload_f32(const io::HostTensor& host, Device device) {
  return from_values(io::to_f32(host), Shape{std::span<const int64_t>(host.shape)}, {f32, device});
}

io::HostTensor to_host(std::string name, const Tensor& t) {
  const Tensor host = to_device(contiguous(t.detach()), Device(DeviceKind::cpu));
  return {std::move(name),
          host.dtype(),
          {host.shape().begin(), host.shape().end()},
          std::span(static_cast<const std::byte*>(host.data()),
                    static_cast<size_t>(byte_size(host.dtype(), host.numel()))),
          host.storage()};
}

}  // namespace pewter
