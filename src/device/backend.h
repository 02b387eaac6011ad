// The seam: what pewter needs of a device. A backend gives memory, moves bytes and waits; it knows
// no op. Ops hand their work to the device's own stream type (cpu/stream.h for the CPU).
#pragma once

#include <memory>

#include "pewter/device.h"
#include "pewter/tensor.h"

namespace pewter {

class Backend {
 public:
  virtual ~Backend() = default;
  // Uninitialised memory, aligned to 64 bytes. Throws ErrorCode::out_of_memory.
  virtual std::shared_ptr<Storage> allocate(Device device, int64_t bytes) = 0;
  // The same, but never from a graph's own memory: for what outlives a capture.
  virtual std::shared_ptr<Storage> allocate_lasting(Device device, int64_t bytes) = 0;
  virtual void copy_from_host(void* to, const void* host, int64_t bytes) = 0;
  virtual void copy_to_host(void* host, const void* from, int64_t bytes) = 0;  // waits first
  virtual void wait() = 0;
  virtual Graph capture(const std::function<void()>& work) = 0;
  virtual MemoryUse memory_use() const = 0;
  virtual void set_memory_budget(int64_t bytes) = 0;
  virtual void release_cached_memory() = 0;
};

// Throws ErrorCode::device when this build or machine has no such device.
Backend& backend(Device device);
Backend& cpu_backend();

// A tensor over memory that somebody else owns (a mapped file); `owner` is kept alive. CPU and ref
// only; throws ErrorCode::device otherwise.
Tensor borrow(const void* data, Shape shape, DType dtype, Device device,
              std::shared_ptr<const void> owner);

}  // namespace pewter
