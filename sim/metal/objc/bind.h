// C++ classes as Objective-C classes:
//
//   struct Queue : Object {
//     SIM_CLASS(Queue, MTLSimQueue)
//     CommandBuffer* command_buffer();
//   };
//   Cls<Queue>(Object::kClass).method<&Queue::command_buffer>("commandBuffer");
//
// Members are real C++ members: they are constructed by +alloc and destroyed at the last release.
// Method signatures become type encodings by themselves.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include "sim/metal/objc/encode.h"
#include "sim/metal/objc/runtime.h"

// The class object carries the linker's name of an Objective-C class, so that compiled code can
// name it and derive from it. Constant-initialised: a dynamic initialiser would run after set-up.
#define SIM_CLASS(TYPE, NAME)                                                               \
  using Self = TYPE;                                                                        \
  static constexpr const char* kName = #NAME;                                               \
  __attribute__((visibility("default"))) inline static constinit objc_class kClass __asm__( \
      "OBJC_CLASS_$_" #NAME){};                                                             \
  __attribute__((visibility("default"))) inline static constinit objc_class kMeta __asm__(  \
      "OBJC_METACLASS_$_" #NAME){};

namespace metal_sim {

// An owning pointer to an object.
template <typename T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  explicit Ref(T* object) : object_(object) { retain(object); }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  ~Ref() { release(object_); }
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  static Ref adopt(T* object) {
    Ref r;
    r.object_ = object;
    return r;
  }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  T* take() { return std::exchange(object_, nullptr); }  // +1 for the caller
  T* autoreleased() { return static_cast<T*>(autorelease(take())); }

 private:
  T* object_ = nullptr;
};

namespace detail {

template <auto M>
struct Method;

template <typename C, typename R, typename... A, R (C::*M)(A...)>
struct Method<M> {
  template <typename T>
  static R call(T* self, SEL, A... args) {
    return (self->*M)(args...);
  }
  static std::string types() { return method_encoding<R, A...>(); }
};

template <typename C, typename R, typename... A, R (C::*M)(A...) const>
struct Method<M> {
  template <typename T>
  static R call(T* self, SEL, A... args) {
    return (self->*M)(args...);
  }
  static std::string types() { return method_encoding<R, A...>(); }
};

template <typename R, typename... A, R (*F)(Class, A...)>
struct Method<F> {
  static R call_class(Class self, SEL, A... args) { return F(self, args...); }
  static std::string types() { return method_encoding<R, A...>(); }
};

// A class method from an initialiser: [[[cls alloc] init...] autorelease].
template <auto Init>
struct Factory;
template <typename C, typename R, typename... A, R (C::*Init)(A...)>
struct Factory<Init> {
  static R make(Class cls, A... args) {
    static const SEL alloc = selector("alloc");
    auto* object = send<C*>(cls, alloc);
    return static_cast<R>(autorelease((object->*Init)(args...)));
  }
};

// Properties that only hold a value.
template <typename T>
struct is_ref : std::false_type {};
template <typename T>
struct is_ref<Ref<T>> : std::true_type {};
template <auto Field>
struct Property;
template <typename C, typename V, V C::*Field>
requires(!is_ref<V>::value) struct Property<Field> {
  template <typename T>
  static V get(T* self, SEL) {
    return self->*Field;
  }
  template <typename T>
  static void set(T* self, SEL, V value) {
    self->*Field = value;
  }
  using Value = V;
};
template <typename C, typename V, Ref<V> C::*Field>
struct Property<Field> {
  template <typename T>
  static V* get(T* self, SEL) {
    return (self->*Field).get();
  }
  template <typename T>
  static void set(T* self, SEL, V* value) {
    self->*Field = Ref<V>(value);
  }
  using Value = V*;
};

}  // namespace detail

// "name" -> "setName:"
std::string setter_name(const char* property);
void fill_class(Class cls, Class meta, Class superclass, const char* name, size_t size);

template <typename T>
class Cls {
 public:
  explicit Cls(objc_class& superclass) : Cls(&superclass) {}
  explicit Cls(Class superclass) {
    T::kClass.isa = &T::kMeta;
    fill_class(&T::kClass, &T::kMeta, superclass, T::kName, sizeof(T));
    T::kClass.info->construct = [](void* p) {
      const Class isa = static_cast<T*>(p)->isa;
      new (p) T;
      static_cast<T*>(p)->isa = isa;
    };
    T::kClass.info->destroy = [](void* p) { static_cast<T*>(p)->~T(); };
    register_class(&T::kClass);
  }
  template <auto M>
  Cls& method(const char* name) {
    using Bound = detail::Method<M>;
    return add(&T::kClass, name, reinterpret_cast<IMP>(&Bound::template call<T>), Bound::types());
  }
  template <auto F>
  Cls& class_method(const char* name) {
    using Bound = detail::Method<F>;
    return add(&T::kMeta, name, reinterpret_cast<IMP>(&Bound::call_class), Bound::types());
  }
  // "stringWithUTF8String:" from the member that implements "initWithUTF8String:", and that one
  // too.
  template <auto Init>
  Cls& maker(const char* init_name, const char* factory_name) {
    method<Init>(init_name);
    return class_method<&detail::Factory<Init>::make>(factory_name);
  }
  template <auto Init>
  Cls& factory(const char* name) {
    return class_method<&detail::Factory<Init>::make>(name);
  }
  template <auto Field>
  Cls& read_only(const char* name) {
    using Bound = detail::Property<Field>;
    return add(&T::kClass, name, reinterpret_cast<IMP>(&Bound::template get<T>),
               method_encoding<typename Bound::Value>());
  }
  template <auto Field>
  Cls& property(const char* name) {
    using Bound = detail::Property<Field>;
    read_only<Field>(name);
    return add(&T::kClass, setter_name(name).c_str(),
               reinterpret_cast<IMP>(&Bound::template set<T>),
               method_encoding<void, typename Bound::Value>());
  }
  // For what no member can be: variadic methods.
  Cls& raw_method(const char* name, IMP imp, const char* types) {
    return add(&T::kClass, name, imp, types);
  }
  Cls& raw_class_method(const char* name, IMP imp, const char* types) {
    return add(&T::kMeta, name, imp, types);
  }
  Cls& conforms(const char* protocol) {
    T::kClass.info->protocols.push_back(declare_protocol(protocol));
    return *this;
  }
  Cls& counting(Counting kind) {
    T::kClass.info->counting = kind;
    return *this;
  }

 private:
  Cls& add(Class cls, const char* name, IMP imp, std::string types) {
    add_method(cls, selector(name), imp, std::move(types));
    return *this;
  }
};

// A new object, +1, as alloc and a plain init would give it.
template <typename T>
T* make() {
  return static_cast<T*>(alloc_instance(&T::kClass));
}
template <typename T>
Ref<T> make_ref() {
  return Ref<T>::adopt(make<T>());
}

// `object` as a T, or null if it is none.
template <typename T>
T* as(id object) {
  return object && is_kind_of(object->isa, &T::kClass) ? static_cast<T*>(object) : nullptr;
}

}  // namespace metal_sim
