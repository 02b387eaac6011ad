// The part of Apple's runtime C API that asks about classes and methods, and makes them.
#include <cstdlib>
#include <cstring>

#include "sim/metal/objc/bind.h"

using namespace metal_sim;
using Method = MethodRecord*;

namespace {

Method own_method(Class cls, SEL s) {
  const std::lock_guard lock(class_mutex());
  const auto found = cls->info->methods.find(s);
  return found == cls->info->methods.end() ? nullptr : found->second;
}

// A malloc'ed, null-terminated copy, as the copy functions of the API give it.
template <typename T>
T* copy_of(const std::vector<T>& items, unsigned* count) {
  if (count) *count = static_cast<unsigned>(items.size());
  if (items.empty()) return nullptr;
  auto* copy = static_cast<T*>(std::malloc((items.size() + 1) * sizeof(T)));
  std::memcpy(copy, items.data(), items.size() * sizeof(T));
  copy[items.size()] = T{};
  return copy;
}

const IvarEntry* find_ivar(Class cls, const char* name) {
  for (; cls; cls = cls->superclass) {
    for (const IvarEntry& ivar : cls->info->ivars) {
      if (ivar.name && std::strcmp(ivar.name, name) == 0) return &ivar;
    }
  }
  return nullptr;
}

id* ivar_place(id object, const IvarEntry* ivar) {
  return reinterpret_cast<id*>(reinterpret_cast<char*>(object) + *ivar->offset);
}

}  // namespace

// --- classes
SIM_EXPORT const char* class_getName(Class cls) { return cls ? cls->info->name.c_str() : "nil"; }
SIM_EXPORT Class class_getSuperclass(Class cls) { return cls ? cls->superclass : nullptr; }
SIM_EXPORT bool class_isMetaClass(Class cls) { return cls && cls->info->meta; }
SIM_EXPORT size_t class_getInstanceSize(Class cls) { return cls ? cls->info->instance_size : 0; }
SIM_EXPORT bool class_respondsToSelector(Class cls, SEL s) {
  return cls && s && find_method(cls, s);
}
SIM_EXPORT Method class_getInstanceMethod(Class cls, SEL s) {
  return cls && s ? find_method(cls, s) : nullptr;
}
SIM_EXPORT Method class_getClassMethod(Class cls, SEL s) {
  return cls && s ? find_method(cls->isa, s) : nullptr;
}
SIM_EXPORT IMP class_getMethodImplementation(Class cls, SEL s) {
  const Method method = class_getInstanceMethod(cls, s);
  return method ? method->imp : reinterpret_cast<IMP>(&unrecognized);
}
SIM_EXPORT Class* objc_copyClassList(unsigned* count) { return copy_of(all_classes(), count); }
SIM_EXPORT int objc_getClassList(Class* place, int room) {
  const std::vector<Class> all = all_classes();
  for (int i = 0; place && i < room && i < static_cast<int>(all.size()); ++i)
    place[i] = all[static_cast<size_t>(i)];
  return static_cast<int>(all.size());
}
SIM_EXPORT Method* class_copyMethodList(Class cls, unsigned* count) {
  const std::lock_guard lock(class_mutex());
  std::vector<Method> all;
  for (const auto& [s, method] : cls->info->methods) all.push_back(method);
  return copy_of(all, count);
}
SIM_EXPORT bool class_conformsToProtocol(Class cls, Protocol* protocol) {
  if (!cls || !protocol) return false;
  for (const Protocol* p : cls->info->protocols) {
    if (std::strcmp(p->name, protocol->name) == 0) return true;
  }
  return false;
}

// --- objects
SIM_EXPORT Class object_getClass(id object) { return object ? object->isa : nullptr; }
SIM_EXPORT const char* object_getClassName(id object) {
  return class_getName(object_getClass(object));
}
SIM_EXPORT bool object_isClass(id object) { return object && is_class(object); }
SIM_EXPORT Class object_setClass(id object, Class cls) {
  return object ? std::exchange(object->isa, cls) : nullptr;
}
SIM_EXPORT id object_dispose(id object) {
  if (object) dealloc_object(object);
  return nullptr;
}
SIM_EXPORT void* object_getIndexedIvars(id object) {
  return object ? reinterpret_cast<char*>(object) + object->isa->info->instance_size : nullptr;
}

