// Objects' memory, their counts and the autorelease pools of each thread.
#include <cstdlib>
#include <cstring>

#include "sim/metal/checks.h"
#include "sim/metal/objc/bind.h"

namespace metal_sim {
namespace {

// A thread's pools: objects to release, null where a pool begins.
struct PoolStack {
  std::vector<id> objects;
  size_t pools = 0;
  bool told = false;  // of a missing pool

  void unwind(size_t to) {
    while (objects.size() > to) {  // a release may autorelease more
      const id object = objects.back();
      objects.pop_back();
      if (object) {
        release(object);
      } else {
        --pools;
      }
    }
  }
};

__attribute__((tls_model("initial-exec"))) constinit thread_local PoolStack* stack = nullptr;

// What a thread left in its pools goes when it ends.
struct StackOwner {
  ~StackOwner() {
    if (stack) stack->unwind(0);
    delete std::exchange(stack, nullptr);
  }
};

PoolStack& pools() {
  if (!stack) {
    thread_local StackOwner owner;
    static_cast<void>(owner);
    stack = new PoolStack;
  }
  return *stack;
}

void run_cxx_destruct(id object) {
  static const SEL name = selector(".cxx_destruct");
  for (Class cls = object->isa; cls; cls = cls->superclass) {
    const std::unique_lock lock(class_mutex());
    const auto found = cls->info->methods.find(name);
    if (found == cls->info->methods.end()) continue;
    const IMP imp = found->second->imp;
    reinterpret_cast<void (*)(id, SEL)>(imp)(object, name);
  }
}

}  // namespace

id alloc_instance(Class cls, size_t extra) {
  ClassInfo& info = *cls->info;
  auto* memory = static_cast<char*>(std::calloc(1, sizeof(Header) + info.instance_size + extra));
  if (!memory) return nullptr;
  auto* header = new (memory) Header{{1}, {0}, extra};
  const id object = reinterpret_cast<id>(header + 1);
  object->isa = cls;
  if (info.construct) info.construct(object);
  info.made.fetch_add(1, std::memory_order_relaxed);
  info.alive.fetch_add(1, std::memory_order_relaxed);
  return object;
}

void dealloc_object(id object) {
  Header& header = header_of(object);
  const Class cls = object->isa;
  if (cls->info->has_cxx_destruct) run_cxx_destruct(object);
  const uint32_t marks = header.marks.load(std::memory_order_acquire);
  if (marks & kHasAssociations) drop_associations(object);
  if (marks & kWeaklyReferenced) clear_weak(object);
  if (cls->info->destroy) cls->info->destroy(object);
  cls->info->alive.fetch_sub(1, std::memory_order_relaxed);
  if (checks_on()) {
    bury(object, cls);
  } else {
    std::free(&header);
  }
}

id retain_counted(id object) {
  header_of(object).count.fetch_add(1, std::memory_order_relaxed);
  return object;
}

void release_counted(id object) {
  Header& header = header_of(object);
  const uint32_t before = header.count.fetch_sub(1, std::memory_order_acq_rel);
  if (before > 1) return;
  if (before == 0)
    failed_assertion(object->isa->info->name + " release", "object released too often");
  if (header.marks.fetch_or(kDeallocating) & kDeallocating) return;
  static const SEL dealloc = selector("dealloc");
  send<void>(object, dealloc);
}

bool retain_if_alive(id object) {
  std::atomic<uint32_t>& count = header_of(object).count;
  uint32_t seen = count.load(std::memory_order_relaxed);
  while (seen && !count.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel)) {
  }
  return seen && !(header_of(object).marks.load() & kDeallocating);
}

id retain(id object) {
  if (!object) return nullptr;
  switch (object->isa->info->counting) {
    case Counting::header:
      return retain_counted(object);
    case Counting::immortal:
      return object;
    case Counting::block:
      return static_cast<id>(_Block_copy(object));
    case Counting::custom:
      break;
  }
  static const SEL name = selector("retain");
  return send<id>(object, name);
}

