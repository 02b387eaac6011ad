// The CPU device: memory from the caching allocator, work run in place, capture as a list.
#include <unistd.h>

#include <cstring>
#include <new>

#include "../backend.h"
#include "allocator.h"
#include "stream.h"

namespace pewter {

struct Graph::Impl {
  std::vector<cpu::Captured> work;
  std::shared_ptr<cpu::Allocator> pool;  // tensors made inside live here as long as the graph
};

void Graph::replay() const {
  if (!impl_ || impl_->work.empty()) {
    throw_error(ErrorCode::argument, "[graph] nothing was captured, so nothing can be replayed");
  }
  for (const cpu::Captured& piece : impl_->work) cpu::run_checked(piece.op, piece.run);
}
int64_t Graph::size() const { return impl_ ? static_cast<int64_t>(impl_->work.size()) : 0; }

namespace cpu {
namespace {

thread_local std::shared_ptr<Allocator> graph_pool;

// Nine tenths of memory: the rest is for mapped models and other programs.
int64_t default_budget() {
  return int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE) / 10 * 9;
}

struct Block final : Storage {
  Block(Device device, void* data, int64_t bytes, std::shared_ptr<Allocator> from)
      : Storage(device, data, bytes), from(std::move(from)) {}
  ~Block() override { from->free(data, bytes); }
  std::shared_ptr<Allocator> from;
};

class CpuBackend final : public Backend {
 public:
  std::shared_ptr<Storage> allocate(Device device, int64_t bytes) override {
    const auto& from = graph_pool ? graph_pool : memory_;
    return std::make_shared<Block>(device, from->allocate(bytes), bytes, from);
  }
  std::shared_ptr<Storage> allocate_lasting(Device device, int64_t bytes) override {
    return std::make_shared<Block>(device, memory_->allocate(bytes), bytes, memory_);
  }
  void copy_from_host(void* to, const void* host, int64_t bytes) override {
    if (bytes > 0) std::memcpy(to, host, static_cast<size_t>(bytes));
  }
  void copy_to_host(void* host, const void* from, int64_t bytes) override {
    if (bytes > 0) std::memcpy(host, from, static_cast<size_t>(bytes));
  }
  void wait() override {}
  Graph capture(const std::function<void()>& work) override;
  MemoryUse memory_use() const override { return memory_->use(); }
  void set_memory_budget(int64_t bytes) override { memory_->set_budget(bytes); }
  void release_cached_memory() override { memory_->release_cache(); }

 private:
  std::shared_ptr<Allocator> memory_ = std::make_shared<Allocator>(default_budget());
};

Graph CpuBackend::capture(const std::function<void()>& work) {
  if (capturing()) throw_error(ErrorCode::argument, "[capture] this thread is capturing already");
  auto impl = std::make_shared<Graph::Impl>();
  impl->pool = std::make_shared<Allocator>(memory_);
  struct Scope {
    Scope(Graph::Impl& impl) {
      capturing() = &impl.work;
      graph_pool = impl.pool;
    }
    ~Scope() {
      capturing() = nullptr;
      graph_pool = nullptr;
    }
  } scope(*impl);
  work();
  return Graph(std::move(impl));
}

}  // namespace

std::vector<Captured>*& capturing() {
  thread_local std::vector<Captured>* list = nullptr;
  return list;
}

void rethrow_naming(const char* op) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw_error(ErrorCode::out_of_memory, "[{}] no memory for its work on cpu", op);
  } catch (const std::exception& e) {
    throw_error(ErrorCode::device_failure, "[{}] failed on cpu: {}", op, e.what());
  } catch (...) {
    throw_error(ErrorCode::device_failure, "[{}] failed on cpu", op);
  }
}

}  // namespace cpu

Backend& cpu_backend() {
  static auto* backend = new cpu::CpuBackend;  // outlives every tensor, static ones included
  return *backend;
}

}  // namespace pewter
