// Weak references and associated objects: what the runtime keeps about objects outside of them.
// Both are rare, so a mark in the header says whether there is anything to look for.
#include <array>

#include "sim/metal/objc/runtime.h"

namespace metal_sim {
namespace {

struct WeakShard {
  std::mutex mutex;
  std::unordered_map<id, std::vector<id*>> places;
};

// An object's shard is locked while one of its weak references is read or written, and while its
// deallocation clears them; so a loader sees either an object that cannot go away or null.
WeakShard& shard_of(id object) {
  static auto* shards = new std::array<WeakShard, 16>;
  return (*shards)[(reinterpret_cast<uintptr_t>(object) >> 5) % 16];
}

bool can_be_weak(id object) { return object && object->isa->info->counting == Counting::header; }

void add_place(id object, id* place) {
  WeakShard& shard = shard_of(object);
  const std::lock_guard lock(shard.mutex);
  if (header_of(object).marks.fetch_or(kWeaklyReferenced) & kDeallocating) {
    *place = nullptr;
    return;
  }
  shard.places[object].push_back(place);
  *place = object;
}

void remove_place(id* place) {
  const id object = std::atomic_ref(*place).load();
  if (!object) return;
  WeakShard& shard = shard_of(object);
  const std::lock_guard lock(shard.mutex);
  if (*place != object) return;  // cleared meanwhile
  const auto found = shard.places.find(object);
  if (found == shard.places.end()) return;
  std::erase(found->second, place);
  if (found->second.empty()) shard.places.erase(found);
}

struct Association {
  const void* key;
  uintptr_t policy;
  id value;
};
std::mutex& association_mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}
std::unordered_map<id, std::vector<Association>>& associations() {
  static auto* all = new std::unordered_map<id, std::vector<Association>>;
  return *all;
}
void let_go(const Association& a) {
  if (a.policy != 0) release(a.value);  // OBJC_ASSOCIATION_ASSIGN is 0
}

}  // namespace

void clear_weak(id object) {
  WeakShard& shard = shard_of(object);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.places.find(object);
  if (found == shard.places.end()) return;
  for (id* place : found->second) *place = nullptr;
  shard.places.erase(found);
}

void drop_associations(id object) {
  std::vector<Association> gone;
  {
    const std::lock_guard lock(association_mutex());
    const auto found = associations().find(object);
    if (found == associations().end()) return;
    gone = std::move(found->second);
    associations().erase(found);
  }
  for (const Association& a : gone) let_go(a);
}

}  // namespace metal_sim

using namespace metal_sim;

SIM_EXPORT id objc_storeWeak(id* place, id object) {
  remove_place(place);
  if (can_be_weak(object)) {
    add_place(object, place);
  } else {
    *place = object;  // null, or what never goes away
  }
  return *place;
}
SIM_EXPORT id objc_storeWeakOrNil(id* place, id object) { return objc_storeWeak(place, object); }

SIM_EXPORT id objc_initWeak(id* place, id object) {
  *place = nullptr;
  return objc_storeWeak(place, object);
}
SIM_EXPORT id objc_initWeakOrNil(id* place, id object) { return objc_initWeak(place, object); }
SIM_EXPORT void objc_destroyWeak(id* place) { objc_storeWeak(place, nullptr); }

SIM_EXPORT id objc_loadWeakRetained(id* place) {
  for (;;) {
    const id object = std::atomic_ref(*place).load();
    if (!object) return nullptr;
    // Classes and constant strings stay; of anything else only the lock says that it is still
    // there.
    WeakShard& shard = shard_of(object);
    const std::lock_guard lock(shard.mutex);
    if (*place != object) continue;
    if (!can_be_weak(object)) return retain(object);
    return retain_if_alive(object) ? object : nullptr;
  }
}
SIM_EXPORT id objc_loadWeak(id* place) { return autorelease(objc_loadWeakRetained(place)); }

SIM_EXPORT void objc_copyWeak(id* to, id* from) {
  const id object = objc_loadWeakRetained(from);
  objc_initWeak(to, object);
  release(object);
}
SIM_EXPORT void objc_moveWeak(id* to, id* from) {
  objc_copyWeak(to, from);
  objc_destroyWeak(from);
}

SIM_EXPORT void objc_setAssociatedObject(id object, const void* key, id value, uintptr_t policy) {
  if (!object) return;
  if ((policy & 0xff) == 3) {  // OBJC_ASSOCIATION_COPY_NONATOMIC; atomic is 0x303
    static const SEL copy = selector("copy");
    value = value ? send<id>(value, copy) : nullptr;
  } else if (policy != 0) {
    retain(value);
  }
  Association old{key, 0, nullptr};
  {
    const std::lock_guard lock(association_mutex());
    auto& list = associations()[object];
    std::erase_if(list, [&](const Association& a) { return a.key == key && (old = a, true); });
    if (value) list.push_back({key, policy, value});
  }
  if (object->isa->info->counting == Counting::header) {
    header_of(object).marks.fetch_or(kHasAssociations);
  }
  let_go(old);
}

SIM_EXPORT id objc_getAssociatedObject(id object, const void* key) {
  const std::lock_guard lock(association_mutex());
  const auto found = associations().find(object);
  if (found == associations().end()) return nullptr;
  for (const Association& a : found->second) {
    if (a.key == key) return a.value;
  }
  return nullptr;
}

SIM_EXPORT void objc_removeAssociatedObjects(id object) { drop_associations(object); }
