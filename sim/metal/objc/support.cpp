// What compiled Objective-C calls besides messages: properties, @synchronized, mutation during fast
// enumeration, forwarding to C++ exceptions (exceptions.cpp has those).
#include <cstring>

#include "sim/metal/checks.h"
#include "sim/metal/objc/bind.h"

namespace metal_sim {
namespace {

// One lock for a property's place, out of a few.
std::mutex& lock_of(const void* place) {
  static std::mutex locks[32];
  return locks[(reinterpret_cast<uintptr_t>(place) >> 4) % 32];
}

id* place_of(id object, ptrdiff_t offset) {
  return reinterpret_cast<id*>(reinterpret_cast<char*>(object) + offset);
}

id copy_or_retain(id value, bool copy, bool mutable_copy) {
  static const SEL copy_name = selector("copy"), mutable_name = selector("mutableCopy");
  if (mutable_copy) return send<id>(value, mutable_name);
  return copy ? send<id>(value, copy_name) : retain(value);
}

void set_property(id object, ptrdiff_t offset, id value, bool atomic, bool copy,
                  bool mutable_copy) {
  id* place = place_of(object, offset);
  const id kept = value ? copy_or_retain(value, copy, mutable_copy) : nullptr;
  id old;
  if (atomic) {
    const std::lock_guard lock(lock_of(place));
    old = std::exchange(*place, kept);
  } else {
    old = std::exchange(*place, kept);
  }
  release(old);
}

struct Monitor {
  std::recursive_mutex mutex;
  int users = 0;
};
std::mutex& monitors_mutex() {
  static auto* m = new std::mutex;
  return *m;
}
std::unordered_map<id, Monitor*>& monitors() {
  static auto* all = new std::unordered_map<id, Monitor*>;
  return *all;
}

}  // namespace
}  // namespace metal_sim

using namespace metal_sim;

SIM_EXPORT id objc_getProperty(id object, SEL, ptrdiff_t offset, bool atomic) {
  id* place = place_of(object, offset);
  if (!atomic) return *place;
  id value;
  {
    const std::lock_guard lock(lock_of(place));
    value = retain(*place);
  }
  return autorelease(value);
}

SIM_EXPORT void objc_setProperty(id object, SEL, ptrdiff_t offset, id value, bool atomic,
                                 signed char copy) {
  set_property(object, offset, value, atomic, copy == 1, copy == 2);
}
SIM_EXPORT void objc_setProperty_atomic(id object, SEL, id value, ptrdiff_t offset) {
  set_property(object, offset, value, true, false, false);
}
SIM_EXPORT void objc_setProperty_nonatomic(id object, SEL, id value, ptrdiff_t offset) {
  set_property(object, offset, value, false, false, false);
}
SIM_EXPORT void objc_setProperty_atomic_copy(id object, SEL, id value, ptrdiff_t offset) {
  set_property(object, offset, value, true, true, false);
}
SIM_EXPORT void objc_setProperty_nonatomic_copy(id object, SEL, id value, ptrdiff_t offset) {
  set_property(object, offset, value, false, true, false);
}
SIM_EXPORT void objc_copyStruct(void* to, const void* from, ptrdiff_t size, bool atomic, bool) {
  if (!atomic) {
    std::memmove(to, from, static_cast<size_t>(size));
    return;
  }
  const std::lock_guard lock(lock_of(from < to ? from : to));
  std::memmove(to, from, static_cast<size_t>(size));
}

SIM_EXPORT int objc_sync_enter(id object) {
  if (!object) return 0;
  Monitor* monitor;
  {
    const std::lock_guard lock(monitors_mutex());
    Monitor*& there = monitors()[object];
    if (!there) there = new Monitor;
    monitor = there;
    ++monitor->users;
  }
  monitor->mutex.lock();
  return 0;
}

SIM_EXPORT int objc_sync_exit(id object) {
  if (!object) return 0;
  const std::lock_guard lock(monitors_mutex());
  const auto found = monitors().find(object);
  if (found == monitors().end()) return -1;
  found->second->mutex.unlock();
  if (--found->second->users == 0) {
    delete found->second;
    monitors().erase(found);
  }
  return 0;
}

SIM_EXPORT void objc_enumerationMutation(id collection) {
  failed_assertion(
      "objc_enumerationMutation",
      "collection of class " + collection->isa->info->name + " was mutated while being enumerated");
}

// Start-up. One constructor, so that the order of the parts is what stands here; it runs before the
// constructors of whatever is linked against this library.
__attribute__((constructor(101))) static void set_up() {
  register_roots();
  register_checks();
  register_foundation();
  set_up_exceptions();
  register_metal();
  register_mps();
}
