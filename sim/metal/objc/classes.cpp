// The table of classes, their methods, and the way a class gets either: from C++ (bind.h), from a
// compiled image (images.cpp), at run time (api.cpp).
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

#include "sim/metal/objc/bind.h"
#include "sim/metal/objc/runtime.h"

namespace metal_sim {

// What a class's table is until its first message; never written.
extern "C" {
__attribute__((visibility("default"))) IMP metal_sim_empty_table[kMaxSelectors] = {};
extern __attribute__((visibility("default"), alias("metal_sim_empty_table")))
IMP _objc_empty_cache[kMaxSelectors];
}
SIM_EXPORT void* _objc_empty_vtable;
void* _objc_empty_vtable = nullptr;

namespace {

// Made at first use and never destroyed: programs message objects until the process is gone.
std::unordered_map<std::string, Class>& table() {
  static auto* classes = new std::unordered_map<std::string, Class>;
  return *classes;
}

void inherit(ClassInfo& info, const ClassInfo& from) {
  if (!info.construct) {
    info.construct = from.construct;
    info.destroy = from.destroy;
  }
  if (info.counting == Counting::header) info.counting = from.counting;
  info.has_cxx_destruct |= from.has_cxx_destruct;
  info.instance_size = std::max(info.instance_size, from.instance_size);
}

}  // namespace

std::recursive_mutex& class_mutex() {
  static auto* mutex = new std::recursive_mutex;
  return *mutex;
}

void register_class(Class cls) {
  const std::lock_guard lock(class_mutex());
  if (cls->superclass) inherit(*cls->info, *cls->superclass->info);
  if (!table().emplace(cls->info->name, cls).second) {
    std::fprintf(stderr, "metal-sim: class %s is implemented twice; the first one is used\n",
                 cls->info->name.c_str());
  }
}

Class find_class(const char* name) {
  const std::lock_guard lock(class_mutex());
  const auto found = table().find(name);
  return found == table().end() ? nullptr : found->second;
}

std::vector<Class> all_classes() {
  const std::lock_guard lock(class_mutex());
  std::vector<Class> all;
  for (const auto& [name, cls] : table()) all.push_back(cls);
  return all;
}

MethodRecord* find_method(Class cls, SEL s) {
  const std::lock_guard lock(class_mutex());
  for (; cls; cls = cls->superclass) {
    const auto found = cls->info->methods.find(s);
    if (found != cls->info->methods.end()) return found->second;
  }
  return nullptr;
}

void add_method(Class cls, SEL s, IMP imp, std::string types) {
  const std::lock_guard lock(class_mutex());
  MethodRecord*& record = cls->info->methods[s];
  if (record) {
    *record = {s, std::move(types), imp};
  } else {
    record = new MethodRecord{s, std::move(types), imp};
  }
  forget_cached(s);
}

void forget_cached(SEL s) {
  const uint32_t number = selector_number(s);
  const auto forget = [&](Class cls) {
    if (cls->table == metal_sim_empty_table) return;
    std::atomic_ref(cls->table[number]).store(nullptr, std::memory_order_release);
  };
  for (const auto& [name, cls] : table()) {
    forget(cls);
    forget(cls->isa);
  }
}

bool is_kind_of(Class cls, Class ancestor) {
  while (cls && cls != ancestor) cls = cls->superclass;
  return cls != nullptr;
}

bool responds(id object, SEL s) { return object && find_method(object->isa, s); }

std::string setter_name(const char* property) {
  std::string name = std::string("set") + property + ":";
  name[3] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[3])));
  return name;
}

void fill_class(Class cls, Class meta, Class superclass, const char* name, size_t size) {
  const auto fill = [&](Class c, bool is_meta) {
    c->table = metal_sim_empty_table;
    c->info = new ClassInfo;
    c->info->name = name;
    c->info->cls = cls;
    c->info->meta = is_meta;
    c->info->instance_size = is_meta ? sizeof(objc_class) : size;
    if (is_meta) c->info->counting = Counting::immortal;
  };
  fill(cls, false);
  fill(meta, true);
  cls->isa = meta;
  cls->superclass = superclass;
  // Every metaclass is an instance of the root's; the root's inherits from the root class itself.
  Class root = cls;
  while (root->superclass) root = root->superclass;
  meta->isa = root->isa;
  meta->superclass = superclass ? superclass->isa : cls;
}

}  // namespace metal_sim

using namespace metal_sim;

SIM_EXPORT Class objc_lookUpClass(const char* name) { return name ? find_class(name) : nullptr; }
SIM_EXPORT Class objc_getClass(const char* name) { return objc_lookUpClass(name); }
SIM_EXPORT Class objc_getRequiredClass(const char* name) {
  if (Class cls = objc_lookUpClass(name)) return cls;
  std::fprintf(stderr, "objc: link error: class '%s' not found\n", name);
  std::abort();
}
SIM_EXPORT Class objc_getMetaClass(const char* name) {
  const Class cls = objc_lookUpClass(name);
  return cls ? cls->isa : nullptr;
}
