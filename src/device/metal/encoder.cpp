#include "encoder.h"

#include <algorithm>

#include "metal_backend.h"

namespace pewter::metal {

const mtl::CommandBuffer& Encoder::commands() {
  q_.end_encoder();
  return q_.batch_.commands;
}

const mtl::ComputeCommandEncoder& Encoder::compute() {
  if (!q_.compute_) {
    q_.end_encoder();
    q_.compute_ = q_.batch_.commands.compute_command_encoder();
  }
  return q_.compute_;
}

const mtl::BlitCommandEncoder& Encoder::blit() {
  if (!q_.blit_) {
    q_.end_encoder();
    q_.blit_ = q_.batch_.commands.blit_command_encoder();
  }
  return q_.blit_;
}

Place Encoder::reads(const void* address) {
  Slot& slot = buffers().slot(address);
  slot.last_use.store(q_.batch_.serial, std::memory_order_relaxed);
  return {slot.buffer, Buffers::offset(address)};
}

Place Encoder::writes(void* address) {
  Slot& slot = buffers().slot(address);
  slot.last_use.store(q_.batch_.serial, std::memory_order_relaxed);
  slot.last_write.store(q_.batch_.serial, std::memory_order_relaxed);
  return {slot.buffer, Buffers::offset(address)};
}

// Metal's validation ends the program for a copy of no bytes.
void Encoder::copy(void* to, const void* from, int64_t bytes, int64_t at_most) {
  if (bytes <= 0) return;
  const Place source = reads(from), target = writes(to);
  for (int64_t at = 0; at < bytes; at += at_most) {
    const auto size = static_cast<UInt>(std::min(at_most, bytes - at));
    const auto start = static_cast<UInt>(at);
    blit().copy(source.buffer, source.offset + start, target.buffer, target.offset + start, size);
  }
  weighs(2 * bytes);
}

void Encoder::fill(void* to, int64_t bytes, uint8_t value) {
  if (bytes <= 0) return;
  const Place target = writes(to);
  for (int64_t at = 0; at < bytes; at += kMaxBlit) {
    const auto size = static_cast<UInt>(std::min(kMaxBlit, bytes - at));
    blit().fill(target.buffer, {target.offset + static_cast<UInt>(at), size}, value);
  }
  weighs(bytes);
}

void Encoder::repeat(void* to, int64_t bytes, const void* pattern, int64_t pattern_bytes) {
  if (bytes <= 0) return;
  const mtl::Buffer staged = device().new_buffer(pattern, static_cast<UInt>(pattern_bytes),
                                                 mtl::ResourceOptions::storage_mode_shared);
  const Place target = writes(to);
  int64_t done = std::min(pattern_bytes, bytes);
  blit().copy(staged, 0, target.buffer, target.offset, static_cast<UInt>(done));
  while (done < bytes) {  // what is there already, once more behind it
    const int64_t more = std::min({done, bytes - done, kMaxBlit / pattern_bytes * pattern_bytes});
    blit().copy(target.buffer, target.offset, target.buffer,
                target.offset + static_cast<UInt>(done), static_cast<UInt>(more));
    done += more;
  }
  q_.batch_.staged += pattern_bytes;
  weighs(bytes + pattern_bytes);
}

const Pipeline& Encoder::pipeline(const KernelSource& source, const char* function) {
  static constexpr char kLibraries = 0, kPipelines = 0;
  const auto number = [](const char* text) { return reinterpret_cast<uintptr_t>(text); };
  const ObjectKey key{&kPipelines, {number(source.text), number(function)}};
  return cached<Pipeline>(key, [&] {
    const mtl::Library library = cached<mtl::Library>({&kLibraries, {number(source.text)}}, [&] {
      return device().new_library(source.text, mtl::CompileOptions::make());
    });
    Pipeline p;
    p.state = device().new_compute_pipeline_state(library.new_function(function));
    p.max_threads = p.state.max_total_threads_per_threadgroup();
    p.width = p.state.thread_execution_width();
    return p;
  });
}

const mtl::ComputeCommandEncoder& Encoder::prepared(const Pipeline& pipeline, mtl::Size group) {
  const UInt threads = group.width * group.height * group.depth;
  if (threads == 0 || threads > pipeline.max_threads) {
    throw_error(ErrorCode::device_failure,
                "[metal] a threadgroup of {} threads; this kernel runs with 1 to {}", threads,
                pipeline.max_threads);
  }
  const mtl::ComputeCommandEncoder& encoder = compute();
  if (q_.pipeline_ != pipeline.state.id()) {
    encoder.set_compute_pipeline_state(pipeline.state);
    q_.pipeline_ = pipeline.state.id();
  }
  return encoder;
}

}  // namespace pewter::metal
