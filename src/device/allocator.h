// Memory that is used again, for every device. Training asks for the same few sizes every step, and
// fresh memory is dear (a fault a page on the CPU, a call of the driver on a GPU), so freed blocks
// wait in bins by size: little more is held than was ever in use at once. A hard budget bounds that
// too; over it the cache is emptied first, and then the call fails without harm.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "pewter/tensor.h"

namespace pewter {

// Where an allocator's blocks come from: the system, or a device's driver.
class MemorySource {
 public:
  virtual ~MemorySource() = default;
  virtual const char* name() const = 0;  // of the device, for messages
  virtual void* take(int64_t size) = 0;  // aligned to 64 bytes; null: there is none
  virtual void give(void* block, int64_t size) noexcept = 0;
  // Returns once what was given back is free again: a GPU may still be at work on it.
  virtual void settle() {}
};

class Allocator {
 public:
  Allocator(int64_t budget, MemorySource& source) : source_(&source) { use_.budget = budget; }
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
  void* fresh_block(int64_t size, int64_t bytes);
  void shrink_cache(int64_t held);  // until live + cached is no more than `held`
  void make_room();                 // with nothing cached, here or on its way back to the source
  const char* device_name() const;

  MemorySource* source_ = nullptr;
  std::shared_ptr<Allocator> parent_;
  mutable std::mutex mutex_;
  std::vector<Cached> cache_;  // by size; has room for every block there is
  size_t blocks_ = 0;          // in use or cached
  int64_t peak_live_ = 0;
  MemoryUse use_;
};

// Rounds up so that a block fits requests of nearly its size: to 1/8 of the power of two below.
int64_t rounded_size(int64_t bytes);

// Makes the storage of a tensor: `allocate`d here, freed when the last view of it goes.
std::shared_ptr<Storage> make_storage(Device device, int64_t bytes,
                                      std::shared_ptr<Allocator> from);

}  // namespace pewter
