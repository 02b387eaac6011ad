// The device: where everything of Metal begins.
#pragma once

#include <mps/metal_commands.h>

namespace apple::mtl {

class Device : public objc::Of<Catalogue, DeviceMethods> {
 public:
  using Of::Of;
  Device() = default;
  CommandQueue new_command_queue() const { return obtain<CommandQueue, "newCommandQueue">(); }
  CommandQueue new_command_queue(UInt max_command_buffer_count) const {
    return obtain<CommandQueue, "newCommandQueueWithMaxCommandBufferCount:">(
        max_command_buffer_count);
  }
  CommandQueue new_command_queue(const CommandQueueDescriptor& descriptor) const {
    return obtain<CommandQueue, "newCommandQueueWithDescriptor:">(descriptor);
  }
  SizeAndAlign heap_buffer_size_and_align(UInt length, ResourceOptions options) const {
    return send<"heapBufferSizeAndAlignWithLength:options:">(length, options);
  }
  Heap new_heap(const HeapDescriptor& descriptor) const {
    return obtain<Heap, "newHeapWithDescriptor:">(descriptor);
  }
  Buffer new_buffer(UInt length, ResourceOptions options) const {
    return obtain<Buffer, "newBufferWithLength:options:">(length, options);
  }
  Buffer new_buffer(const void* bytes, UInt length, ResourceOptions options) const {
    return obtain<Buffer, "newBufferWithBytes:length:options:">(bytes, length, options);
  }
  Buffer new_buffer_no_copy(void* bytes_no_copy, UInt length, ResourceOptions options,
                            const Block<void(void*, UInt)>& deallocator) const {
    return obtain<Buffer, "newBufferWithBytesNoCopy:length:options:deallocator:">(
        bytes_no_copy, length, options, deallocator);
  }
  Library new_default_library() const { return obtain<Library, "newDefaultLibrary">(); }
  Library new_library(const ns::URL& url) const {
    return obtain_or_error<Library, "newLibraryWithURL:error:">(url);
  }
  Library new_library(const ns::String& source, const CompileOptions& options) const {
    return obtain_or_error<Library, "newLibraryWithSource:options:error:">(source, options);
  }
  void new_library(const ns::String& source, const CompileOptions& options,
                   const Block<void(Library, ns::Error)>& completion_handler) const {
    send<"newLibraryWithSource:options:completionHandler:">(source, options, completion_handler);
  }
  ComputePipelineState new_compute_pipeline_state(const Function& function) const {
    return obtain_or_error<ComputePipelineState, "newComputePipelineStateWithFunction:error:">(
        function);
  }
  ComputePipelineState new_compute_pipeline_state(const Function& function, PipelineOption options,
                                                  Id* reflection) const {
    return obtain_or_error<ComputePipelineState,
                           "newComputePipelineStateWithFunction:options:reflection:error:">(
        function, options, reflection);
  }
  void new_compute_pipeline_state(
      const Function& function,
      const Block<void(ComputePipelineState, ns::Error)>& completion_handler) const {
    send<"newComputePipelineStateWithFunction:completionHandler:">(function, completion_handler);
  }
  ComputePipelineState new_compute_pipeline_state(const ComputePipelineDescriptor& descriptor,
                                                  PipelineOption options, Id* reflection) const {
    return obtain_or_error<ComputePipelineState,
                           "newComputePipelineStateWithDescriptor:options:reflection:error:">(
        descriptor, options, reflection);
  }
  Fence new_fence() const { return obtain<Fence, "newFence">(); }
  bool supports_family(GPUFamily supports_family) const {
    return send<"supportsFamily:">(supports_family);
  }
  Event new_event() const { return obtain<Event, "newEvent">(); }
  SharedEvent new_shared_event() const { return obtain<SharedEvent, "newSharedEvent">(); }
  ResidencySet new_residency_set(const ResidencySetDescriptor& descriptor) const {
    return obtain_or_error<ResidencySet, "newResidencySetWithDescriptor:error:">(descriptor);
  }
  ns::String name() const { return send<"name">(); }
  UInt registry_id() const { return send<"registryID">(); }
  Architecture architecture() const { return send<"architecture">(); }
  Size max_threads_per_threadgroup() const { return send<"maxThreadsPerThreadgroup">(); }
  bool has_unified_memory() const { return send<"hasUnifiedMemory">(); }
  UInt recommended_max_working_set_size() const { return send<"recommendedMaxWorkingSetSize">(); }
  ArgumentBuffersTier argument_buffers_support() const { return send<"argumentBuffersSupport">(); }
  UInt current_allocated_size() const { return send<"currentAllocatedSize">(); }
  UInt max_threadgroup_memory_length() const { return send<"maxThreadgroupMemoryLength">(); }
  UInt max_buffer_length() const { return send<"maxBufferLength">(); }
  bool should_maximize_concurrent_compilation() const {
    return send<"shouldMaximizeConcurrentCompilation">();
  }
  void set_should_maximize_concurrent_compilation(bool value) const {
    send<"setShouldMaximizeConcurrentCompilation:">(value);
  }
  UInt maximum_concurrent_compilation_task_count() const {
    return send<"maximumConcurrentCompilationTaskCount">();
  }
};

// Bytes as Grand Central Dispatch holds them: what a library in memory is made of.
inline DispatchData dispatch_data(const void* bytes, UInt length) {
  const auto create = objc::function<"dispatch_data_create", DispatchFunctions>();
  return DispatchData(Made{create(bytes, length, nullptr, nullptr)});  // it copies them
}

// Nil where there is none: no GPU, a headless or a sandboxed session.
inline Device system_default_device() {
  const auto create = objc::function<"MTLCreateSystemDefaultDevice", Functions>();
  const objc::Pool pool;
  return Device(Made{create()});
}

inline ns::Array all_devices() {
  const auto copy = objc::function<"MTLCopyAllDevices", Functions>();
  const objc::Pool pool;
  return ns::Array(Made{copy()});
}

inline Device Resource::device() const { return send<"device">(); }
inline Heap Resource::heap() const { return send<"heap">(); }
inline Device Heap::device() const { return send<"device">(); }
inline Device Event::device() const { return send<"device">(); }
inline Device Fence::device() const { return send<"device">(); }
inline Device ResidencySet::device() const { return send<"device">(); }
inline Device Function::device() const { return send<"device">(); }
inline Device Library::device() const { return send<"device">(); }
inline Device ComputePipelineState::device() const { return send<"device">(); }
inline Device CommandEncoder::device() const { return send<"device">(); }
inline Device CommandBuffer::device() const { return send<"device">(); }
inline CommandQueue CommandBuffer::command_queue() const { return send<"commandQueue">(); }
inline Device CommandQueue::device() const { return send<"device">(); }
}  // namespace apple::mtl
