#include "allocator.h"

#include <bit>
#include <cstdlib>

#include "pewter/error.h"

namespace pewter::cpu {
namespace {
constexpr int64_t kAlign = 64;
}

int64_t rounded_size(int64_t bytes) {
  bytes = std::max<int64_t>(bytes, kAlign);
  const auto below = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(bytes)));
  const int64_t step = std::max<int64_t>(below / 8, kAlign);
  return (bytes + step - 1) / step * step;
}

void* Allocator::allocate(int64_t bytes) {
  if (bytes > (int64_t{1} << 60)) {
    throw_error(ErrorCode::out_of_memory, "[memory] asked for {} bytes on cpu", bytes);
  }
  const int64_t size = rounded_size(bytes);
  std::lock_guard lock(mutex_);
  if (auto found = cache_.find(size); found != cache_.end()) {
    void* block = found->second;
    cache_.erase(found);
    use_.cached -= size;
    use_.live += size;
    return block;
  }
  void* block = parent_ ? parent_->allocate(bytes) : fresh_block(size, bytes);
  use_.live += size;
  use_.peak = std::max(use_.peak, use_.live + use_.cached);
  return block;
}

void* Allocator::fresh_block(int64_t size, int64_t bytes) {
  if (use_.live + use_.cached + size > use_.budget) release_cache_locked();
  void* block = nullptr;
  if (use_.live + size <= use_.budget) block = std::aligned_alloc(kAlign, size);
  if (!block) {
    throw_error(ErrorCode::out_of_memory,
                "[memory] asked for {} bytes on cpu; {} are in use and the budget is {}", bytes,
                use_.live, use_.budget);
  }
  return block;
}

void Allocator::free(void* data, int64_t bytes) {
  const int64_t size = rounded_size(bytes);
  std::lock_guard lock(mutex_);
  use_.live -= size;
  use_.cached += size;
  cache_.emplace(size, data);
  if (parent_) return;
  // The cache may hold as much as is in use, and 64 MiB: enough for a step's ebb and flow.
  if (use_.cached > std::max(use_.peak / 2, int64_t{64} << 20)) release_cache_locked();
}

void Allocator::release_cache_locked() {
  for (auto& [size, block] : cache_) parent_ ? parent_->free(block, size) : std::free(block);
  cache_.clear();
  use_.cached = 0;
}

void Allocator::release_cache() {
  std::lock_guard lock(mutex_);
  release_cache_locked();
}

void Allocator::set_budget(int64_t bytes) {
  std::lock_guard lock(mutex_);
  use_.budget = bytes;
  if (use_.live + use_.cached > bytes) release_cache_locked();
}

MemoryUse Allocator::use() const {
  std::lock_guard lock(mutex_);
  return use_;
}

}  // namespace pewter::cpu
