// What compiled Objective-C and the assembly know of memory: the layouts of Apple's 64-bit ABI as
// clang -fobjc-runtime=macosx emits them. Facts: clang's CGObjCMac.cpp and Block-ABI-Apple.
#pragma once

#include <cstddef>
#include <cstdint>

struct objc_class;
struct objc_object {
  objc_class* isa;
};
using id = objc_object*;
using Class = objc_class*;
using IMP = void (*)();
// A selector is its name, interned; the four bytes before the name hold its number.
struct objc_selector;
using SEL = const objc_selector*;

namespace metal_sim {
struct ClassInfo;
struct ClassRo;
}  // namespace metal_sim

// Five words, as compiled images lay them out. The third and fourth, Apple's method cache, are ours
// to use: `table[selector number]` is the method, null where nobody asked yet.
struct objc_class : objc_object {
  objc_class* superclass;
  IMP* table;
  metal_sim::ClassInfo* info;
  const metal_sim::ClassRo* ro;
};

struct objc_super {
  id receiver;
  Class current_class;
};

namespace metal_sim {

constexpr uint32_t kMaxSelectors = 1u << 16;

// Entsize in the low bits of `size_and_flags`; entries follow.
template <typename Entry>
struct EntryList {
  uint32_t size_and_flags, count;
  const Entry& operator[](uint32_t i) const {
    const auto* first = reinterpret_cast<const char*>(this + 1);
    return *reinterpret_cast<const Entry*>(first + i * (size_and_flags & 0xfffcu));
  }
};

struct MethodEntry {
  const char* name;
  const char* types;
  IMP imp;
};

struct IvarEntry {
  int32_t* offset;
  const char* name;
  const char* type;
  uint32_t alignment_log2, size;
};

struct PropertyEntry {
  const char* name;
  const char* attributes;
};

struct ProtocolList;
struct Protocol : objc_object {
  const char* name;
  const ProtocolList* protocols;
  const EntryList<MethodEntry>*instance_methods, *class_methods;
  const EntryList<MethodEntry>*optional_instance_methods, *optional_class_methods;
  const EntryList<PropertyEntry>* properties;
  uint32_t size, flags;
};

struct ProtocolList {
  uint64_t count;
  Protocol* const* begin() const { return reinterpret_cast<Protocol* const*>(this + 1); }
};

enum ClassRoFlags : uint32_t { kRoMeta = 1, kRoRoot = 2, kRoHasCxx = 4, kRoArc = 128 };

struct ClassRo {
  uint32_t flags, instance_start, instance_size, reserved;
  const uint8_t* strong_layout;
  const char* name;
  const EntryList<MethodEntry>* methods;
  const ProtocolList* protocols;
  const EntryList<IvarEntry>* ivars;
  const uint8_t* weak_layout;
  const EntryList<PropertyEntry>* properties;
};

struct Category {
  const char* name;
  Class target;
  const EntryList<MethodEntry>*instance_methods, *class_methods;
  const ProtocolList* protocols;
  const EntryList<PropertyEntry>* properties;
};

// Blocks (Block-ABI-Apple in clang's docs); `kBlockCountMask` is ours inside a heap block.
enum BlockFlags : int32_t {
  kBlockCountMask = 0xfffe,
  kBlockNeedsFree = 1 << 24,
  kBlockHasCopyDispose = 1 << 25,
  kBlockIsGlobal = 1 << 28,
  kBlockHasSignature = 1 << 30,
};

struct BlockDescriptor {
  unsigned long reserved, size;
  void (*copy)(void* to, const void* from);  // these two only with kBlockHasCopyDispose
  void (*dispose)(const void* block);
};

struct Block {
  void* isa;
  int32_t flags, reserved;
  void (*invoke)();
  BlockDescriptor* descriptor;
};

}  // namespace metal_sim
