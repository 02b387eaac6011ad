// Device memory as MTLBuffers, and the addresses that tensors hold.
//
// Kernels of other devices get plain pointers; Metal's want a buffer and an offset. So an address
// here is the buffer's number in the upper bits and the offset below: arithmetic on it means what
// it should, the buffer is found without a search, and host code that followed such a pointer by
// mistake, before the GPU has written there, faults instead of reading old bytes.
#pragma once

#include <mps/mps.h>

#include <array>
#include <atomic>
#include <mutex>
#include <vector>

#include "device/allocator.h"

namespace pewter::metal {

namespace mtl = apple::mtl;
using apple::objc::UInt;

class Queue;

struct Slot {
  mtl::Buffer buffer;
  // Serial numbers of the last command buffers that use it at all, and that write to it.
  std::atomic<uint64_t> last_use{0}, last_write{0};
};

class Buffers final : public MemorySource {
 public:
  Buffers(mtl::Device device, Queue& queue, std::string name);

  const char* name() const override { return name_.c_str(); }
  void* take(int64_t size) override;
  void give(void* block, int64_t size) noexcept override;
  void settle() override;

  Slot& slot(const void* address) const { return slot_at(number(address)); }
  static UInt offset(const void* address) { return bits(address) & ((uint64_t{1} << kShift) - 1); }
  int64_t count() const;  // of buffers there are
  void close() { device_ = {}; }

 private:
  static constexpr int kShift = 40;  // a buffer is below 1 TiB
  static constexpr size_t kChunk = 1024, kChunks = 4096;
  static uint64_t bits(const void* address) { return reinterpret_cast<uintptr_t>(address); }
  static size_t number(const void* address) { return bits(address) >> kShift; }
  Slot& slot_at(size_t number) const {
    return chunks_[number / kChunk].load(std::memory_order_acquire)[number % kChunk];
  }
  size_t free_number();

  mtl::Device device_;
  Queue& queue_;
  std::string name_;
  UInt max_length_;
  mutable std::mutex mutex_;
  std::array<std::atomic<Slot*>, kChunks> chunks_{};  // never freed: addresses stay valid
  std::vector<size_t> free_;                          // numbers; has room for all
  size_t next_ = 1;                                   // 0 would make a null address
};

}  // namespace pewter::metal
