#include "allocator.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <iterator>

#include "pewter/error.h"

namespace pewter {
namespace {
constexpr int64_t kAlign = 64;
constexpr int64_t kLeastKept = int64_t{64} << 20;
}  // namespace

int64_t rounded_size(int64_t bytes) {
  bytes = std::max<int64_t>(bytes, kAlign);
  const auto below = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(bytes)));
  const int64_t step = std::max<int64_t>(below / 8, kAlign);
  return (bytes + step - 1) / step * step;
}

// The one freed last is the likeliest to be in a cache of the processor still.
void* Allocator::cached_block(int64_t size) {
  const auto after = std::ranges::upper_bound(cache_, size, {}, &Cached::size);
  if (after == cache_.begin() || std::prev(after)->size != size) return nullptr;
  void* block = std::prev(after)->block;
  cache_.erase(std::prev(after));
  return block;
}

void* Allocator::allocate(int64_t bytes) {
  if (bytes > (int64_t{1} << 60)) {
    throw_error(ErrorCode::out_of_memory, "[memory] asked for {} bytes on {}", bytes,
                device_name());
  }
  const int64_t size = rounded_size(bytes);
  std::lock_guard lock(mutex_);
  if (void* block = cached_block(size)) {
    use_.cached -= size;
    use_.live += size;
    peak_live_ = std::max(peak_live_, use_.live);
    return block;
  }
  if (cache_.capacity() <= blocks_) cache_.reserve(2 * blocks_ + 16);
  void* block = parent_ ? parent_->allocate(bytes) : fresh_block(size, bytes);
  ++blocks_;
  use_.live += size;
  use_.peak = std::max(use_.peak, use_.live + use_.cached);
  peak_live_ = std::max(peak_live_, use_.live);
  return block;
}

// The largest go first: they are the fewest, and the last of the cache.
void Allocator::shrink_cache(int64_t held) {
  while (!cache_.empty() && use_.live + use_.cached > held) {
    source_->give(cache_.back().block, cache_.back().size);
    use_.cached -= cache_.back().size;
    cache_.pop_back();
    --blocks_;
  }
}

void* Allocator::fresh_block(int64_t size, int64_t bytes) {
  // An eighth above the most that was ever in use: enough for a step's ebb and flow.
  shrink_cache(std::max(peak_live_ + peak_live_ / 8, kLeastKept) - size);
  if (use_.live + use_.cached + size > use_.budget) make_room();
  void* block = nullptr;
  if (use_.live + size <= use_.budget) {
    block = source_->take(size);
    if (!block) {  // the device said no: perhaps for what is cached here
      make_room();
      block = source_->take(size);
    }
  }
  if (!block) {
    throw_error(ErrorCode::out_of_memory,
                "[memory] asked for {} bytes on {}; {} are in use and the budget is {}", bytes,
                device_name(), use_.live, use_.budget);
  }
  return block;
}

void Allocator::make_room() {
  release_cache_locked();
  source_->settle();
}

const char* Allocator::device_name() const {
  return parent_ ? parent_->device_name() : source_->name();
}

void Allocator::free(void* data, int64_t bytes) noexcept {
  const int64_t size = rounded_size(bytes);
  std::lock_guard lock(mutex_);
  use_.live -= size;
  use_.cached += size;
  cache_.insert(std::ranges::upper_bound(cache_, size, {}, &Cached::size), {size, data});
}

void Allocator::release_cache_locked() {
  for (auto& [size, block] : cache_)
    parent_ ? parent_->free(block, size) : source_->give(block, size);
  blocks_ -= cache_.size();
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

namespace {

struct Block final : Storage {
  Block(Device device, void* data, int64_t bytes, std::shared_ptr<Allocator> from)
      : Storage(device, data, bytes), from(std::move(from)) {}
  ~Block() override { from->free(data, bytes); }
  std::shared_ptr<Allocator> from;
};

}  // namespace

std::shared_ptr<Storage> make_storage(Device device, int64_t bytes,
                                      std::shared_ptr<Allocator> from) {
  void* data = from->allocate(bytes);
  return std::make_shared<Block>(device, data, bytes, std::move(from));
}

}  // namespace pewter
