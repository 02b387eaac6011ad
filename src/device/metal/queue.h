// The stream of a Metal device: one MTLCommandQueue for the process's life, an encoder that stays
// open and takes the next op, and a command buffer that is committed by how much is in it.
//
// What it costs (docs/metal-device.md has sources): an op more in an open encoder about 0.5 us of
// host time, a command buffer's boundary about 20 us of the GPU's, a wait 100 to 400 us. So ops are
// gathered, fewer while the GPU has nothing to do, and the host waits where it reads, once.
#pragma once

#include <mps/mps.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "object_cache.h"
#include "pewter/error.h"

namespace pewter::metal {

namespace mtl = apple::mtl;
using apple::objc::UInt;

class Encoder;

// A command buffer is committed when it holds this many ops, or when its ops move this many bytes:
// the first pair while the GPU is idle, the second while it is busy.
inline constexpr int64_t kIdleOps = 128, kBusyOps = 512;
inline constexpr int64_t kIdleBytes = int64_t{64} << 20, kBusyBytes = int64_t{1} << 30;
// So many committed and not complete; then the host waits for the oldest.
inline constexpr size_t kMaxInFlight = 8;
// The host's bytes on their way in copies of their own, beside what the allocator counts.
inline constexpr int64_t kMaxStaged = int64_t{16} << 20;
// Kernels, descriptors and pipelines kept for their next use.
inline constexpr size_t kMaxObjects = 1024;

class Queue {
 public:
  Queue(const mtl::Device& device, std::string name);

  void encode(const char* op, void (*call)(void*, Encoder&), void* context);
  // Returns when the command buffers up to this one are complete; commits the open one if it is
  // meant. Throws what failed since the last call, naming the ops.
  void wait_for(uint64_t serial);
  void wait_all();
  // The same, but a failure is kept for the next wait_for.
  void finish() noexcept;
  // Whether it is complete, without waiting.
  bool is_finished(uint64_t serial);
  double gpu_seconds();   // that command buffers took, of those seen complete
  int64_t staged();       // bytes in copies that are not complete
  void close() noexcept;  // at the process's end

 private:
  friend class Encoder;
  struct OpCount {
    const char* op;
    int64_t count;
  };
  struct Batch {  // one command buffer's
    uint64_t serial = 0;
    mtl::CommandBuffer commands;
    std::vector<OpCount> ops;
    int64_t bytes = 0, count = 0, staged = 0;
  };

  void open();
  void note(const char* op);
  void end_encoder();
  void commit();
  bool full();
  void reap();  // takes note of batches that are complete
  void retire_oldest();
  void wait_until(std::unique_lock<std::mutex>& lock, uint64_t serial);
  std::string named(const Batch& batch) const;

  mtl::Device device_;
  mtl::CommandQueue queue_;
  bool has_mps_;
  std::string name_;
  std::mutex mutex_;
  Batch batch_;  // the open one; its commands are nil while there is none
  mtl::ComputeCommandEncoder compute_;
  mtl::BlitCommandEncoder blit_;
  const void* pipeline_ = nullptr;  // the one set in compute_
  std::deque<Batch> in_flight_;     // oldest first
  uint64_t serial_ = 1;             // of the open batch, or of the next
  std::atomic<uint64_t> finished_{0};
  double gpu_seconds_ = 0;
  std::optional<Error> failure_;  // that no wait has told of yet
  ObjectCache objects_{kMaxObjects};
};

}  // namespace pewter::metal
