// MTLDevice: one for the process. It makes everything else and owns the account of memory.
#pragma once

#include "sim/metal/foundation/data.h"
#include "sim/metal/foundation/error.h"
#include "sim/metal/metal/types.h"

namespace metal_sim {

struct Buffer;
struct Heap;
struct HeapDescriptor;
struct Queue;
struct QueueDescriptor;
struct Library;
struct Function;
struct Pipeline;
struct PipelineDescriptor;
struct Reflection;
struct MetalCompileOptions;
struct Event;
struct SharedEvent;
struct Fence;
struct ResidencySet;
struct ResidencySetDescriptor;

struct Architecture : Object {
  SIM_CLASS(Architecture, MTLArchitecture)
  String* name() const;
};

struct Device : Object {
  SIM_CLASS(Device, MTLSimDevice)
  static Device* one();

  String* name() const;
  unsigned long registry_id() const;
  Architecture* architecture() const;
  Size max_threads() const;
  bool unified() const;
  unsigned long recommended_working_set() const;
  unsigned long argument_buffers() const;
  unsigned long allocated() const;
  unsigned long max_threadgroup_memory() const;
  unsigned long max_buffer() const;
  unsigned long max_compilations() const;
  bool supports_family(long family) const;
  bool always() const;
  bool never() const;

  Queue* new_queue();
  Queue* new_queue_bounded(unsigned long count);
  Queue* new_queue_described(QueueDescriptor* descriptor);
  Buffer* new_buffer(unsigned long length, unsigned long options);
  Buffer* new_buffer_bytes(const void* bytes, unsigned long length, unsigned long options);
  Buffer* new_buffer_no_copy(void* bytes, unsigned long length, unsigned long options,
                             const Block* deallocator);
  SizeAndAlign heap_size_and_align(unsigned long length, unsigned long options) const;
  Heap* new_heap(HeapDescriptor* descriptor);
  Event* new_event();
  SharedEvent* new_shared_event();
  Fence* new_fence();
  ResidencySet* new_residency_set(ResidencySetDescriptor* descriptor, Error** error);

  Library* new_default_library();
  Library* new_library_file(String* path, Error** error);
  Library* new_library_url(Url* url, Error** error);
  Library* new_library_data(Data* data, Error** error);
  Library* new_library_source(String* source, MetalCompileOptions* options, Error** error);
  void new_library_source_async(String* source, MetalCompileOptions* options, const Block* done);
  Pipeline* new_pipeline(Function* function, Error** error);
  Pipeline* new_pipeline_reflected(Function* function, unsigned long options,
                                   Reflection** reflection, Error** error);
  Pipeline* new_pipeline_described(PipelineDescriptor* descriptor, unsigned long options,
                                   Reflection** reflection, Error** error);
  void new_pipeline_async(Function* function, const Block* done);
};

// Takes `bytes` from the device's account; false: over the limit.
bool take_memory(size_t bytes);
void give_memory(size_t bytes);

}  // namespace metal_sim
