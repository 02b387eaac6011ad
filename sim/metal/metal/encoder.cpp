#include "sim/metal/metal/encoder.h"

#include <cstring>

#include "sim/metal/checks.h"
#include "sim/metal/metal/library.h"

namespace metal_sim {
namespace {

std::string triple(Size s) {
  return "(threadsPerThreadgroup.width(" + std::to_string(s.width) +
         ") * threadsPerThreadgroup.height(" + std::to_string(s.height) +
         ") * threadsPerThreadgroup.depth(" + std::to_string(s.depth) + "))(" +
         std::to_string(s.count()) + ")";
}

Size3 size3(Size s) { return {s.width, s.height, s.depth}; }

void check_index(const char* method, unsigned long index) {
  if (index >= kMaxBuffers)
    failed_assertion(method, "index(" + std::to_string(index) + ") must be < 31.");
}

// One dispatch with everything that was bound when it was encoded.
struct DispatchJob : Job {
  std::shared_ptr<Kernel> kernel;
  Dispatch dispatch;
  std::vector<MemoryRange> resident;
  Buffer* arguments = nullptr;  // of an indirect dispatch: three uint32, threadgroups
  size_t offset = 0;

  Result run() override {
    if (arguments) {
      uint32_t groups[3];
      std::memcpy(groups, arguments->memory + offset, sizeof groups);
      dispatch.grid = {groups[0] * dispatch.threadgroup.x, groups[1] * dispatch.threadgroup.y,
                       groups[2] * dispatch.threadgroup.z};
    }
    if (dispatch.grid.count() == 0) return {};
    dispatch.resident = resident;
    dispatch.checks = checks_on();
    dispatch.seed = run_seed();
    auto outcome = kernel->run(dispatch);
    if (auto* failure = std::get_if<Failure>(&outcome)) return std::move(*failure);
    return {};
  }
};

}  // namespace

void Encoder::open(CommandBuffer* b) {
  buffer = Ref<CommandBuffer>(b);
  b->begin(this, nullptr);
  count(counters.encoders);
}
void Encoder::end_encoding() {
  if (ended)
    failed_assertion("-[MTLDebugCommandEncoder endEncoding]",
                     "endEncoding has already been called");
  ended = true;
  buffer->open_encoder = nullptr;
}
void Encoder::dealloc_encoder() {
  if (buffer && !ended) {
    failed_assertion("-[_MTLCommandEncoder dealloc]:131",
                     "Command encoder released without endEncoding");
  }
  dealloc_object(this);
}
Device* Encoder::device() const { return buffer->device(); }
void Encoder::push_debug(String*) {}
void Encoder::pop_debug() {}
void Encoder::signpost(String*) {}
// Execution within a queue is in order, so fences have nothing to add.
void Encoder::update_fence(Fence*) {}
void Encoder::wait_fence(Fence*) {}
void Encoder::check_not_ended(const char* method) const {
  if (ended) failed_assertion(method, "encoder has already ended");
}

void ComputeEncoder::set_pipeline(Pipeline* p) {
  check_not_ended("-[MTLDebugComputeCommandEncoder setComputePipelineState:]");
  if (!p)
    failed_assertion("-[MTLDebugComputeCommandEncoder setComputePipelineState:]",
                     "computePipelineState must not be nil.");
  pipeline = Ref<Pipeline>(p);
}
void ComputeEncoder::set_bytes(const void* bytes, unsigned long length, unsigned long index) {
  const char* method =
      "-[MTLDebugComputeCommandEncoder setBytes:length:attributeStride:atIndex:]:400";
  check_index(method, index);
  if (!bytes) failed_assertion(method, "bytes argument cannot be nil.");
  if (length > kMaxInlineBytes)
    failed_assertion(method, "length(" + std::to_string(length) + ") must be <= 4096.");
  auto* copy = static_cast<std::byte*>(buffer->jobs.allocate(length));
  std::memcpy(copy, bytes, length);
  slots[index] = {nullptr, copy, 0, length};
}
void ComputeEncoder::set_buffer(Buffer* b, unsigned long offset, unsigned long index) {
  const char* method = "-[MTLDebugComputeCommandEncoder setBuffer:offset:atIndex:]";
  check_index(method, index);
  if (b && offset > b->size) {
    failed_assertion(method, "offset(" + std::to_string(offset) + ") must be <= [buffer length](" +
                                 std::to_string(b->size) + ").");
  }
  buffer->keep(b);
  slots[index] = {b, nullptr, offset, 0};
}
void ComputeEncoder::set_offset(unsigned long offset, unsigned long index) {
  const char* method = "-[MTLDebugComputeCommandEncoder setBufferOffset:atIndex:]";
  check_index(method, index);
  if (!slots[index].buffer)
    failed_assertion(method, "buffer at index " + std::to_string(index) + " must not be nil.");
  set_buffer(slots[index].buffer, offset, index);
}
void ComputeEncoder::set_buffers(Buffer* const* buffers, const unsigned long* offsets,
                                 Range range) {
  for (unsigned long i = 0; i < range.length; ++i)
    set_buffer(buffers[i], offsets[i], range.location + i);
}
void ComputeEncoder::set_threadgroup_memory(unsigned long length, unsigned long index) {
  const char* method = "-[MTLDebugComputeCommandEncoder setThreadgroupMemoryLength:atIndex:]";
  check_index(method, index);
  if (length % 16)
    failed_assertion(method,
                     "length(" + std::to_string(length) + ") must be a multiple of 16 bytes.");
  threadgroup_memory[index] = length;
}

void ComputeEncoder::check_dispatch(Size threads) const {
  const char* method =
      "-[MTLDebugComputeCommandEncoder dispatchThreadgroups:threadsPerThreadgroup:]";
  check_not_ended(method);
  if (!pipeline)
    failed_assertion(method, "A compute pipeline state must be set before a dispatch.");
  const KernelInfo& info = pipeline->kernel->info();
  if (threads.count() == 0) failed_assertion(method, triple(threads) + " must be > 0.");
  if (threads.count() > kMaxThreadsPerThreadgroup) {
    failed_assertion(method, triple(threads) + " must be <= 1024. (device threadgroup size limit)");
  }
  if (threads.count() > info.max_total_threads) {
    failed_assertion(method, triple(threads) +
                                 " must be <= " + std::to_string(info.max_total_threads) +
                                 ". (kernel threadgroup size limit)");
  }
  size_t memory = info.static_threadgroup_memory;
  for (size_t n : threadgroup_memory) memory += n;
  if (memory > kMaxThreadgroupMemory) {
    failed_assertion(method, "Threadgroup memory size (" + std::to_string(memory) +
                                 ") exceeds the maximum threadgroup memory allowed (32768)");
  }
  for (const KernelArgument& a : info.arguments) {
    const Slot& slot = slots[a.index];
    if (a.kind != BindingKind::buffer || !a.active || slot.buffer || slot.data) continue;
    failed_assertion(method, "missing Buffer binding at index " + std::to_string(a.index) +
                                 " for " + a.name + "[0].");
  }
}

void ComputeEncoder::add_dispatch(Size3 grid, Size3 threads, Buffer* arguments, size_t offset) {
  count(counters.dispatches);
  auto* job = buffer->jobs.add<DispatchJob>();
  job->kernel = pipeline->kernel;
  job->movable = type == DispatchType::concurrent;
  job->arguments = arguments;
  job->offset = offset;
  job->resident = buffer->resident;
  job->resident.insert(job->resident.end(), resident.begin(), resident.end());
  Dispatch& d = job->dispatch;
  d.grid = grid;
  d.threadgroup = threads;
  d.threadgroup_memory = threadgroup_memory;
  for (const KernelArgument& a : pipeline->kernel->info().arguments) {
    if (a.kind != BindingKind::buffer) continue;
    const Slot& slot = slots[a.index];
    MemoryRange& range = d.buffers[a.index];
    if (slot.buffer) {
      range = slot.buffer->range(slot.offset);
      if (a.access != BindingAccess::read) buffer->writes(slot.buffer);
    } else if (slot.data) {
      range = {const_cast<std::byte*>(slot.data), slot.length, true};
    }
    range.read_only |= a.access == BindingAccess::read;
  }
}

void ComputeEncoder::dispatch_threadgroups(Size groups, Size threads) {
  check_dispatch(threads);
  add_dispatch(
      {groups.width * threads.width, groups.height * threads.height, groups.depth * threads.depth},
      size3(threads), nullptr, 0);
}
void ComputeEncoder::dispatch_threads(Size grid, Size threads) {
  check_dispatch(threads);
  add_dispatch(size3(grid), size3(threads), nullptr, 0);
}
void ComputeEncoder::dispatch_indirect(Buffer* arguments, unsigned long offset, Size threads) {
  check_dispatch(threads);
  const char* method =
      "-[MTLDebugComputeCommandEncoder dispatchThreadgroupsWithIndirectBuffer:...]";
  if (!arguments) failed_assertion(method, "indirectBuffer must not be nil.");
  if (offset % 4 || offset + 12 > arguments->size) {
    failed_assertion(method, "indirectBufferOffset(" + std::to_string(offset) +
                                 ") must be a multiple of 4 and leave room for 12 bytes");
  }
  buffer->keep(arguments);
  add_dispatch({}, size3(threads), arguments, offset);
}
void ComputeEncoder::use_resource(Object* resource, unsigned long) {
  buffer->keep(resource);
  if (Buffer* b = as<Buffer>(resource)) resident.push_back(b->range(0));
}
void ComputeEncoder::use_resources(Object* const* resources, unsigned long n, unsigned long usage) {
  for (unsigned long i = 0; i < n; ++i) use_resource(resources[i], usage);
}
void ComputeEncoder::use_heap(Heap* heap) {
  buffer->keep(heap);
  if (heap) resident.push_back({heap->memory, heap->size, false});
}
void ComputeEncoder::use_heaps(Heap* const* heaps, unsigned long n) {
  for (unsigned long i = 0; i < n; ++i) use_heap(heaps[i]);
}
void ComputeEncoder::barrier() {
  if (type == DispatchType::concurrent) buffer->encode([] { return Result(); });
}
void ComputeEncoder::barrier_scope(unsigned long) { barrier(); }
void ComputeEncoder::barrier_resources(Object* const*, unsigned long) { barrier(); }

namespace {

void check_blit(const char* what, const Buffer* b, size_t offset, size_t size) {
  const char* method = "-[MTLDebugBlitCommandEncoder internalValidateCopyFromBuffer:]";
  if (!b) failed_assertion(method, std::string(what) + " must not be nil.");
  if (offset > b->size || size > b->size - offset) {
    failed_assertion(method, std::string(what) + "Offset(" + std::to_string(offset) + ") + size(" +
                                 std::to_string(size) + ") must be <= " + std::to_string(b->size) +
                                 ".");
  }
}

}  // namespace

void BlitEncoder::synchronize(Object* resource) { buffer->keep(resource); }
void BlitEncoder::fill(Buffer* to, Range range, unsigned char value) {
  check_not_ended("-[MTLDebugBlitCommandEncoder fillBuffer:range:value:]");
  check_blit("destination", to, range.location, range.length);
  count(counters.blits);
  buffer->keep(to);
  buffer->writes(to);
  buffer->encode([=] {
    std::memset(to->memory + range.location, value, range.length);
    return Result();
  });
}
void BlitEncoder::copy_buffer(Buffer* from, unsigned long from_offset, Buffer* to,
                              unsigned long to_offset, unsigned long size) {
  check_not_ended("-[MTLDebugBlitCommandEncoder copyFromBuffer:]");
  check_blit("source", from, from_offset, size);
  check_blit("destination", to, to_offset, size);
  if (size == 0)
    failed_assertion("-[MTLDebugBlitCommandEncoder copyFromBuffer:]", "size must be > 0.");
  count(counters.blits);
  buffer->keep(from);
  buffer->keep(to);
  buffer->writes(to);
  buffer->encode([=] {
    std::memmove(to->memory + to_offset, from->memory + from_offset, size);
    return Result();
  });
}
void BlitEncoder::optimize(id) {}

}  // namespace metal_sim
