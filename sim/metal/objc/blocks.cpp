// Blocks: copied to the heap at the first copy, counted there, their captured objects kept by
// helpers that the compiler writes and that call back into this file. The layouts are
// Block-ABI-Apple's.
//
// The low bits of a heap block's flags count its references in steps of two; bit 0 says that it is
// being destroyed.
#include <cstdlib>
#include <cstring>

#include "sim/metal/objc/bind.h"

namespace metal_sim {
namespace {

enum FieldFlags : int {
  kFieldIsObject = 3,
  kFieldIsBlock = 7,
  kFieldIsByref = 8,
  kFieldIsWeak = 16,
  kByrefCaller = 128,
};

// A __block variable: moved to the heap when the first block that uses it is copied.
struct Byref {
  void* isa;
  Byref* forwarding;
  int32_t flags, size;
};
struct ByrefHelpers {
  void (*keep)(Byref* to, Byref* from);
  void (*destroy)(Byref* byref);
};
ByrefHelpers* helpers_of(Byref* b) {
  return b->flags & kBlockHasCopyDispose ? reinterpret_cast<ByrefHelpers*>(b + 1) : nullptr;
}

void add_reference(int32_t& flags) {
  std::atomic_ref(flags).fetch_add(2, std::memory_order_relaxed);
}
bool drop_reference(int32_t& flags) {  // true: it was the last
  const int32_t before = std::atomic_ref(flags).fetch_sub(2, std::memory_order_acq_rel);
  return (before & kBlockCountMask) == 2;
}

Byref* copy_byref(Byref* b) {
  if (b->forwarding->flags & kBlockNeedsFree) {
    add_reference(b->forwarding->flags);
    return b->forwarding;
  }
  auto* heap = static_cast<Byref*>(std::malloc(static_cast<size_t>(b->size)));
  std::memcpy(heap, b, static_cast<size_t>(b->size));
  heap->isa = nullptr;
  heap->flags = (b->flags & ~kBlockCountMask) | kBlockNeedsFree | 4;  // ours and the stack's
  heap->forwarding = heap;
  b->forwarding = heap;
  if (ByrefHelpers* helpers = helpers_of(heap)) helpers->keep(heap, b);
  return heap;
}

void release_byref(Byref* b) {
  b = b->forwarding;
  if (!(b->flags & kBlockNeedsFree) || !drop_reference(b->flags)) return;
  if (ByrefHelpers* helpers = helpers_of(b)) helpers->destroy(b);
  std::free(b);
}

}  // namespace
}  // namespace metal_sim

using namespace metal_sim;

SIM_EXPORT void* _Block_copy(const void* pointer) {
  auto* block = static_cast<Block*>(const_cast<void*>(pointer));
  if (!block || block->flags & kBlockIsGlobal) return block;
  if (block->flags & kBlockNeedsFree) {
    add_reference(block->flags);
    return block;
  }
  auto* heap = static_cast<Block*>(std::malloc(block->descriptor->size));
  if (!heap) return nullptr;
  std::memcpy(heap, block, block->descriptor->size);
  heap->flags = (block->flags & ~kBlockCountMask) | kBlockNeedsFree | 2;
  heap->isa = _NSConcreteMallocBlock;
  if (heap->flags & kBlockHasCopyDispose) heap->descriptor->copy(heap, block);
  return heap;
}

SIM_EXPORT void _Block_release(const void* pointer) {
  auto* block = static_cast<Block*>(const_cast<void*>(pointer));
  if (!block || block->flags & kBlockIsGlobal || !(block->flags & kBlockNeedsFree)) return;
  if (!drop_reference(block->flags)) return;
  if (block->flags & kBlockHasCopyDispose) block->descriptor->dispose(block);
  std::free(block);
}

SIM_EXPORT void _Block_object_assign(void* to, const void* from, const int flags) {
  auto** place = static_cast<const void**>(to);
  switch (flags & (kFieldIsBlock | kFieldIsByref | kFieldIsWeak | kByrefCaller)) {
    case kFieldIsObject:
      *place = retain(static_cast<id>(const_cast<void*>(from)));
      break;
    case kFieldIsBlock:
      *place = _Block_copy(from);
      break;
    case kFieldIsByref:
    case kFieldIsByref | kFieldIsWeak:
      *place = copy_byref(static_cast<Byref*>(const_cast<void*>(from)));
      break;
    default:
      *place = from;  // inside a __block variable nothing is retained
  }
}

SIM_EXPORT void _Block_object_dispose(const void* pointer, const int flags) {
  switch (flags & (kFieldIsBlock | kFieldIsByref | kFieldIsWeak | kByrefCaller)) {
    case kFieldIsObject:
      release(static_cast<id>(const_cast<void*>(pointer)));
      break;
    case kFieldIsBlock:
      _Block_release(pointer);
      break;
    case kFieldIsByref:
    case kFieldIsByref | kFieldIsWeak:
      release_byref(static_cast<Byref*>(const_cast<void*>(pointer)));
      break;
    default:
      break;
  }
}

SIM_EXPORT const char* _Block_signature(const void* pointer) {
  const auto* block = static_cast<const Block*>(pointer);
  if (!(block->flags & kBlockHasSignature)) return nullptr;
  const auto* after = reinterpret_cast<const char* const*>(&block->descriptor->copy);
  return after[block->flags & kBlockHasCopyDispose ? 2 : 0];
}