void release(id object) {
  if (!object) return;
  switch (object->isa->info->counting) {
    case Counting::header:
      return release_counted(object);
    case Counting::immortal:
      return;
    case Counting::block:
      return _Block_release(object);
    case Counting::custom:
      break;
  }
  static const SEL name = selector("release");
  send<void>(object, name);
}

id autorelease(id object) {
  if (!object || object->isa->info->counting == Counting::immortal) return object;
  PoolStack& mine = pools();
  if (mine.pools == 0 && !mine.told && checks_on()) {
    mine.told = true;
    finding(Finding::no_pool, "an object of class " + object->isa->info->name +
                                  " was autoreleased on a thread with no autorelease pool");
  }
  mine.objects.push_back(object);
  return object;
}

}  // namespace metal_sim

using namespace metal_sim;

SIM_EXPORT id objc_retain(id object) { return retain(object); }
SIM_EXPORT void objc_release(id object) { release(object); }
SIM_EXPORT id objc_autorelease(id object) { return autorelease(object); }

// A pool's token is the place in the stack where it begins, plus one so that it is never null.
SIM_EXPORT void* objc_autoreleasePoolPush() {
  PoolStack& mine = pools();
  mine.objects.push_back(nullptr);
  ++mine.pools;
  return reinterpret_cast<void*>(mine.objects.size());
}

SIM_EXPORT void objc_autoreleasePoolPop(void* token) {
  const size_t at = reinterpret_cast<size_t>(token);
  PoolStack& mine = pools();
  if (at == 0 || at > mine.objects.size() || mine.objects[at - 1]) {
    failed_assertion("objc_autoreleasePoolPop",
                     "no such pool on this thread: it was popped already, or belongs to another");
  }
  mine.unwind(at - 1);
}

SIM_EXPORT id objc_retainAutorelease(id object) { return autorelease(retain(object)); }
SIM_EXPORT id objc_autoreleaseReturnValue(id object) { return autorelease(object); }
SIM_EXPORT id objc_retainAutoreleaseReturnValue(id object) { return autorelease(retain(object)); }
SIM_EXPORT id objc_retainAutoreleasedReturnValue(id object) { return retain(object); }
SIM_EXPORT id objc_claimAutoreleasedReturnValue(id object) { return retain(object); }
SIM_EXPORT id objc_unsafeClaimAutoreleasedReturnValue(id object) { return object; }
SIM_EXPORT void objc_storeStrong(id* place, id object) {
  const id old = *place;
  if (old == object) return;
  *place = retain(object);
  release(old);
}
SIM_EXPORT id objc_retainBlock(id block) { return static_cast<id>(_Block_copy(block)); }

SIM_EXPORT id class_createInstance(Class cls, size_t extra) {
  return cls ? alloc_instance(cls, extra) : nullptr;
}
SIM_EXPORT id objc_alloc(Class cls) {
  static const SEL name = selector("alloc");
  return send<id>(cls, name);
}
SIM_EXPORT id objc_allocWithZone(Class cls) { return objc_alloc(cls); }
SIM_EXPORT id objc_alloc_init(Class cls) {
  static const SEL name = selector("init");
  return send<id>(objc_alloc(cls), name);
}
SIM_EXPORT id objc_opt_new(Class cls) {
  static const SEL name = selector("new");
  return send<id>(cls, name);
}
SIM_EXPORT id objc_opt_self(id object) { return object; }
SIM_EXPORT Class objc_opt_class(id object) {
  if (!object) return nullptr;
  return is_class(object) ? reinterpret_cast<Class>(object) : object->isa;
}
SIM_EXPORT bool objc_opt_respondsToSelector(id object, SEL s) { return responds(object, s); }
SIM_EXPORT bool objc_opt_isKindOfClass(id object, Class cls) {
  return object && is_kind_of(object->isa, cls);
}