// --- instance variables
SIM_EXPORT const IvarEntry* class_getInstanceVariable(Class cls, const char* name) {
  return find_ivar(cls, name);
}
SIM_EXPORT const char* ivar_getName(const IvarEntry* ivar) { return ivar ? ivar->name : nullptr; }
SIM_EXPORT const char* ivar_getTypeEncoding(const IvarEntry* ivar) {
  return ivar ? ivar->type : nullptr;
}
SIM_EXPORT ptrdiff_t ivar_getOffset(const IvarEntry* ivar) { return ivar ? *ivar->offset : 0; }
SIM_EXPORT id object_getIvar(id object, const IvarEntry* ivar) {
  return object && ivar ? *ivar_place(object, ivar) : nullptr;
}
SIM_EXPORT void object_setIvar(id object, const IvarEntry* ivar, id value) {
  if (object && ivar) *ivar_place(object, ivar) = value;
}
SIM_EXPORT const IvarEntry* object_getInstanceVariable(id object, const char* name, void** value) {
  const IvarEntry* ivar = object ? find_ivar(object->isa, name) : nullptr;
  if (ivar && value) *value = *ivar_place(object, ivar);
  return ivar;
}
SIM_EXPORT const IvarEntry* object_setInstanceVariable(id object, const char* name, void* value) {
  const IvarEntry* ivar = object ? find_ivar(object->isa, name) : nullptr;
  object_setIvar(object, ivar, static_cast<id>(value));
  return ivar;
}

// --- methods
SIM_EXPORT SEL method_getName(Method m) { return m ? m->selector : nullptr; }
SIM_EXPORT IMP method_getImplementation(Method m) { return m ? m->imp : nullptr; }
SIM_EXPORT const char* method_getTypeEncoding(Method m) { return m ? m->types.c_str() : nullptr; }
SIM_EXPORT IMP method_setImplementation(Method m, IMP imp) {
  const std::lock_guard lock(class_mutex());
  const IMP old = std::exchange(m->imp, imp);
  forget_cached(m->selector);
  return old;
}
SIM_EXPORT void method_exchangeImplementations(Method a, Method b) {
  const std::lock_guard lock(class_mutex());
  std::swap(a->imp, b->imp);
  forget_cached(a->selector);
  forget_cached(b->selector);
}
SIM_EXPORT bool class_addMethod(Class cls, SEL s, IMP imp, const char* types) {
  const std::lock_guard lock(class_mutex());
  if (!cls || own_method(cls, s)) return false;
  add_method(cls, s, imp, types ? types : "");
  return true;
}
SIM_EXPORT IMP class_replaceMethod(Class cls, SEL s, IMP imp, const char* types) {
  const std::lock_guard lock(class_mutex());
  const Method there = own_method(cls, s);
  const IMP old = there ? there->imp : nullptr;
  add_method(cls, s, imp, there ? there->types : types ? types : "");
  return old;
}

// --- making classes
SIM_EXPORT Class objc_allocateClassPair(Class superclass, const char* name, size_t) {
  if (!name || find_class(name)) return nullptr;
  auto* pair = static_cast<objc_class*>(std::calloc(2, sizeof(objc_class)));
  const size_t size = superclass ? superclass->info->instance_size : sizeof(objc_object);
  fill_class(pair, pair + 1, superclass, name, size);
  if (!superclass) pair[1].isa = pair + 1;
  return pair;
}
SIM_EXPORT void objc_registerClassPair(Class cls) { register_class(cls); }
SIM_EXPORT bool class_addIvar(Class cls, const char* name, size_t size, uint8_t alignment_log2,
                              const char* types) {
  if (!cls || find_class(cls->info->name.c_str()) == cls || find_ivar(cls, name)) return false;
  const size_t unit = size_t{1} << alignment_log2;
  const size_t at = (cls->info->instance_size + unit - 1) / unit * unit;
  cls->info->ivars.push_back({new int32_t(static_cast<int32_t>(at)), strdup(name),
                              strdup(types ? types : ""), alignment_log2,
                              static_cast<uint32_t>(size)});
  cls->info->instance_size = at + size;
  return true;
}
SIM_EXPORT bool class_addProtocol(Class cls, Protocol* protocol) {
  if (!cls || !protocol || class_conformsToProtocol(cls, protocol)) return false;
  cls->info->protocols.push_back(protocol);
  return true;
}

// --- protocols
SIM_EXPORT Protocol* objc_getProtocol(const char* name) {
  return name ? find_protocol(name) : nullptr;
}
SIM_EXPORT const char* protocol_getName(const Protocol* protocol) {
  return protocol ? protocol->name : "nil";
}
SIM_EXPORT bool protocol_isEqual(const Protocol* a, const Protocol* b) {
  return a == b || (a && b && std::strcmp(a->name, b->name) == 0);
}
