// The runtime's C++ side: classes made of methods, objects with a count in front of them, pools.
//
// An object's reference count lies in sixteen bytes before it, so that instances are laid out
// exactly as compiled subclasses expect (isa first, nothing of ours behind it). What has no such
// header (classes, constant strings, blocks) is marked in its class and never counted here.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sim/metal/objc/abi.h"
#include "sim/metal/objc/c_api.h"

#define SIM_EXPORT extern "C" __attribute__((visibility("default")))

namespace metal_sim {

struct MethodRecord {
  SEL selector;
  std::string types;
  IMP imp;
};

enum class Counting : uint8_t { header, immortal, block, custom };

struct ClassInfo {
  std::string name;
  Class cls = nullptr;  // the class itself, for its metaclass too
  bool meta = false;
  Counting counting = Counting::header;
  std::atomic<bool> initialized = false;
  size_t instance_size = sizeof(objc_object);
  // Of the nearest class written in C++; null: none. They make and end its C++ members.
  void (*construct)(void* object) = nullptr;
  void (*destroy)(void* object) = nullptr;
  bool has_cxx_destruct = false;  // some class of the chain has members that ARC must release
  std::unordered_map<SEL, MethodRecord*> methods;  // its own only; a record lives for ever
  std::vector<Protocol*> protocols;
  std::vector<IvarEntry> ivars;
  std::vector<PropertyEntry> properties;
  std::atomic<int64_t> made = 0, alive = 0;
};

struct Header {
  std::atomic<uint32_t> count;  // references; 0 while it is being deallocated
  std::atomic<uint32_t> marks;
  uint64_t extra;  // bytes behind the instance (class_createInstance)
};
static_assert(sizeof(Header) == 16);
enum HeaderMarks : uint32_t { kWeaklyReferenced = 1, kHasAssociations = 2, kDeallocating = 4 };

inline Header& header_of(const void* object) {
  return *reinterpret_cast<Header*>(reinterpret_cast<char*>(const_cast<void*>(object)) -
                                    sizeof(Header));
}

// --- selectors and classes
SEL selector(const char* name);
uint32_t selector_number(SEL selector);
inline const char* name_of(SEL s) { return reinterpret_cast<const char*>(s); }
uint32_t selector_count();

std::recursive_mutex& class_mutex();  // guards all ClassInfo but its counters
void register_class(Class cls);       // info filled, superclass registered
Class find_class(const char* name);
std::vector<Class> all_classes();
MethodRecord* find_method(Class cls, SEL selector);  // up the chain; null: none
void add_method(Class cls, SEL selector, IMP imp, std::string types);
void forget_cached(SEL selector);  // in every class's table
bool is_kind_of(Class cls, Class ancestor);
bool responds(id object, SEL selector);
inline bool is_class(id object) { return object->isa->info->meta; }
[[noreturn]] void unrecognized(id object, SEL selector);

// --- memory
id alloc_instance(Class cls, size_t extra = 0);
id retain(id object);  // as its class counts
void release(id object);
id autorelease(id object);
id retain_counted(id object);  // the count in front of it
void release_counted(id object);
bool retain_if_alive(id object);  // false once deallocation began
void dealloc_object(id object);   // what -[NSObject dealloc] does
void clear_weak(id object);
void drop_associations(id object);
void note_thread_without_pool(id object);

struct Pool {  // a scope's pool
  Pool() : token_(objc_autoreleasePoolPush()) {}
  ~Pool() { objc_autoreleasePoolPop(token_); }
  Pool(const Pool&) = delete;
  void* token_;
};

// --- images

Protocol* find_protocol(const char* name);
void register_protocol(Protocol* protocol);
Protocol* declare_protocol(const char* name);  // found or made

// --- stages of start-up, in this order, from one constructor
void register_roots();
void register_foundation();
void set_up_exceptions();
void register_metal();
void register_mps();

extern "C" IMP metal_sim_empty_table[kMaxSelectors];

}  // namespace metal_sim
