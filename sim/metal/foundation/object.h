// NSObject: what every other class is derived from.
#pragma once

#include "sim/metal/objc/bind.h"

namespace metal_sim {

struct String;
struct Zone;

struct Object : objc_object {
  SIM_CLASS(Object, NSObject)

  static id alloc(Class cls);
  static id alloc_with_zone(Class cls, void* zone);
  static id make_new(Class cls);
  static Class class_of_class(Class cls);
  static bool is_subclass(Class cls, Class ancestor);
  static bool instances_respond(Class cls, SEL s);
  static IMP instance_method(Class cls, SEL s);
  static void initialize(Class cls);

  id init();
  void dealloc();
  id retain_self();
  void release_self();
  id autorelease_self();
  unsigned long retain_count() const;
  id self();
  Class get_class() const;
  Class superclass_of() const;
  bool is_equal(id other) const;
  unsigned long hash() const;
  bool is_kind(Class cls) const;
  bool is_member(Class cls) const;
  bool responds_to(SEL s);
  bool conforms_to(Protocol* protocol);
  id perform(SEL s);
  id perform_with(SEL s, id argument);
  id perform_with_two(SEL s, id first, id second);
  IMP method_for(SEL s);
  id method_signature(SEL s);
  void does_not_recognize(SEL s);
  id copy();
  id mutable_copy();
  String* description();
  String* debug_description();
  bool is_proxy() const;
  void* zone() const;
};

// The class of what @protocol() gives.
struct ProtocolClass : Object {
  SIM_CLASS(ProtocolClass, Protocol)
};

// A method's types as an object.
struct MethodSignature : Object {
  SIM_CLASS(MethodSignature, NSMethodSignature)
  std::string types;
  const char* return_type() const;
  unsigned long argument_count() const;
};

}  // namespace metal_sim
