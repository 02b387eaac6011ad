// Buffers, heaps and residency sets. GPU memory is host memory; a private buffer only hides it.
#pragma once

#include <memory>
#include <set>

#include "sim/metal/executor.h"
#include "sim/metal/metal/device.h"

namespace metal_sim {

// How far a command buffer got, as its resources need to know it while checks are on.
struct WorkState {
  enum Stage { encoding, committed, observed };
  std::atomic<Stage> stage = encoding;
};

struct Resource : Object {
  SIM_CLASS(Resource, _MTLSimResource)
  Ref<Device> device;
  Ref<String> label;
  unsigned long options = 0;
  unsigned long purgeable = 2;  // NonVolatile
  StorageMode storage_mode() const;
  unsigned long cpu_cache_mode() const;
  unsigned long hazard_tracking_mode() const;
  unsigned long set_purgeable(unsigned long state);
};

struct Buffer : Resource {
  SIM_CLASS(Buffer, MTLSimBuffer)
  std::byte* memory = nullptr;
  size_t size = 0;
  size_t heap_offset = 0;
  Ref<Heap> heap;
  const Block* deallocator = nullptr;
  enum Owner : uint8_t { none, ours, callers, of_heap } owner = none;
  bool aliasable = false;
  std::shared_ptr<WorkState> writer;  // with checks on: who wrote it last

  ~Buffer();
  void* contents();
  unsigned long length() const;
  unsigned long gpu_address() const;
  void did_modify(Range range);
  void add_marker(String* marker, Range range);
  void remove_markers();
  void make_aliasable();
  MemoryRange range(size_t offset) const { return {memory + offset, size - offset, false}; }
};

struct HeapDescriptor : Object {
  SIM_CLASS(HeapDescriptor, MTLHeapDescriptor)
  unsigned long size = 0, storage_mode = 2, cpu_cache_mode = 0, hazard_mode = 0, type = 0;
  unsigned long page_size = 0;
  unsigned long resource_options() const;
  void set_resource_options(unsigned long options);
  id copy_with_zone(void* zone);
};

struct Heap : Object {
  SIM_CLASS(Heap, MTLSimHeap)
  Ref<Device> device;
  Ref<String> label;
  std::byte* memory = nullptr;
  size_t size = 0;
  unsigned long options = 0, type = 0;
  std::set<std::pair<size_t, size_t>> used;  // (offset, length), of automatic heaps
  std::mutex mutex;

  ~Heap();
  Buffer* new_buffer(unsigned long length, unsigned long options);
  Buffer* new_buffer_at(unsigned long length, unsigned long options, unsigned long offset);
  unsigned long max_available(unsigned long alignment);
  unsigned long used_size();
  StorageMode storage_mode() const;
  unsigned long cpu_cache_mode() const;
  unsigned long hazard_tracking_mode() const;
  unsigned long set_purgeable(unsigned long state);
  void give_back(size_t offset, size_t length);
};

struct ResidencySetDescriptor : Object {
  SIM_CLASS(ResidencySetDescriptor, MTLResidencySetDescriptor)
  Ref<String> label;
  unsigned long capacity = 0;
};

struct ResidencySet : Object {
  SIM_CLASS(ResidencySet, MTLSimResidencySet)
  Ref<Device> device;
  Ref<String> label;
  std::vector<Ref<Object>> pending, members;  // members: as of the last commit

  void request();
  void end();
  void add(Object* allocation);
  void add_all(Object* const* allocations, unsigned long n);
  void remove(Object* allocation);
  void remove_some(Object* const* allocations, unsigned long n);
  void remove_all();
  bool contains(Object* allocation) const;
  void commit();
  unsigned long allocated() const;
  Array* all() const;
  unsigned long count() const;
};

std::byte* new_pages(size_t bytes);  // zeroed, page aligned; null when there are none
void free_pages(std::byte* memory, size_t bytes);

}  // namespace metal_sim
