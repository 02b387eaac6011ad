// Queues, command buffers and the encoders that fill them.
#pragma once

#include <mps/metal_libraries.h>

namespace apple::mtl {

class ComputePassDescriptor : public objc::Of<Catalogue, ComputePassDescriptorMethods> {
 public:
  using Of::Of;
  ComputePassDescriptor() = default;
  static ComputePassDescriptor compute_pass_descriptor() {
    return send_class<"computePassDescriptor">();
  }
  DispatchType dispatch_type() const { return send<"dispatchType">(); }
  void set_dispatch_type(DispatchType value) const { send<"setDispatchType:">(value); }
};

class CommandEncoder : public objc::Of<Catalogue, CommandEncoderMethods> {
 public:
  using Of::Of;
  CommandEncoder() = default;
  void end_encoding() const { send<"endEncoding">(); }
  Device device() const;
  ns::String label() const { return send<"label">(); }
  void set_label(const ns::String& value) const { send<"setLabel:">(value); }
};

class ComputeCommandEncoder
    : public objc::Of<Catalogue, ComputeCommandEncoderMethods, CommandEncoder> {
 public:
  using Of::Of;
  ComputeCommandEncoder() = default;
  void set_compute_pipeline_state(const ComputePipelineState& value) const {
    send<"setComputePipelineState:">(value);
  }
  void set_bytes(const void* bytes, UInt length, UInt index) const {
    send<"setBytes:length:atIndex:">(bytes, length, index);
  }
  void set_buffer(const Buffer& buffer, UInt offset, UInt index) const {
    send<"setBuffer:offset:atIndex:">(buffer, offset, index);
  }
  void set_buffer_offset(UInt buffer_offset, UInt index) const {
    send<"setBufferOffset:atIndex:">(buffer_offset, index);
  }
  void set_buffers(const Id* buffers, const UInt* offsets, ns::Range range) const {
    send<"setBuffers:offsets:withRange:">(buffers, offsets, range);
  }
  void set_threadgroup_memory_length(UInt threadgroup_memory_length, UInt index) const {
    send<"setThreadgroupMemoryLength:atIndex:">(threadgroup_memory_length, index);
  }
  void dispatch_threadgroups(const Size& dispatch_threadgroups,
                             const Size& threads_per_threadgroup) const {
    send<"dispatchThreadgroups:threadsPerThreadgroup:">(dispatch_threadgroups,
                                                        threads_per_threadgroup);
  }
  void dispatch_threadgroups(const Buffer& indirect_buffer, UInt indirect_buffer_offset,
                             const Size& threads_per_threadgroup) const {
    send<"dispatchThreadgroupsWithIndirectBuffer:indirectBufferOffset:threadsPerThreadgroup:">(
        indirect_buffer, indirect_buffer_offset, threads_per_threadgroup);
  }
  void dispatch_threads(const Size& dispatch_threads, const Size& threads_per_threadgroup) const {
    send<"dispatchThreads:threadsPerThreadgroup:">(dispatch_threads, threads_per_threadgroup);
  }
  void update_fence(const Fence& fence) const { send<"updateFence:">(fence); }
  void wait(const Fence& fence) const { send<"waitForFence:">(fence); }
  void use_resource(const Resource& resource, ResourceUsage usage) const {
    send<"useResource:usage:">(resource, usage);
  }
  void use_resources(const Id* resources, UInt count, ResourceUsage usage) const {
    send<"useResources:count:usage:">(resources, count, usage);
  }
  void use_heap(const Heap& heap) const { send<"useHeap:">(heap); }
  void use_heaps(const Id* heaps, UInt count) const { send<"useHeaps:count:">(heaps, count); }
  void memory_barrier(BarrierScope scope) const { send<"memoryBarrierWithScope:">(scope); }
  void memory_barrier(const Id* resources, UInt count) const {
    send<"memoryBarrierWithResources:count:">(resources, count);
  }
  DispatchType dispatch_type() const { return send<"dispatchType">(); }
};

class BlitCommandEncoder : public objc::Of<Catalogue, BlitCommandEncoderMethods, CommandEncoder> {
 public:
  using Of::Of;
  BlitCommandEncoder() = default;
  void synchronize_resource(const Resource& resource) const {
    send<"synchronizeResource:">(resource);
  }
  void fill(const Buffer& buffer, ns::Range range, std::uint8_t value) const {
    send<"fillBuffer:range:value:">(buffer, range, value);
  }
  void copy(const Buffer& from, UInt source_offset, const Buffer& to, UInt destination_offset,
            UInt size) const {
    send<"copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:">(from, source_offset, to,
                                                                         destination_offset, size);
  }
  void update_fence(const Fence& fence) const { send<"updateFence:">(fence); }
  void wait(const Fence& fence) const { send<"waitForFence:">(fence); }
};

class CommandBufferEncoderInfo : public objc::Of<Catalogue, CommandBufferEncoderInfoMethods> {
 public:
  using Of::Of;
  CommandBufferEncoderInfo() = default;
  ns::String label() const { return send<"label">(); }
  ns::Array debug_signposts() const { return send<"debugSignposts">(); }
  CommandEncoderErrorState error_state() const { return send<"errorState">(); }
};

class CommandBufferDescriptor : public objc::Of<Catalogue, CommandBufferDescriptorMethods> {
 public:
  using Of::Of;
  CommandBufferDescriptor() = default;
  static CommandBufferDescriptor make() { return CommandBufferDescriptor(init<"init">()); }
  bool retained_references() const { return send<"retainedReferences">(); }
  void set_retained_references(bool value) const { send<"setRetainedReferences:">(value); }
  CommandBufferErrorOption error_options() const { return send<"errorOptions">(); }
  void set_error_options(CommandBufferErrorOption value) const { send<"setErrorOptions:">(value); }
};

class CommandBuffer : public objc::Of<Catalogue, CommandBufferMethods> {
 public:
  using Of::Of;
  CommandBuffer() = default;
  void enqueue() const { send<"enqueue">(); }
  void commit() const { send<"commit">(); }
  void add_scheduled_handler(const Block<void(CommandBuffer)>& scheduled_handler) const {
    send<"addScheduledHandler:">(scheduled_handler);
  }
  void wait_until_scheduled() const { send<"waitUntilScheduled">(); }
  void add_completed_handler(const Block<void(CommandBuffer)>& completed_handler) const {
    send<"addCompletedHandler:">(completed_handler);
  }
  void wait_until_completed() const { send<"waitUntilCompleted">(); }
  BlitCommandEncoder blit_command_encoder() const { return send<"blitCommandEncoder">(); }
  ComputeCommandEncoder compute_command_encoder(const ComputePassDescriptor& descriptor) const {
    return send<"computeCommandEncoderWithDescriptor:">(descriptor);
  }
  ComputeCommandEncoder compute_command_encoder() const { return send<"computeCommandEncoder">(); }
  ComputeCommandEncoder compute_command_encoder(DispatchType dispatch_type) const {
    return send<"computeCommandEncoderWithDispatchType:">(dispatch_type);
  }
  void encode_wait(const Event& event, UInt value) const {
    send<"encodeWaitForEvent:value:">(event, value);
  }
  void encode_signal_event(const Event& encode_signal_event, UInt value) const {
    send<"encodeSignalEvent:value:">(encode_signal_event, value);
  }
  void use_residency_set(const ResidencySet& residency_set) const {
    send<"useResidencySet:">(residency_set);
  }
  void use_residency_sets(const Id* residency_sets, UInt count) const {
    send<"useResidencySets:count:">(residency_sets, count);
  }
  Device device() const;
  CommandQueue command_queue() const;
  bool retained_references() const { return send<"retainedReferences">(); }
  CommandBufferErrorOption error_options() const { return send<"errorOptions">(); }
  ns::String label() const { return send<"label">(); }
  void set_label(const ns::String& value) const { send<"setLabel:">(value); }
  double kernel_start_time() const { return send<"kernelStartTime">(); }
  double kernel_end_time() const { return send<"kernelEndTime">(); }
  double gpu_start_time() const { return send<"GPUStartTime">(); }
  double gpu_end_time() const { return send<"GPUEndTime">(); }
  CommandBufferStatus status() const { return send<"status">(); }
  ns::Error error() const { return send<"error">(); }

