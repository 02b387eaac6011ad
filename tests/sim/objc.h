// Objective-C from plain C++, as any program may write it: casts of objc_msgSend and blocks by
// hand.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>

#include "metal_sim/metal_sim.h"

struct objc_object;
using id = objc_object*;
using Class = objc_object*;
struct objc_selector;
using SEL = const objc_selector*;

extern "C" {
void objc_msgSend();
#if defined(__x86_64__)
void objc_msgSend_stret();
#endif
SEL sel_registerName(const char*);
const char* sel_getName(SEL);
Class objc_getClass(const char*);
Class objc_getMetaClass(const char*);
Class object_getClass(id);
const char* class_getName(Class);
Class class_getSuperclass(Class);
size_t class_getInstanceSize(Class);
bool class_respondsToSelector(Class, SEL);
Class objc_allocateClassPair(Class, const char*, size_t);
void objc_registerClassPair(Class);
bool class_addMethod(Class, SEL, void (*)(), const char*);
id objc_retain(id);
void objc_release(id);
id objc_autorelease(id);
void* objc_autoreleasePoolPush();
void objc_autoreleasePoolPop(void*);
id objc_initWeak(id*, id);
id objc_loadWeakRetained(id*);
void objc_destroyWeak(id*);
void* _Block_copy(const void*);
void _Block_release(const void*);
extern void* _NSConcreteStackBlock[32];
id MTLCreateSystemDefaultDevice();
id MTLCopyAllDevices();
}

namespace sim {

template <typename R = id, typename... A>
R send(id object, const char* name, A... a) {
  const SEL s = sel_registerName(name);
#if defined(__x86_64__)
  if constexpr (!std::is_void_v<R>) {
    if constexpr (sizeof(R) > 16) {
      return reinterpret_cast<R (*)(id, SEL, A...)>(&objc_msgSend_stret)(object, s, a...);
    }
  }
#endif
  return reinterpret_cast<R (*)(id, SEL, A...)>(&objc_msgSend)(object, s, a...);
}
template <typename R = id, typename... A>
R send(const char* cls, const char* name, A... a) {
  return send<R>(objc_getClass(cls), name, a...);
}

struct Pool {
  void* token = objc_autoreleasePoolPush();
  ~Pool() { objc_autoreleasePoolPop(token); }
};

// +1, released at the end of the scope.
struct Own {
  id object;
  explicit Own(id o) : object(o) {}
  Own(const Own&) = delete;
  ~Own() { objc_release(object); }
  operator id() const { return object; }
};

inline id string(const char* text) { return send("NSString", "stringWithUTF8String:", text); }
inline std::string text(id s) { return s ? send<const char*>(s, "UTF8String") : "(nil)"; }

// A block over a std::function, as the blocks ABI has it: copied to the heap by whoever keeps it.
template <typename... A>
class Block {
 public:
  explicit Block(std::function<void(A...)> f)
      : function_(new std::function<void(A...)>(std::move(f))) {}
  ~Block() { delete function_; }
  void* get() { return &isa_; }

 private:
  struct Descriptor {
    unsigned long reserved, size;
    void (*copy)(Block*, const Block*);
    void (*dispose)(const Block*);
  };
  static void call(Block* self, A... a) { (*self->function_)(a...); }
  static void copy(Block* to, const Block* from) {
    to->function_ = new std::function<void(A...)>(*from->function_);
  }
  static void dispose(const Block* block) { delete block->function_; }
  inline static Descriptor descriptor_{0, 8 * 5, &copy, &dispose};

  void* isa_ = _NSConcreteStackBlock;
  int32_t flags_ = 1 << 25, reserved_ = 0;
  void (*invoke_)(Block*, A...) = &call;
  Descriptor* descriptor2_ = &descriptor_;
  std::function<void(A...)>* function_;
};

inline metal_sim_counters counters() {
  metal_sim_counters c;
  metal_sim_get_counters(&c);
  return c;
}

struct Size {
  unsigned long width, height, depth;
};
struct Origin {
  unsigned long x, y, z;
};
struct Range {
  unsigned long location, length;
};

}  // namespace sim
