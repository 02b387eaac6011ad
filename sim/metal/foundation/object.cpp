#include "sim/metal/foundation/object.h"

#include <cstdio>
#include <cstring>

#include "sim/metal/foundation/string.h"

namespace metal_sim {
namespace {

bool counted(const objc_object* object) {
  const Counting kind = object->isa->info->counting;
  return kind == Counting::header || kind == Counting::custom;
}

// The end of the type that starts at `t`.
const char* skip_type(const char* t) {
  while (*t && std::strchr("rnNoORV^", *t)) ++t;
  if (*t != '{' && *t != '[' && *t != '(') return *t == '@' && t[1] == '?' ? t + 2 : t + 1;
  int depth = 0;
  do {
    depth += *t == '{' || *t == '[' || *t == '(';
    depth -= *t == '}' || *t == ']' || *t == ')';
    ++t;
  } while (*t && depth > 0);
  return t;
}

}  // namespace

id Object::alloc(Class cls) { return alloc_instance(cls); }
id Object::alloc_with_zone(Class cls, void*) {
  static const SEL name = selector("alloc");
  return send<id>(cls, name);
}
id Object::make_new(Class cls) {
  static const SEL alloc_name = selector("alloc"), init_name = selector("init");
  return send<id>(send<id>(cls, alloc_name), init_name);
}
Class Object::class_of_class(Class cls) { return cls; }
bool Object::is_subclass(Class cls, Class ancestor) { return is_kind_of(cls, ancestor); }
bool Object::instances_respond(Class cls, SEL s) { return find_method(cls, s); }
IMP Object::instance_method(Class cls, SEL s) {
  const MethodRecord* method = find_method(cls, s);
  return method ? method->imp : nullptr;
}
void Object::initialize(Class) {}

id Object::init() { return this; }
void Object::dealloc() { dealloc_object(this); }
id Object::retain_self() { return counted(this) ? retain_counted(this) : retain(this); }
void Object::release_self() { counted(this) ? release_counted(this) : release(this); }
id Object::autorelease_self() { return autorelease(this); }
unsigned long Object::retain_count() const {
  return counted(this) ? header_of(this).count.load() : ~0ul >> 1;
}
id Object::self() { return this; }
Class Object::get_class() const { return isa; }
Class Object::superclass_of() const {
  auto* mutable_this = const_cast<Object*>(this);
  return is_class(mutable_this) ? static_cast<Class>(static_cast<id>(mutable_this))->superclass
                                : isa->superclass;
}
bool Object::is_equal(id other) const { return this == other; }
unsigned long Object::hash() const { return reinterpret_cast<unsigned long>(this) >> 4; }
bool Object::is_kind(Class cls) const { return is_kind_of(isa, cls); }
bool Object::is_member(Class cls) const { return isa == cls; }
bool Object::responds_to(SEL s) { return find_method(isa, s); }

bool Object::conforms_to(Protocol* protocol) {
  Class cls = is_class(this) ? static_cast<Class>(static_cast<id>(this)) : isa;
  for (; protocol && cls; cls = cls->superclass) {
    for (const Protocol* p : cls->info->protocols) {
      if (std::strcmp(p->name, protocol->name) == 0) return true;
    }
  }
  return false;
}

id Object::perform(SEL s) { return send<id>(this, s); }
id Object::perform_with(SEL s, id argument) { return send<id>(this, s, argument); }
id Object::perform_with_two(SEL s, id first, id second) { return send<id>(this, s, first, second); }
IMP Object::method_for(SEL s) { return instance_method(isa, s); }
id Object::method_signature(SEL s) {
  const MethodRecord* method = find_method(isa, s);
  if (!method) return nullptr;
  auto signature = make_ref<MethodSignature>();
  signature->types = method->types;
  return signature.autoreleased();
}
void Object::does_not_recognize(SEL s) { unrecognized(this, s); }

id Object::copy() {
  static const SEL name = selector("copyWithZone:");
  return send<id>(this, name, static_cast<void*>(nullptr));
}
id Object::mutable_copy() {
  static const SEL name = selector("mutableCopyWithZone:");
  return send<id>(this, name, static_cast<void*>(nullptr));
}

String* Object::description() {
  if (is_class(this)) return string(static_cast<Class>(static_cast<id>(this))->info->name);
  char text[64];
  std::snprintf(text, sizeof text, ": %p>", static_cast<void*>(this));
  return string("<" + isa->info->name + text);
}
String* Object::debug_description() {
  static const SEL name = selector("description");
  return send<String*>(this, name);
}
bool Object::is_proxy() const { return false; }
void* Object::zone() const { return nullptr; }

const char* MethodSignature::return_type() const { return types.c_str(); }
unsigned long MethodSignature::argument_count() const {
  unsigned long n = 0;
  for (const char* t = types.c_str(); *t; t = skip_type(t)) {
    while (*t >= '0' && *t <= '9') ++t;
    if (*t) ++n;
    if (!*t) break;
  }
  return n ? n - 1 : 0;
}

namespace {

void register_block_class(Class* storage, const char* name, bool heap) {
  auto* cls = reinterpret_cast<objc_class*>(storage);
  auto* meta = new objc_class{};
  fill_class(cls, meta, &Object::kClass, name, sizeof(Block));
  cls->info->counting = heap ? Counting::block : Counting::immortal;
  register_class(cls);
  add_method(cls, selector("copy"),
             reinterpret_cast<IMP>(+[](void* b, SEL) { return _Block_copy(b); }), "@@:");
  add_method(cls, selector("copyWithZone:"),
             reinterpret_cast<IMP>(+[](void* b, SEL, void*) { return _Block_copy(b); }), "@@:^v");
}

void add_counting(Cls<Object>& root) {
  root.method<&Object::init>("init")
      .method<&Object::dealloc>("dealloc")
      .method<&Object::retain_self>("retain")
      .method<&Object::release_self>("release")
      .method<&Object::autorelease_self>("autorelease")
      .method<&Object::retain_count>("retainCount")
      .method<&Object::copy>("copy")
      .method<&Object::mutable_copy>("mutableCopy")
      .method<&Object::zone>("zone")
      .method<&Object::self>("self");
}

void add_questions(Cls<Object>& root) {
  root.method<&Object::get_class>("class")
      .method<&Object::superclass_of>("superclass")
      .method<&Object::is_equal>("isEqual:")
      .method<&Object::hash>("hash")
      .method<&Object::is_kind>("isKindOfClass:")
      .method<&Object::is_member>("isMemberOfClass:")
      .method<&Object::responds_to>("respondsToSelector:")
      .method<&Object::conforms_to>("conformsToProtocol:")
      .method<&Object::perform>("performSelector:")
      .method<&Object::perform_with>("performSelector:withObject:")
      .method<&Object::perform_with_two>("performSelector:withObject:withObject:")
      .method<&Object::method_for>("methodForSelector:")
      .method<&Object::method_signature>("methodSignatureForSelector:")
      .method<&Object::does_not_recognize>("doesNotRecognizeSelector:")
      .method<&Object::description>("description")
      .method<&Object::debug_description>("debugDescription")
      .method<&Object::is_proxy>("isProxy")
      .conforms("NSObject");
}

}  // namespace

void register_roots() {
  Cls<Object> root(nullptr);
  root.class_method<&Object::alloc>("alloc")
      .class_method<&Object::alloc_with_zone>("allocWithZone:")
      .class_method<&Object::make_new>("new")
      .class_method<&Object::class_of_class>("class")
      .class_method<&Object::is_subclass>("isSubclassOfClass:")
      .class_method<&Object::instances_respond>("instancesRespondToSelector:")
      .class_method<&Object::instance_method>("instanceMethodForSelector:")
      .class_method<&Object::initialize>("initialize");
  add_counting(root);
  add_questions(root);
  fill_class(&ProtocolClass::kClass, &ProtocolClass::kMeta, &Object::kClass, ProtocolClass::kName,
             sizeof(Protocol));
  ProtocolClass::kClass.info->counting = Counting::immortal;
  register_class(&ProtocolClass::kClass);
  register_block_class(_NSConcreteStackBlock, "__NSStackBlock__", true);
  register_block_class(_NSConcreteMallocBlock, "__NSMallocBlock__", true);
  register_block_class(_NSConcreteGlobalBlock, "__NSGlobalBlock__", false);
}

}  // namespace metal_sim

extern "C" {
__attribute__((visibility("default"))) Class _NSConcreteStackBlock[32] = {};
__attribute__((visibility("default"))) Class _NSConcreteMallocBlock[32] = {};
__attribute__((visibility("default"))) Class _NSConcreteGlobalBlock[32] = {};
}
