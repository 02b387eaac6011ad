// The Metal device: shared memory, one queue, capture as a list of work that is encoded again.
#include "metal_backend.h"

#include <cstdlib>
#include <cstring>

#include "encoder.h"
#include "find_device.h"

namespace pewter::metal {
namespace {

class MetalBackend final : public Backend {
 public:
  explicit MetalBackend(const mtl::Device& device)
      : queue_(device, this_device().name()),
        buffers_(device, queue_, this_device().name()),
        // What the system recommends to hold at most, less what other programs may want.
        memory_(std::make_shared<Allocator>(
            static_cast<int64_t>(device.recommended_max_working_set_size() / 10 * 9), buffers_)) {}

  std::shared_ptr<Storage> allocate(Device device, int64_t bytes) override {
    const Graph::Impl* graph = recording(*this);
    return make_storage(device, bytes, graph ? graph->pool : memory_);
  }
  std::shared_ptr<Storage> allocate_lasting(Device device, int64_t bytes) override {
    return make_storage(device, bytes, memory_);
  }
  void copy_from_host(void* to, const void* host, int64_t bytes) override;
  void copy_to_host(void* host, const void* from, int64_t bytes) override;
  void wait() override { queue_.wait_all(); }
  Graph capture(const std::function<void()>& work) override {
    return record_graph(*this, memory_, work);
  }
  MemoryUse memory_use() const override { return memory_->use(); }
  void set_memory_budget(int64_t bytes) override { memory_->set_budget(bytes); }
  void release_cached_memory() override {
    memory_->release_cache();
    queue_.finish();
  }
  // Tensors that outlive this keep their memory; nothing can be queued any more.
  void close() noexcept {
    queue_.close();
    memory_->release_cache();
    buffers_.close();
  }

  Queue queue_;
  Buffers buffers_;

 private:
  void stage(void* to, const void* host, int64_t bytes);
  std::shared_ptr<Allocator> memory_;
};

std::byte* contents(const Slot& slot, const void* address) {
  return static_cast<std::byte*>(slot.buffer.contents()) + Buffers::offset(address);
}

void MetalBackend::copy_from_host(void* to, const void* host, int64_t bytes) {
  if (bytes <= 0) return;
  const Slot& slot = buffers_.slot(to);
  const uint64_t used = slot.last_use;
  if (!queue_.is_finished(used)) {
    // The GPU copies them in their turn; where too much waits for that already, so does the host.
    if (queue_.staged() + bytes <= kMaxStaged) return stage(to, host, bytes);
    queue_.wait_for(used);
  }
  std::memcpy(contents(slot, to), host, static_cast<size_t>(bytes));
}

void MetalBackend::stage(void* to, const void* host, int64_t bytes) {
  auto run = [&](Encoder& e) { e.repeat(to, bytes, host, bytes); };
  encode_with("copy_from_host", run);
}

void MetalBackend::copy_to_host(void* host, const void* from, int64_t bytes) {
  if (bytes <= 0) return;
  const Slot& slot = buffers_.slot(from);
  queue_.wait_for(slot.last_write);
  std::memcpy(host, contents(slot, from), static_cast<size_t>(bytes));
}

struct State {
  std::string problem;
  MetalBackend* backend = nullptr;  // outlives every tensor, static ones included
};

State make_state() {
  const Found found = find_device();
  State state{found.problem, nullptr};
  if (found.device) {
    state.backend = new MetalBackend(found.device);
    // Queue, kernels and cached memory go before the frameworks do.
    std::atexit([] { static_cast<MetalBackend&>(metal::backend()).close(); });
  }
  return state;
}

const State& state() {
  static const auto* all = new State(make_state());
  return *all;
}

MetalBackend& the_backend() {
  const State& s = state();
  if (!s.backend) {
    throw_error(ErrorCode::device, "[device] {} is not present: {}", this_device().name(),
                s.problem);
  }
  return *s.backend;
}

}  // namespace

Device this_device() {
#if defined(__APPLE__)
  return Device(DeviceKind::metal);
#else
  return Device(DeviceKind::metal_sim);
#endif
}

const std::string& problem() { return state().problem; }
Backend& backend() { return the_backend(); }
Buffers& buffers() { return the_backend().buffers_; }
Queue& queue() { return the_backend().queue_; }

void encode(const char* op, void (*call)(void*, Encoder&), void* context) {
  queue().encode(op, call, context);
}

}  // namespace pewter::metal
