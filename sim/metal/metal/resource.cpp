#include "sim/metal/metal/resource.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "sim/metal/checks.h"

namespace metal_sim {
namespace {

constexpr size_t kSmall = 65536;  // below, the allocator's memory; above, the kernel's pages
constexpr size_t kHeapAlignment = 256;

size_t up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

}  // namespace

std::byte* new_pages(size_t bytes) {
  if (bytes < kSmall) {
    void* memory = std::aligned_alloc(256, up(bytes, 256));
    if (memory) std::memset(memory, 0, up(bytes, 256));
    return static_cast<std::byte*>(memory);
  }
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

void free_pages(std::byte* memory, size_t bytes) {
  if (!memory) return;
  if (bytes < kSmall) {
    std::free(memory);
  } else {
    munmap(memory, bytes);
  }
}

StorageMode Resource::storage_mode() const { return storage_of(options); }
unsigned long Resource::cpu_cache_mode() const { return options & 15; }
unsigned long Resource::hazard_tracking_mode() const {
  const unsigned long mode = options >> kHazardShift & 3;
  return mode ? mode : 2;  // a device's resources are tracked by default
}
unsigned long Resource::set_purgeable(unsigned long state) {
  return state == 1 ? purgeable : std::exchange(purgeable, state);
}

Buffer::~Buffer() {
  if (owner == none) return;
  counters.buffers_alive.fetch_sub(1, std::memory_order_relaxed);
  if (owner == of_heap && !aliasable) heap->give_back(heap_offset, size);
  if (owner == ours) {
    give_memory(size);
    free_pages(memory, size);
  }
  if (deallocator) {
    reinterpret_cast<void (*)(const Block*, void*, unsigned long)>(deallocator->invoke)(
        deallocator, memory, size);
    _Block_release(deallocator);
  }
}

void* Buffer::contents() {
  if (storage_mode() == StorageMode::private_mode) return nullptr;
  if (writer && writer->stage == WorkState::committed) {
    finding(Finding::read_before_wait,
            "contents of buffer '" + std::string(text(label.get())) + "' (" + std::to_string(size) +
                " bytes) asked for before the command buffer that writes it was waited for");
  }
  return memory;
}
unsigned long Buffer::length() const { return size; }
unsigned long Buffer::gpu_address() const { return reinterpret_cast<unsigned long>(memory); }
void Buffer::did_modify(Range range) {
  if (range.location > size || range.length > size - range.location) {
    failed_assertion("-[MTLDebugBuffer didModifyRange:]", "range exceeds the buffer's length");
  }
}
void Buffer::add_marker(String*, Range) {}
void Buffer::remove_markers() {}
void Buffer::make_aliasable() {
  if (owner == of_heap && !aliasable) heap->give_back(heap_offset, size);
  aliasable = true;
}

unsigned long HeapDescriptor::resource_options() const {
  return cpu_cache_mode | storage_mode << kStorageShift | hazard_mode << kHazardShift;
}
void HeapDescriptor::set_resource_options(unsigned long options) {
  cpu_cache_mode = options & 15;
  storage_mode = options >> kStorageShift & 15;
  hazard_mode = options >> kHazardShift & 3;
}
id HeapDescriptor::copy_with_zone(void*) {
  auto* copy = make<HeapDescriptor>();
  copy->size = size;
  copy->set_resource_options(resource_options());
  copy->type = type;
  copy->page_size = page_size;
  return copy;
}

Heap::~Heap() {
  if (memory) give_memory(size);
  free_pages(memory, size);
}
unsigned long Heap::max_available(unsigned long alignment) {
  const std::lock_guard lock(mutex);
  const size_t unit = std::max<size_t>(alignment, kHeapAlignment);
  size_t best = 0, at = 0;
  for (const auto& [offset, length] : used) {
    if (up(at, unit) < offset) best = std::max(best, offset - up(at, unit));
    at = std::max(at, offset + length);
  }
  if (up(at, unit) < size) best = std::max(best, size - up(at, unit));
  return best;
}
unsigned long Heap::used_size() {
  const std::lock_guard lock(mutex);
  size_t n = 0;
  for (const auto& [offset, length] : used) n += up(length, kHeapAlignment);
  return n;
}

Buffer* Heap::new_buffer(unsigned long length, unsigned long wanted) {
  if (type != 0 || length == 0 || storage_of(wanted) != storage_of(options) ||
      (wanted & 15) != (options & 15)) {
    return nullptr;
  }
  size_t at = 0;
  {
    const std::lock_guard lock(mutex);
    for (const auto& [offset, n] : used) {
      if (up(at, kHeapAlignment) + length <= offset) break;
      at = std::max(at, offset + n);
    }
    at = up(at, kHeapAlignment);
    if (at > size || length > size - at) return nullptr;
    used.emplace(at, length);
  }
  Buffer* buffer = new_buffer_at(length, wanted, at);
  buffer->owner = Buffer::of_heap;
  return buffer;
}

Buffer* Heap::new_buffer_at(unsigned long length, unsigned long wanted, unsigned long offset) {
  if (offset > size || length > size - offset) return nullptr;
  auto* buffer = make<Buffer>();
  buffer->device = device;
  buffer->heap = Ref<Heap>(this);
  buffer->heap_offset = offset;
  buffer->memory = memory + offset;
  buffer->size = length;
  buffer->options = wanted;
  buffer->owner = Buffer::callers;
  count(counters.buffers);
  counters.buffers_alive.fetch_add(1, std::memory_order_relaxed);
  return buffer;
}

StorageMode Heap::storage_mode() const { return storage_of(options); }
unsigned long Heap::cpu_cache_mode() const { return options & 15; }
unsigned long Heap::hazard_tracking_mode() const {
  const unsigned long mode = options >> kHazardShift & 3;
  return mode ? mode : 1;  // a heap's resources are untracked by default
}
unsigned long Heap::set_purgeable(unsigned long) { return 2; }
void Heap::give_back(size_t offset, size_t length) {
  const std::lock_guard lock(mutex);
  used.erase({offset, length});
}

void ResidencySet::request() {}
void ResidencySet::end() {}
void ResidencySet::add(Object* allocation) {
  if (!allocation || contains(allocation)) return;
  pending.emplace_back(allocation);
}
void ResidencySet::add_all(Object* const* allocations, unsigned long n) {
  for (unsigned long i = 0; i < n; ++i) add(allocations[i]);
}
void ResidencySet::remove(Object* allocation) {
  std::erase_if(pending, [&](const Ref<Object>& o) { return o.get() == allocation; });
}
void ResidencySet::remove_some(Object* const* allocations, unsigned long n) {
  for (unsigned long i = 0; i < n; ++i) remove(allocations[i]);
}
void ResidencySet::remove_all() { pending.clear(); }
bool ResidencySet::contains(Object* allocation) const {
  return std::any_of(pending.begin(), pending.end(),
                     [&](const Ref<Object>& o) { return o.get() == allocation; });
}
void ResidencySet::commit() { members = pending; }
unsigned long ResidencySet::allocated() const {
  static const SEL name = selector("allocatedSize");
  unsigned long n = 0;
  for (const Ref<Object>& o : members) n += send<unsigned long>(o.get(), name);
  return n;
}
Array* ResidencySet::all() const { return array(pending); }
unsigned long ResidencySet::count() const { return pending.size(); }

}  // namespace metal_sim
