// The CPU device: memory from the system, work run in place, capture as a list.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "../backend.h"
#include "../graph.h"

namespace pewter {
namespace cpu {
namespace {

// Nine tenths of memory: the rest is for mapped models and other programs. In a container memory is
// what its control group may use; over that the system kills instead of refusing.
int64_t default_budget() {
  int64_t memory = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
  for (const char* limit :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    int64_t bytes = 0;  // "max" leaves it
    if (std::ifstream(limit) >> bytes && bytes > 0) memory = std::min(memory, bytes);
  }
  return memory / 10 * 9;
}

class System final : public MemorySource {
 public:
  const char* name() const override { return "cpu"; }
  void* take(int64_t size) override { return std::aligned_alloc(64, static_cast<size_t>(size)); }
  void give(void* block, int64_t) noexcept override { std::free(block); }
};

class CpuBackend final : public Backend {
 public:
  std::shared_ptr<Storage> allocate(Device device, int64_t bytes) override {
    const Graph::Impl* graph = recording(*this);
    return make_storage(device, bytes, graph ? graph->pool : memory_);
  }
  std::shared_ptr<Storage> allocate_lasting(Device device, int64_t bytes) override {
    return make_storage(device, bytes, memory_);
  }
  void copy_from_host(void* to, const void* host, int64_t bytes) override {
    if (bytes > 0) std::memcpy(to, host, static_cast<size_t>(bytes));
  }
  void copy_to_host(void* host, const void* from, int64_t bytes) override {
    if (bytes > 0) std::memcpy(host, from, static_cast<size_t>(bytes));
  }
  void wait() override {}
  Graph capture(const std::function<void()>& work) override {
    return record_graph(*this, memory_, work);
  }
  MemoryUse memory_use() const override { return memory_->use(); }
  void set_memory_budget(int64_t bytes) override { memory_->set_budget(bytes); }
  void release_cached_memory() override { memory_->release_cache(); }

 private:
  System system_;
  std::shared_ptr<Allocator> memory_ = std::make_shared<Allocator>(default_budget(), system_);
};

}  // namespace
}  // namespace cpu

Backend& cpu_backend() {
  static auto* backend = new cpu::CpuBackend;  // outlives every tensor, static ones included
  return *backend;
}

}  // namespace pewter
