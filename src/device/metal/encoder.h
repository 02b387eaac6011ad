// What an op's launcher sees of the stream while it encodes: the command buffer for MPS, an open
// encoder for kernels and copies, buffers by address, and objects that are kept.
#pragma once

#include <initializer_list>
#include <string_view>
#include <type_traits>

#include "buffers.h"
#include "queue.h"
#include "stream.h"

namespace pewter::metal {

// Device memory as Metal's calls want it.
struct Place {
  const mtl::Buffer& buffer;
  UInt offset;
};

// A kernel ready to run, with what limits its threadgroups.
struct Pipeline {
  mtl::ComputePipelineState state;
  UInt max_threads = 0, width = 0;
};

// Kernels in source, compiled at first use; two with one `text` pointer are the same.
struct KernelSource {
  const char* name;
  const char* text;
};

// Blit copies of 4 GiB and more were silently incomplete on Apple's GPUs; larger ones are cut.
inline constexpr int64_t kMaxBlit = int64_t{1} << 30;

class Encoder {
 public:
  explicit Encoder(Queue& queue) : q_(queue) {}

  const mtl::Device& device() const { return q_.device_; }
  bool has_mps() const { return q_.has_mps_; }  // whether MPS has kernels for this GPU
  // With no encoder open, for MPS, which opens its own.
  const mtl::CommandBuffer& commands();
  // Serial: each dispatch sees what those before it wrote.
  const mtl::ComputeCommandEncoder& compute();
  const mtl::BlitCommandEncoder& blit();

  // The memory at an address, and the note that this work reads or writes it.
  Place reads(const void* address);
  Place writes(void* address);
  // What the work costs, in bytes moved (or as much time in arithmetic), for when to commit.
  void weighs(int64_t bytes) { q_.batch_.bytes += bytes; }

  template <typename T, typename Make>
  const T& cached(const ObjectKey& key, Make&& make) {
    return q_.objects_.get<T>(key, make);
  }

  void copy(void* to, const void* from, int64_t bytes, int64_t at_most = kMaxBlit);
  void fill(void* to, int64_t bytes, uint8_t value);
  // Bytes of the host's, taken now, at `to` in their turn; as often as fits into `bytes`.
  void repeat(void* to, int64_t bytes, const void* pattern, int64_t pattern_bytes);

  const Pipeline& pipeline(const KernelSource& source, const char* function);
  // `arguments` are Places and plain structures, bound in order from index 0. `group` must hold no
  // more threads than the pipeline allows: Metal by itself would say nothing and run nothing.
  template <typename... A>
  void dispatch(const Pipeline& pipeline, mtl::Size threads, mtl::Size group,
                const A&... arguments) {
    const mtl::ComputeCommandEncoder& encoder = prepared(pipeline, group);
    UInt index = 0;
    (bind(encoder, arguments, index++), ...);
    encoder.dispatch_threads(threads, group);
  }

 private:
  static void bind(const mtl::ComputeCommandEncoder& encoder, const Place& place, UInt index) {
    encoder.set_buffer(place.buffer, place.offset, index);
  }
  template <typename T>
  static void bind(const mtl::ComputeCommandEncoder& encoder, const T& value, UInt index) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 4096, "setBytes takes 4 KiB");
    encoder.set_bytes(&value, sizeof(T), index);
  }
  const mtl::ComputeCommandEncoder& prepared(const Pipeline& pipeline, mtl::Size group);

  Queue& q_;
};

}  // namespace pewter::metal
