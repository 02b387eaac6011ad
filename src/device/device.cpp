// Which devices there are, and the public calls that go to one of them.
#include "pewter/device.h"

#include <cstring>

#include "backend.h"

namespace pewter {

Backend& backend(Device device) {
  const bool host = device.kind() == DeviceKind::cpu || device.kind() == DeviceKind::ref;
  if (!host || device.index() != 0) {
    throw_error(ErrorCode::device,
                "[device] {}: this build has no such device, its kernels are not written yet; "
                "present are cpu, ref",
                device.name());
  }
  return cpu_backend();  // `ref` is the CPU's memory with the reference kernels
}

Device::Device() : Device(default_device()) {}
Device default_device() { return Device(DeviceKind::cpu); }
std::vector<Device> devices() { return {Device(DeviceKind::cpu), Device(DeviceKind::ref)}; }

bool is_present(Device device) {
  for (Device d : devices()) {
    if (d == device) return true;
  }
  return false;
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
