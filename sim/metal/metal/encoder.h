// Compute and blit encoders: they check, remember what is bound, and put jobs into their buffer.
#pragma once

#include "sim/metal/metal/command.h"

namespace metal_sim {

struct EventJob : Job {
  Event* event;
  uint64_t value;
  EventJob(Kind k, Event* e, uint64_t v) : event(e), value(v) { kind = k; }
  Result run() override;
};

struct Encoder : Object {
  SIM_CLASS(Encoder, _MTLSimCommandEncoder)
  Ref<CommandBuffer> buffer;
  Ref<String> label;
  bool ended = false;

  void open(CommandBuffer* b);
  void end_encoding();
  void dealloc_encoder();
  Device* device() const;
  void push_debug(String* name);
  void pop_debug();
  void signpost(String* name);
  void update_fence(Fence* fence);
  void wait_fence(Fence* fence);
  void check_not_ended(const char* method) const;
};

struct ComputeEncoder : Encoder {
  SIM_CLASS(ComputeEncoder, MTLSimComputeCommandEncoder)
  struct Slot {
    Buffer* buffer;  // null with data set: bytes
    const std::byte* data;
    size_t offset, length;
  };
  DispatchType type = DispatchType::serial;
  Ref<Pipeline> pipeline;
  std::array<Slot, kMaxBuffers> slots{};
  std::array<size_t, kMaxBuffers> threadgroup_memory{};
  std::vector<MemoryRange> resident;

  void set_pipeline(Pipeline* p);
  void set_bytes(const void* bytes, unsigned long length, unsigned long index);
  void set_buffer(Buffer* b, unsigned long offset, unsigned long index);
  void set_offset(unsigned long offset, unsigned long index);
  void set_buffers(Buffer* const* buffers, const unsigned long* offsets, Range range);
  void set_threadgroup_memory(unsigned long length, unsigned long index);
  void dispatch_threadgroups(Size groups, Size threads);
  void dispatch_indirect(Buffer* arguments, unsigned long offset, Size threads);
  void dispatch_threads(Size grid, Size threads);
  void use_resource(Object* resource, unsigned long usage);
  void use_resources(Object* const* resources, unsigned long n, unsigned long usage);
  void use_heap(Heap* heap);
  void use_heaps(Heap* const* heaps, unsigned long n);
  void barrier_scope(unsigned long scope);
  void barrier_resources(Object* const* resources, unsigned long n);

 private:
  void check_dispatch(Size threads) const;
  void add_dispatch(Size3 grid, Size3 threads, Buffer* arguments, size_t offset);
  void barrier();
};

struct BlitEncoder : Encoder {
  SIM_CLASS(BlitEncoder, MTLSimBlitCommandEncoder)
  void synchronize(Object* resource);
  void fill(Buffer* to, Range range, unsigned char value);
  void copy_buffer(Buffer* from, unsigned long from_offset, Buffer* to, unsigned long to_offset,
                   unsigned long size);
  void optimize(id texture);
};

}  // namespace metal_sim
