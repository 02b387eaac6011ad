// Which devices there are, and the public calls that go to one of them.
#include "pewter/device.h"

#include <cstring>

#include "backend.h"
#include "metal/stream.h"

namespace pewter {

Backend& backend(Device device) {
  if (device.index() == 0) {
    // `ref` is the CPU's memory with the reference kernels.
    if (device.kind() == DeviceKind::cpu || device.kind() == DeviceKind::ref) return cpu_backend();
    if (device == metal::this_device()) return metal::backend();
  }
  std::string present;
  for (Device d : devices()) present += (present.empty() ? "" : ", ") + d.name();
  throw_error(ErrorCode::device, "[device] {} is not present; present are {}", device.name(),
              present);
}

Device::Device() : Device(default_device()) {}

// Metal comes first once it has every op.
Device default_device() { return Device(DeviceKind::cpu); }

std::vector<Device> devices() {
  std::vector<Device> all;
  for (DeviceKind kind :
       {DeviceKind::cpu, DeviceKind::metal, DeviceKind::metal_sim, DeviceKind::ref}) {
    if (is_present(Device(kind))) all.emplace_back(kind);
  }
  return all;
}

bool is_present(Device device) {
  if (device.index() != 0) return false;
  if (device == metal::this_device()) return metal::problem().empty();
  return device.kind() == DeviceKind::cpu || device.kind() == DeviceKind::ref;
}

MemoryUse memory_use(Device device) { return backend(device).memory_use(); }
void release_cached_memory(Device device) { backend(device).release_cached_memory(); }

void set_memory_budget(Device device, int64_t bytes) {
  if (bytes < 1) {
    throw_error(ErrorCode::argument, "[set_memory_budget] {} bytes; at least 1 is needed", bytes);
  }
  backend(device).set_memory_budget(bytes);
}

Stream default_stream(Device device) {
  backend(device);
  return Stream(device);
}
void Stream::wait() const { backend(device_).wait(); }

Graph capture(const Stream& stream, const std::function<void()>& work) {
  return backend(stream.device()).capture(work);
}

}  // namespace pewter
