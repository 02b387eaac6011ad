// The slow path of objc_msgSend: the first time a class gets a message, the method is looked up and
// put into the class's table, where the assembly finds it from then on.
//
// A table is address space for every possible selector, of which the kernel backs only the pages
// that are touched; so no table ever moves, and readers need no lock and no probing.
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

#include "sim/metal/checks.h"
#include "sim/metal/objc/bind.h"

namespace metal_sim {
namespace {

IMP* new_table() {
  void* memory = mmap(nullptr, kMaxSelectors * sizeof(IMP), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    std::fputs("metal-sim: no address space for a method table\n", stderr);
    std::abort();
  }
  return static_cast<IMP*>(memory);
}

// +initialize before a class's first message, superclasses first. The lock is recursive: the method
// may message its own class; other threads wait until it is done.
void initialize(Class cls) {
  if (cls->info->initialized.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(class_mutex());
  if (cls->info->initialized) return;
  if (cls->superclass) initialize(cls->superclass);
  cls->info->initialized = true;
  static const SEL initialize_selector = selector("initialize");
  if (MethodRecord* method = find_method(cls->isa, initialize_selector)) {
    reinterpret_cast<void (*)(Class, SEL)>(method->imp)(cls, initialize_selector);
  }
}

bool resolved_now(Class cls, SEL s) {
  static const SEL instance = selector("resolveInstanceMethod:");
  static const SEL on_class = selector("resolveClassMethod:");
  if (s == instance || s == on_class) return false;
  const Class target = cls->info->cls;
  const SEL how = cls->info->meta ? on_class : instance;
  return find_method(target->isa, how) && send<bool>(target, how, s) && find_method(cls, s);
}

id forwarding_target(id receiver, SEL s) {
  static const SEL forwarding = selector("forwardingTargetForSelector:");
  if (s == forwarding || !find_method(receiver->isa, forwarding)) return nullptr;
  const id target = send<id>(receiver, forwarding, s);
  return target == receiver ? nullptr : target;
}

// A message to an object that is gone; checks keep such objects' memory for a while (checks.cpp).
void refuse_zombie(id object, SEL s) {
  const std::string was = zombie_class_name(object);
  if (was.empty()) return;
  std::fprintf(stderr, "metal-sim: -[%s %s]: message sent to deallocated instance %p\n",
               was.c_str(), name_of(s), static_cast<void*>(object));
  std::abort();
}

IMP remember(Class cls, SEL s, IMP imp) {
  const std::lock_guard lock(class_mutex());
  if (cls->table == metal_sim_empty_table) {
    std::atomic_ref(cls->table).store(new_table(), std::memory_order_release);
  }
  std::atomic_ref(cls->table[selector_number(s)]).store(imp, std::memory_order_release);
  return imp;
}

}  // namespace

void unrecognized(id object, SEL s) {
  const bool meta = is_class(object);
  const std::string& name =
      meta ? reinterpret_cast<Class>(object)->info->name : object->isa->info->name;
  std::fprintf(
      stderr,
      "*** Terminating app due to uncaught exception 'NSInvalidArgumentException', reason: "
      "'%c[%s %s]: unrecognized selector sent to %s %p'\n",
      meta ? '+' : '-', name.c_str(), name_of(s), meta ? "class" : "instance",
      static_cast<void*>(object));
  std::abort();
}

// Called by the assembly with all argument registers saved; `receiver` is where it keeps the first.
extern "C" __attribute__((visibility("hidden"))) IMP metal_sim_objc_miss(Class cls, id* receiver,
                                                                         SEL s) {
  initialize(cls->info->cls);
  if (MethodRecord* method = find_method(cls, s)) return remember(cls, s, method->imp);
  refuse_zombie(*receiver, s);
  if (resolved_now(cls, s)) return remember(cls, s, find_method(cls, s)->imp);
  if (const id other = forwarding_target(*receiver, s)) {
    *receiver = other;
    return metal_sim_objc_miss(other->isa, receiver, s);
  }
  static const SEL refuse = selector("doesNotRecognizeSelector:");
  if (find_method(cls, refuse)) send<void>(*receiver, refuse, s);
  unrecognized(*receiver, s);
}

}  // namespace metal_sim
