// Buffers, heaps, events, fences and residency sets.
#pragma once

#include <mps/metal_methods.h>

namespace apple::mtl {

class Architecture : public objc::Of<Catalogue, ArchitectureMethods> {
 public:
  using Of::Of;
  Architecture() = default;
  ns::String name() const { return send<"name">(); }
};

class Allocation : public objc::Of<Catalogue, AllocationMethods> {
 public:
  using Of::Of;
  Allocation() = default;
  UInt allocated_size() const { return send<"allocatedSize">(); }
};

class Resource : public objc::Of<Catalogue, ResourceMethods, Allocation> {
 public:
  using Of::Of;
  Resource() = default;
  PurgeableState set_purgeable_state(PurgeableState purgeable_state) const {
    return send<"setPurgeableState:">(purgeable_state);
  }
  void make_aliasable() const { send<"makeAliasable">(); }
  bool is_aliasable() const { return send<"isAliasable">(); }
  ns::String label() const { return send<"label">(); }
  void set_label(const ns::String& value) const { send<"setLabel:">(value); }
  Device device() const;
  CPUCacheMode cpu_cache_mode() const { return send<"cpuCacheMode">(); }
  StorageMode storage_mode() const { return send<"storageMode">(); }
  HazardTrackingMode hazard_tracking_mode() const { return send<"hazardTrackingMode">(); }
  ResourceOptions resource_options() const { return send<"resourceOptions">(); }
  Heap heap() const;
  UInt heap_offset() const { return send<"heapOffset">(); }
};

class Buffer : public objc::Of<Catalogue, BufferMethods, Resource> {
 public:
  using Of::Of;
  Buffer() = default;
  // Null for storage that is private to the GPU.
  void* contents() const { return send<"contents">(); }
  void did_modify_range(ns::Range did_modify_range) const {
    send<"didModifyRange:">(did_modify_range);
  }
  void add_debug_marker(const ns::String& debug_marker, ns::Range range) const {
    send<"addDebugMarker:range:">(debug_marker, range);
  }
  void remove_all_debug_markers() const { send<"removeAllDebugMarkers">(); }
  UInt length() const { return send<"length">(); }
  UInt gpu_address() const { return send<"gpuAddress">(); }
};

class HeapDescriptor : public objc::Of<Catalogue, HeapDescriptorMethods> {
 public:
  using Of::Of;
  HeapDescriptor() = default;
  static HeapDescriptor make() { return HeapDescriptor(init<"init">()); }
  UInt size() const { return send<"size">(); }
  void set_size(UInt value) const { send<"setSize:">(value); }
  StorageMode storage_mode() const { return send<"storageMode">(); }
  void set_storage_mode(StorageMode value) const { send<"setStorageMode:">(value); }
  CPUCacheMode cpu_cache_mode() const { return send<"cpuCacheMode">(); }
  void set_cpu_cache_mode(CPUCacheMode value) const { send<"setCpuCacheMode:">(value); }
  HazardTrackingMode hazard_tracking_mode() const { return send<"hazardTrackingMode">(); }
  void set_hazard_tracking_mode(HazardTrackingMode value) const {
    send<"setHazardTrackingMode:">(value);
  }
  ResourceOptions resource_options() const { return send<"resourceOptions">(); }
  void set_resource_options(ResourceOptions value) const { send<"setResourceOptions:">(value); }
  HeapType type() const { return send<"type">(); }
  void set_type(HeapType value) const { send<"setType:">(value); }
};

class Heap : public objc::Of<Catalogue, HeapMethods, Allocation> {
 public:
  using Of::Of;
  Heap() = default;
  UInt max_available_size(UInt alignment) const {
    return send<"maxAvailableSizeWithAlignment:">(alignment);
  }
  Buffer new_buffer(UInt length, ResourceOptions options) const {
    return obtain<Buffer, "newBufferWithLength:options:">(length, options);
  }
  PurgeableState set_purgeable_state(PurgeableState purgeable_state) const {
    return send<"setPurgeableState:">(purgeable_state);
  }
  Buffer new_buffer(UInt length, ResourceOptions options, UInt offset) const {
    return obtain<Buffer, "newBufferWithLength:options:offset:">(length, options, offset);
  }
  ns::String label() const { return send<"label">(); }
  void set_label(const ns::String& value) const { send<"setLabel:">(value); }
  Device device() const;
  StorageMode storage_mode() const { return send<"storageMode">(); }
  CPUCacheMode cpu_cache_mode() const { return send<"cpuCacheMode">(); }
  HazardTrackingMode hazard_tracking_mode() const { return send<"hazardTrackingMode">(); }
  ResourceOptions resource_options() const { return send<"resourceOptions">(); }
  UInt size() const { return send<"size">(); }
  UInt used_size() const { return send<"usedSize">(); }
  UInt current_allocated_size() const { return send<"currentAllocatedSize">(); }
  HeapType type() const { return send<"type">(); }
};

class Event : public objc::Of<Catalogue, EventMethods> {
 public:
  using Of::Of;
  Event() = default;
  Device device() const;
  ns::String label() const { return send<"label">(); }
  void set_label(const ns::String& value) const { send<"setLabel:">(value); }
};

class SharedEventListener : public objc::Of<Catalogue, SharedEventListenerMethods> {
 public:
  using Of::Of;
  SharedEventListener() = default;
  static SharedEventListener make() { return SharedEventListener(init<"init">()); }
  static SharedEventListener shared_listener() { return send_class<"sharedListener">(); }
};

class SharedEvent : public objc::Of<Catalogue, SharedEventMethods, Event> {
 public:
  using Of::Of;
  SharedEvent() = default;
  void notify_listener(const SharedEventListener& notify_listener, UInt value,
                       const Block<void(SharedEvent, UInt)>& block) const {
    send<"notifyListener:atValue:block:">(notify_listener, value, block);
  }
  bool wait_until_signaled_value(UInt wait_until_signaled_value, UInt timeout_ms) const {
    return send<"waitUntilSignaledValue:timeoutMS:">(wait_until_signaled_value, timeout_ms);
  }
  UInt signaled_value() const { return send<"signaledValue">(); }
  void set_signaled_value(UInt value) const { send<"setSignaledValue:">(value); }
};

class Fence : public objc::Of<Catalogue, FenceMethods> {
 public:
  using Of::Of;
  Fence() = default;
  Device device() const;
  ns::String label() const { return send<"label">(); }
  void set_label(const ns::String& value) const { send<"setLabel:">(value); }
};

class ResidencySetDescriptor : public objc::Of<Catalogue, ResidencySetDescriptorMethods> {
 public:
  using Of::Of;
  ResidencySetDescriptor() = default;
  static ResidencySetDescriptor make() { return ResidencySetDescriptor(init<"init">()); }
  ns::String label() const { return send<"label">(); }
  void set_label(const ns::String& value) const { send<"setLabel:">(value); }
  UInt initial_capacity() const { return send<"initialCapacity">(); }
  void set_initial_capacity(UInt value) const { send<"setInitialCapacity:">(value); }
};

class ResidencySet : public objc::Of<Catalogue, ResidencySetMethods> {
 public:
  using Of::Of;
  ResidencySet() = default;
  void request_residency() const { send<"requestResidency">(); }
  void end_residency() const { send<"endResidency">(); }
  void add_allocation(const Allocation& allocation) const { send<"addAllocation:">(allocation); }
  void add_allocations(const Id* allocations, UInt count) const {
    send<"addAllocations:count:">(allocations, count);
  }
  void remove_allocation(const Allocation& allocation) const {
    send<"removeAllocation:">(allocation);
  }
  void remove_allocations(const Id* allocations, UInt count) const {
    send<"removeAllocations:count:">(allocations, count);
  }
  void remove_all_allocations() const { send<"removeAllAllocations">(); }
  bool contains_allocation(const Allocation& contains_allocation) const {
    return send<"containsAllocation:">(contains_allocation);
  }
  void commit() const { send<"commit">(); }
  Device device() const;
  ns::String label() const { return send<"label">(); }
  UInt allocated_size() const { return send<"allocatedSize">(); }
  ns::Array all_allocations() const { return send<"allAllocations">(); }
  UInt allocation_count() const { return send<"allocationCount">(); }
};

}  // namespace apple::mtl
