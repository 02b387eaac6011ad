// The names under which Objective-C sees Metal's devices, resources, queues and encoders.
#include "sim/metal/metal/encoder.h"
#include "sim/metal/metal/library.h"

namespace metal_sim {

void register_libraries();

namespace {

void register_device() {
  Cls<Architecture>(Object::kClass).method<&Architecture::name>("name");
  Cls<Device> d(Object::kClass);
  d.conforms("MTLDevice")
      .method<&Device::name>("name")
      .method<&Device::registry_id>("registryID")
      .method<&Device::architecture>("architecture")
      .method<&Device::max_threads>("maxThreadsPerThreadgroup")
      .method<&Device::unified>("hasUnifiedMemory")
      .method<&Device::recommended_working_set>("recommendedMaxWorkingSetSize")
      .method<&Device::argument_buffers>("argumentBuffersSupport")
      .method<&Device::allocated>("currentAllocatedSize")
      .method<&Device::max_threadgroup_memory>("maxThreadgroupMemoryLength")
      .method<&Device::max_buffer>("maxBufferLength")
      .method<&Device::max_compilations>("maximumConcurrentCompilationTaskCount")
      .method<&Device::supports_family>("supportsFamily:")
      .method<&Device::never>("isLowPower")
      .method<&Device::always>("isHeadless")
      .method<&Device::never>("isRemovable")
      .method<&Device::never>("shouldMaximizeConcurrentCompilation");
  d.method<&Device::new_queue>("newCommandQueue")
      .method<&Device::new_queue_bounded>("newCommandQueueWithMaxCommandBufferCount:")
      .method<&Device::new_queue_described>("newCommandQueueWithDescriptor:")
      .method<&Device::new_buffer>("newBufferWithLength:options:")
      .method<&Device::new_buffer_bytes>("newBufferWithBytes:length:options:")
      .method<&Device::new_buffer_no_copy>("newBufferWithBytesNoCopy:length:options:deallocator:")
      .method<&Device::heap_size_and_align>("heapBufferSizeAndAlignWithLength:options:")
      .method<&Device::new_heap>("newHeapWithDescriptor:")
      .method<&Device::new_event>("newEvent")
      .method<&Device::new_shared_event>("newSharedEvent")
      .method<&Device::new_fence>("newFence")
      .method<&Device::new_residency_set>("newResidencySetWithDescriptor:error:");
  d.method<&Device::new_default_library>("newDefaultLibrary")
      .method<&Device::new_library_file>("newLibraryWithFile:error:")
      .method<&Device::new_library_url>("newLibraryWithURL:error:")
      .method<&Device::new_library_data>("newLibraryWithData:error:")
      .method<&Device::new_library_source>("newLibraryWithSource:options:error:")
      .method<&Device::new_library_source_async>("newLibraryWithSource:options:completionHandler:")
      .method<&Device::new_pipeline>("newComputePipelineStateWithFunction:error:")
      .method<&Device::new_pipeline_reflected>(
          "newComputePipelineStateWithFunction:options:reflection:error:")
      .method<&Device::new_pipeline_described>(
          "newComputePipelineStateWithDescriptor:options:reflection:error:")
      .method<&Device::new_pipeline_async>(
          "newComputePipelineStateWithFunction:completionHandler:");
}

void register_resources() {
  Cls<Resource>(Object::kClass)
      .read_only<&Resource::device>("device")
      .property<&Resource::label>("label")
      .read_only<&Resource::options>("resourceOptions")
      .method<&Resource::storage_mode>("storageMode")
      .method<&Resource::cpu_cache_mode>("cpuCacheMode")
      .method<&Resource::hazard_tracking_mode>("hazardTrackingMode")
      .method<&Resource::set_purgeable>("setPurgeableState:");
  Cls<Buffer>(Resource::kClass)
      .conforms("MTLBuffer")
      .conforms("MTLResource")
      .method<&Buffer::contents>("contents")
      .method<&Buffer::length>("length")
      .method<&Buffer::length>("allocatedSize")
      .method<&Buffer::gpu_address>("gpuAddress")
      .method<&Buffer::did_modify>("didModifyRange:")
      .method<&Buffer::add_marker>("addDebugMarker:range:")
      .method<&Buffer::remove_markers>("removeAllDebugMarkers")
      .method<&Buffer::make_aliasable>("makeAliasable")
      .read_only<&Buffer::aliasable>("isAliasable")
      .read_only<&Buffer::heap>("heap")
      .read_only<&Buffer::heap_offset>("heapOffset");
  Cls<HeapDescriptor>(Object::kClass)
      .property<&HeapDescriptor::size>("size")
      .property<&HeapDescriptor::storage_mode>("storageMode")
      .property<&HeapDescriptor::cpu_cache_mode>("cpuCacheMode")
      .property<&HeapDescriptor::hazard_mode>("hazardTrackingMode")
      .property<&HeapDescriptor::type>("type")
      .property<&HeapDescriptor::page_size>("sparsePageSize")
      .method<&HeapDescriptor::resource_options>("resourceOptions")
      .method<&HeapDescriptor::set_resource_options>("setResourceOptions:")
      .method<&HeapDescriptor::copy_with_zone>("copyWithZone:");
  Cls<Heap>(Object::kClass)
      .conforms("MTLHeap")
      .read_only<&Heap::device>("device")
      .property<&Heap::label>("label")
      .read_only<&Heap::size>("size")
      .read_only<&Heap::size>("currentAllocatedSize")
      .read_only<&Heap::size>("allocatedSize")
      .read_only<&Heap::options>("resourceOptions")
      .read_only<&Heap::type>("type")
      .method<&Heap::used_size>("usedSize")
      .method<&Heap::max_available>("maxAvailableSizeWithAlignment:")
      .method<&Heap::new_buffer>("newBufferWithLength:options:")
      .method<&Heap::new_buffer_at>("newBufferWithLength:options:offset:")
      .method<&Heap::storage_mode>("storageMode")
      .method<&Heap::cpu_cache_mode>("cpuCacheMode")
      .method<&Heap::hazard_tracking_mode>("hazardTrackingMode")
      .method<&Heap::set_purgeable>("setPurgeableState:");
  Cls<ResidencySetDescriptor>(Object::kClass)
      .property<&ResidencySetDescriptor::label>("label")
      .property<&ResidencySetDescriptor::capacity>("initialCapacity");
  Cls<ResidencySet>(Object::kClass)
      .conforms("MTLResidencySet")
      .read_only<&ResidencySet::device>("device")
      .read_only<&ResidencySet::label>("label")
      .method<&ResidencySet::request>("requestResidency")
      .method<&ResidencySet::end>("endResidency")
      .method<&ResidencySet::add>("addAllocation:")
      .method<&ResidencySet::add_all>("addAllocations:count:")
      .method<&ResidencySet::remove>("removeAllocation:")
      .method<&ResidencySet::remove_some>("removeAllocations:count:")
      .method<&ResidencySet::remove_all>("removeAllAllocations")
      .method<&ResidencySet::contains>("containsAllocation:")
      .method<&ResidencySet::commit>("commit")
      .method<&ResidencySet::allocated>("allocatedSize")
      .method<&ResidencySet::all>("allAllocations")
      .method<&ResidencySet::count>("allocationCount");
}

void register_events() {
  Cls<Fence>(Object::kClass)
      .conforms("MTLFence")
      .read_only<&Fence::device>("device")
      .property<&Fence::label>("label");
  Cls<Event>(Object::kClass)
      .conforms("MTLEvent")
      .read_only<&Event::device>("device")
      .property<&Event::label>("label");
  Cls<Listener>(Object::kClass)
      .method<&Listener::init_queue>("initWithDispatchQueue:")
      .read_only<&Listener::queue>("dispatchQueue");
  Cls<SharedEvent>(Event::kClass)
      .conforms("MTLSharedEvent")
      .method<&SharedEvent::signaled>("signaledValue")
      .method<&SharedEvent::set_signaled>("setSignaledValue:")
      .method<&SharedEvent::notify>("notifyListener:atValue:block:")
      .method<&SharedEvent::wait>("waitUntilSignaledValue:timeoutMS:");
}

void register_queues() {
  Cls<QueueDescriptor>(Object::kClass)
      .property<&QueueDescriptor::max_buffers>("maxCommandBufferCount")
      .property<&QueueDescriptor::log_state>("logState");
  Cls<Queue>(Object::kClass)
      .conforms("MTLCommandQueue")
      .read_only<&Queue::device>("device")
      .property<&Queue::label>("label")
      .method<&Queue::command_buffer>("commandBuffer")
      .method<&Queue::command_buffer_unretained>("commandBufferWithUnretainedReferences")
      .method<&Queue::command_buffer_described>("commandBufferWithDescriptor:")
      .method<&Queue::add_residency>("addResidencySet:")
      .method<&Queue::add_residencies>("addResidencySets:count:")
      .method<&Queue::remove_residency>("removeResidencySet:")
      .method<&Queue::remove_residencies>("removeResidencySets:count:");
  Cls<BufferDescriptor>(Object::kClass)
      .property<&BufferDescriptor::retained>("retainedReferences")
      .property<&BufferDescriptor::error_options>("errorOptions")
      .property<&BufferDescriptor::log_state>("logState");
  Cls<EncoderInfo>(Object::kClass)
      .read_only<&EncoderInfo::label>("label")
      .read_only<&EncoderInfo::state>("errorState")
      .method<&EncoderInfo::signposts>("debugSignposts");
  Cls<CommandBuffer> b(Object::kClass);
  b.conforms("MTLCommandBuffer")
      .method<&CommandBuffer::enqueue>("enqueue")
      .method<&CommandBuffer::commit>("commit")
      .method<&CommandBuffer::add_scheduled>("addScheduledHandler:")
      .method<&CommandBuffer::add_completed>("addCompletedHandler:")
      .method<&CommandBuffer::wait_scheduled>("waitUntilScheduled")
      .method<&CommandBuffer::wait_completed>("waitUntilCompleted")
      .method<&CommandBuffer::compute_encoder>("computeCommandEncoder")
      .method<&CommandBuffer::compute_encoder_typed>("computeCommandEncoderWithDispatchType:")
      .method<&CommandBuffer::compute_encoder_described>("computeCommandEncoderWithDescriptor:")
      .method<&CommandBuffer::blit_encoder>("blitCommandEncoder")
      .method<&CommandBuffer::blit_encoder_described>("blitCommandEncoderWithDescriptor:")
      .method<&CommandBuffer::encode_wait>("encodeWaitForEvent:value:")
      .method<&CommandBuffer::encode_signal>("encodeSignalEvent:value:")
      .method<&CommandBuffer::use_residency>("useResidencySet:")
      .method<&CommandBuffer::use_residencies>("useResidencySets:count:")
      .method<&CommandBuffer::push_debug>("pushDebugGroup:")
      .method<&CommandBuffer::pop_debug>("popDebugGroup");
  b.method<&CommandBuffer::device>("device")
      .read_only<&CommandBuffer::queue>("commandQueue")
      .read_only<&CommandBuffer::retained>("retainedReferences")
      .read_only<&CommandBuffer::error_options>("errorOptions")
      .property<&CommandBuffer::label>("label")
      .read_only<&CommandBuffer::gpu_start>("GPUStartTime")
      .read_only<&CommandBuffer::gpu_end>("GPUEndTime")
      .read_only<&CommandBuffer::kernel_start>("kernelStartTime")
      .read_only<&CommandBuffer::kernel_end>("kernelEndTime")
      .method<&CommandBuffer::status>("status")
      .method<&CommandBuffer::error>("error")
      .method<&CommandBuffer::logs>("logs");
}

template <typename T>
id new_descriptor(Class cls) {
  return autorelease(Object::make_new(cls));
}

void register_encoders() {
  Cls<PassDescriptor>(Object::kClass)
      .class_method<&new_descriptor<PassDescriptor>>("computePassDescriptor")
      .property<&PassDescriptor::type>("dispatchType");
  Cls<BlitPassDescriptor>(Object::kClass)
      .class_method<&new_descriptor<BlitPassDescriptor>>("blitPassDescriptor");
  Cls<Encoder>(Object::kClass)
      .method<&Encoder::end_encoding>("endEncoding")
      .method<&Encoder::dealloc_encoder>("dealloc")
      .method<&Encoder::device>("device")
      .property<&Encoder::label>("label")
      .method<&Encoder::push_debug>("pushDebugGroup:")
      .method<&Encoder::pop_debug>("popDebugGroup")
      .method<&Encoder::signpost>("insertDebugSignpost:")
      .method<&Encoder::update_fence>("updateFence:")
      .method<&Encoder::wait_fence>("waitForFence:");
  Cls<ComputeEncoder>(Encoder::kClass)
      .conforms("MTLComputeCommandEncoder")
      .method<&ComputeEncoder::set_pipeline>("setComputePipelineState:")
      .method<&ComputeEncoder::set_bytes>("setBytes:length:atIndex:")
      .method<&ComputeEncoder::set_buffer>("setBuffer:offset:atIndex:")
      .method<&ComputeEncoder::set_offset>("setBufferOffset:atIndex:")
      .method<&ComputeEncoder::set_buffers>("setBuffers:offsets:withRange:")
      .method<&ComputeEncoder::set_threadgroup_memory>("setThreadgroupMemoryLength:atIndex:")
      .method<&ComputeEncoder::dispatch_threadgroups>("dispatchThreadgroups:threadsPerThreadgroup:")
      .method<&ComputeEncoder::dispatch_indirect>(
          "dispatchThreadgroupsWithIndirectBuffer:indirectBufferOffset:threadsPerThreadgroup:")
      .method<&ComputeEncoder::dispatch_threads>("dispatchThreads:threadsPerThreadgroup:")
      .method<&ComputeEncoder::use_resource>("useResource:usage:")
      .method<&ComputeEncoder::use_resources>("useResources:count:usage:")
      .method<&ComputeEncoder::use_heap>("useHeap:")
      .method<&ComputeEncoder::use_heaps>("useHeaps:count:")
      .method<&ComputeEncoder::barrier_scope>("memoryBarrierWithScope:")
      .method<&ComputeEncoder::barrier_resources>("memoryBarrierWithResources:count:")
      .read_only<&ComputeEncoder::type>("dispatchType");
  Cls<BlitEncoder>(Encoder::kClass)
      .conforms("MTLBlitCommandEncoder")
      .method<&BlitEncoder::synchronize>("synchronizeResource:")
      .method<&BlitEncoder::fill>("fillBuffer:range:value:")
      .method<&BlitEncoder::copy_buffer>(
          "copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:")
      .method<&BlitEncoder::optimize>("optimizeContentsForGPUAccess:")
      .method<&BlitEncoder::optimize>("optimizeContentsForCPUAccess:");
}

}  // namespace

void register_metal() {
  register_device();
  register_resources();
  register_events();
  register_queues();
  register_encoders();
  register_libraries();
  read_mode();
}

}  // namespace metal_sim
