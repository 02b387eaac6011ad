// Memory that is used again. Training asks for the same few sizes every step, and fresh pages cost
// a fault each, so freed blocks wait in bins by size: little more is held than was ever in use at
// once. A hard budget bounds that too; over it the cache is emptied first, and then the call fails
// without harm.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "pewter/device.h"

namespace pewter::cpu {

class Allocator {
 public:
  explicit Allocator(int64_t budget) { use_.budget = budget; }
  // A captured graph's own memory: blocks of `parent`'s, counted there, that stay with this one
  // until it goes. The captured work writes to them again at every replay, free or not.
  explicit Allocator(std::shared_ptr<Allocator> parent) : parent_(std::move(parent)) {}
  ~Allocator() { release_cache(); }
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  void* allocate(int64_t bytes);  // throws ErrorCode::out_of_memory
  // Never throws: room to note a freed block is made when it is handed out.
  void free(void* data, int64_t bytes) noexcept;
  void release_cache();
  void set_budget(int64_t bytes);
  MemoryUse use() const;

 private:
  struct Cached {
    int64_t size;  // rounded
    void* block;
  };

  void* cached_block(int64_t size);
  void release_cache_locked();
  void shrink_cache(int64_t held);  // until live + cached is no more than `held`
  void* fresh_block(int64_t size, int64_t bytes);

  std::shared_ptr<Allocator> parent_;
  mutable std::mutex mutex_;
  std::vector<Cached> cache_;  // by size; has room for every block there is
  size_t blocks_ = 0;          // in use or cached
  int64_t peak_live_ = 0;
  MemoryUse use_;
};

// Rounds up so that a block fits requests of nearly its size: to 1/8 of the power of two below.
int64_t rounded_size(int64_t bytes);

}  // namespace pewter::cpu
