// Devices by name. Which of them are present is the device layer's knowledge, not core's.
#include "pewter/device.h"
#include "pewter/error.h"

namespace pewter {
namespace {

struct Named {
  DeviceKind kind;
  std::string_view name;
};
constexpr Named kNames[] = {{DeviceKind::cpu, "cpu"},
                            {DeviceKind::ref, "ref"},
                            {DeviceKind::cuda, "cuda"},
                            {DeviceKind::metal, "metal"},
                            {DeviceKind::metal_sim, "metal-sim"}};

// "cuda:3" -> 3; anything that is not a number below 1000 -> -1.
int index_in(std::string_view digits) {
  if (digits.empty() || digits.size() > 3) return -1;
  int index = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return -1;
    index = index * 10 + (c - '0');
  }
  return index;
}

}  // namespace

Device::Device(std::string_view name) {
  const size_t colon = name.find(':');
  const int index = colon == name.npos ? 0 : index_in(name.substr(colon + 1));
  for (const Named& known : kNames) {
    if (known.name != name.substr(0, colon) || index < 0) continue;
    if (colon != name.npos && known.kind != DeviceKind::cuda) break;
    kind_ = known.kind;
    index_ = index;
    return;
  }
  throw_error(ErrorCode::device,
              "[device] '{}' is not a device; known are cpu, ref, cuda, cuda:N, metal, metal-sim",
              name);
}

std::string Device::name() const {
  for (const Named& known : kNames) {
    if (known.kind != kind_) continue;
    return std::string(known.name) + (index_ ? ":" + std::to_string(index_) : "");
  }
  return "unknown";
}

}  // namespace pewter