  // Throws what went wrong. An error is there only once the buffer has been waited for.
  void check() const {
    if (status() == CommandBufferStatus::error) throw ns::failure_of(error(), "command buffer");
  }
};

class CommandQueueDescriptor : public objc::Of<Catalogue, CommandQueueDescriptorMethods> {
 public:
  using Of::Of;
  CommandQueueDescriptor() = default;
  static CommandQueueDescriptor make() { return CommandQueueDescriptor(init<"init">()); }
  UInt max_command_buffer_count() const { return send<"maxCommandBufferCount">(); }
  void set_max_command_buffer_count(UInt value) const { send<"setMaxCommandBufferCount:">(value); }
};

class CommandQueue : public objc::Of<Catalogue, CommandQueueMethods> {
 public:
  using Of::Of;
  CommandQueue() = default;
  // Waits while as many buffers as the queue allows (64 unless it was made otherwise) are not
  // complete.
  CommandBuffer command_buffer() const { return send<"commandBuffer">(); }
  CommandBuffer command_buffer(const CommandBufferDescriptor& descriptor) const {
    return send<"commandBufferWithDescriptor:">(descriptor);
  }
  CommandBuffer command_buffer_with_unretained_references() const {
    return send<"commandBufferWithUnretainedReferences">();
  }
  void add_residency_set(const ResidencySet& residency_set) const {
    send<"addResidencySet:">(residency_set);
  }
  void add_residency_sets(const Id* residency_sets, UInt count) const {
    send<"addResidencySets:count:">(residency_sets, count);
  }
  void remove_residency_set(const ResidencySet& residency_set) const {
    send<"removeResidencySet:">(residency_set);
  }
  void remove_residency_sets(const Id* residency_sets, UInt count) const {
    send<"removeResidencySets:count:">(residency_sets, count);
  }
  ns::String label() const { return send<"label">(); }
  void set_label(const ns::String& value) const { send<"setLabel:">(value); }
  Device device() const;
};

}  // namespace apple::mtl
