#include "buffers.h"

#include "queue.h"

namespace pewter::metal {

Buffers::Buffers(mtl::Device device, Queue& queue, std::string name)
    : device_(std::move(device)),
      queue_(queue),
      name_(std::move(name)),
      max_length_(device_.max_buffer_length()) {}

size_t Buffers::free_number() {
  const std::lock_guard lock(mutex_);
  if (!free_.empty()) {
    const size_t number = free_.back();
    free_.pop_back();
    return number;
  }
  if (next_ == kChunk * kChunks) return 0;
  std::atomic<Slot*>& chunk = chunks_[next_ / kChunk];
  if (!chunk) chunk = new Slot[kChunk];
  if (free_.capacity() <= next_) free_.reserve(2 * next_ + 16);
  return next_++;
}

// Shared storage: on Apple's chips the CPU reads and writes what the GPU does, and nothing is
// copied between them. What the driver refuses, or would end the program over, is null here.
void* Buffers::take(int64_t size) {
  if (static_cast<UInt>(size) > max_length_ || size >= int64_t{1} << kShift) return nullptr;
  mtl::Buffer buffer;
  try {
    buffer = device_.new_buffer(static_cast<UInt>(size), mtl::ResourceOptions::storage_mode_shared);
  } catch (const apple::Failure&) {
    return nullptr;
  }
  const size_t number = free_number();
  if (number == 0) return nullptr;
  Slot& slot = slot_at(number);
  slot.buffer = std::move(buffer);
  slot.last_use = slot.last_write = 0;
  return reinterpret_cast<void*>(static_cast<uintptr_t>(number) << kShift);
}

// Command buffers retain what they use, so work that is still queued keeps the memory.
void Buffers::give(void* block, int64_t) noexcept {
  const size_t at = number(block);
  slot_at(at).buffer = {};
  const std::lock_guard lock(mutex_);
  free_.push_back(at);
}

void Buffers::settle() { queue_.finish(); }

int64_t Buffers::count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int64_t>(next_ - 1 - free_.size());
}

}  // namespace pewter::metal
