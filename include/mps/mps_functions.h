// The plain C functions of MPS.
#pragma once

#include <mps/mps_matrix.h>

namespace apple::mps {

// Whether MPS has kernels for the device. Some virtual machines have a framework without this
// function, and that one supports nothing.
inline bool supports(const mtl::Device& device) {
  const auto function = objc::find_function<"MPSSupportsMTLDevice", Functions>();
  return function && function(device.id()) != 0;
}

// A device that MPS supports, or nil.
inline mtl::Device preferred_device(DeviceOptions options) {
  const auto function = objc::function<"MPSGetPreferredDevice", Functions>();
  const objc::Pool pool;
  return mtl::Device(objc::retained(function(options)));
}

// A hint of how much temporary memory the command buffer's kernels will need.
inline void hint_temporary_memory(const mtl::CommandBuffer& buffer, UInt bytes) {
  objc::function<"MPSHintTemporaryMemoryHighWaterMark", Functions>()(buffer.id(), bytes);
}

// How long the heaps behind temporary matrices are kept after the command buffer has completed.
inline void set_heap_cache_duration(const mtl::CommandBuffer& buffer, double seconds) {
  objc::function<"MPSSetHeapCacheDuration", Functions>()(buffer.id(), seconds);
}

// Bytes of one element; 0 for the types of less than a byte.
constexpr UInt size_of(DataType type) { return (static_cast<UInt>(type) & 0xffff) >> 3; }

}  // namespace apple::mps
