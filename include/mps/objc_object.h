// Handles that own a reference, and the one place that sends a message.
//
// A handle is a pointer that is retained and released. What a selector's name promises decides who
// owns its result: `new...`, `init...`, `copy...` hand over a reference, every other object is
// retained before the pool around the send is drained. A nil receiver is an error here, not a
// silent zero.
#pragma once

#include <mps/objc_types.h>

#include <string>
#include <utility>

namespace apple::ns {
// Throws a Failure that says what an NSError says; foundation.h has it.
[[noreturn]] void throw_error(objc::Id error, const std::string& what);
}  // namespace apple::ns

namespace apple::objc {

template <Text Name>
Sel selector() {
  static std::atomic<Sel> cached{nullptr};
  if (Sel found = cached.load(std::memory_order_acquire)) return found;
  Runtime::require_loaded();
  Sel found = Runtime::entries().sel_register_name(Name.chars);
  cached.store(found, std::memory_order_release);
  return found;
}

template <Text Name>
Id class_named() {
  static std::atomic<Id> cached{nullptr};
  if (Id found = cached.load(std::memory_order_acquire)) return found;
  Runtime::require_loaded();
  Id found = Runtime::entries().get_class(Name.chars);
  if (!found) {
    throw Failure("class " + std::string(Name.view()) + " is missing: this system is too old");
  }
  cached.store(found, std::memory_order_release);
  return found;
}

// An object with the reference that its receiver must release, or nil.
struct Made {
  Id id = nullptr;
};

class Object {
 public:
  Object() = default;  // nil
  explicit Object(Made made) : id_(made.id) {}
  Object(const Object& other) : id_(other.id_) { retain(id_); }
  Object(Object&& other) noexcept : id_(std::exchange(other.id_, nullptr)) {}
  Object& operator=(Object other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Object() {
    if (id_) Runtime::entries().release(id_);
  }

  Id id() const { return id_; }
  explicit operator bool() const { return id_ != nullptr; }
  friend bool operator==(const Object& a, const Object& b) { return a.id_ == b.id_; }

 private:
  static void retain(Id id) {
    if (id) Runtime::entries().retain(id);
  }
  Id id_ = nullptr;
};

// Another reference to an object that somebody else owns: a handler's argument, a foreign pointer.
inline Made retained(Id id) { return Made{id ? Runtime::entries().retain(id) : nullptr}; }

template <class T>
inline constexpr bool kIsObject = std::is_base_of_v<Object, T>;

// How a declared type travels in a call.
template <class T>
struct Abi {
  using Type = T;
  static T to(T value) { return value; }
  static T from(T value) { return value; }
};
template <>
struct Abi<void> {
  using Type = void;
};
template <class T>
requires kIsObject<T>
struct Abi<T> {
  using Type = Id;
  static Id to(const T& handle) { return handle.id(); }
};
template <>
struct Abi<bool> {  // BOOL is a signed char on x86-64 and a bool on arm64: 0 and 1 suit both
  using Type = signed char;
  static Type to(bool value) { return value ? 1 : 0; }
  static bool from(Type value) { return value != 0; }
};
template <>
struct Abi<ErrorOut> {
  using Type = Id*;
  static Type to(Id* value) { return value; }
};
template <>
struct Abi<Self> {
  using Type = Id;
};

// On x86-64 a structure of more than two registers comes back where a hidden argument points.
template <class R>
constexpr bool returned_in_memory() {
  if constexpr (kHasStret && std::is_class_v<R>) {
    return sizeof(R) > 16;
  } else {
    return false;
  }
}

// Through the function's exact type: a variadic call passes its arguments elsewhere on arm64.
template <class R, class... A>
R message(Id receiver, Sel sel, A... args) {
  static_assert(!std::is_same_v<R, long double>, "x86-64 returns it through objc_msgSend_fpret");
  using Function = R (*)(Id, Sel, A...);
  const Entries& entries = Runtime::entries();
  if constexpr (returned_in_memory<R>()) {
    return reinterpret_cast<Function>(entries.msg_send_stret)(receiver, sel, args...);
  } else {
    return reinterpret_cast<Function>(entries.msg_send)(receiver, sel, args...);
  }
}

template <Text Name, class R, class... P>
auto* symbol_of(CFunction<Name, R(P...)>) {
  using Function = typename Abi<R>::Type(typename Abi<P>::Type...);
  return reinterpret_cast<Function*>(Runtime::symbol(Name.chars));
}

// A C function that the list declares; null where the frameworks have none.
template <Text Name, class List>
auto* find_function() {
  return symbol_of(decltype(declared_function<Name>(static_cast<const List*>(nullptr))){});
}

template <Text Name, class List>
auto* function() {
  auto* found = find_function<Name, List>();
  if (!found) {
    throw Failure(std::string(Name.view()) + " is missing: this system is too old or has no Metal");
  }
  return found;
}

struct NoPool {};

template <Text S, class Signature>
struct Sender;

template <Text S, class R, class... P>
struct Sender<S, R(P...)> {
  static constexpr bool kObjectResult = std::is_same_v<typename Abi<R>::Type, Id>;
  static constexpr bool kPooled =
      kObjectResult || !(needs_no_pool(S.view()) || (sizeof...(P) == 0 && !std::is_void_v<R>));
  using MaybePool = std::conditional_t<kPooled, Pool, NoPool>;

  static auto raw(Id receiver, typename Abi<P>::Type... args) {
    return message<typename Abi<R>::Type>(receiver, selector<S>(), args...);
  }

  template <class... A>
  static R send(Id receiver, const A&... args) {
    static_assert(sizeof...(A) == sizeof...(P), "the method takes another number of arguments");
    [[maybe_unused]] const MaybePool pool{};
    if constexpr (std::is_void_v<R>) {
      message<void>(receiver, selector<S>(), Abi<P>::to(args)...);
    } else if constexpr (kIsObject<R>) {
      return R(owned(raw(receiver, Abi<P>::to(args)...)));
    } else {
      return Abi<R>::from(raw(receiver, Abi<P>::to(args)...));
    }
  }

  // The object itself, with a reference, however the method gives it.
  template <class... A>
  static Made make(Id receiver, const A&... args) {
    const Pool pool;
    return make_in_pool(receiver, args...);
  }

  // The same in a pool of the caller's, who wants what else the method left there.
  template <class... A>
  static Made make_in_pool(Id receiver, const A&... args) {
    static_assert(sizeof...(A) == sizeof...(P), "the method takes another number of arguments");
    return owned(raw(receiver, Abi<P>::to(args)...));
  }

  static Made owned(Id id) { return gives_ownership(S.view()) ? Made{id} : retained(id); }
};

template <Text S, class Signature>
Sender<S, Signature> sender_of(Method<S, Signature>);
template <Text S, class Signature>
Sender<S, Signature> sender_of(ClassMethod<S, Signature>);

struct NSObjectInterface
    : Interface<"NSObject", NoParent, ClassMethod<"alloc", Self()>, Method<"init", Self()>,
                Method<"respondsToSelector:", bool(Sel)>> {};

// Base of every handle's class: sends what interface I, or one that it inherits from, declares.
template <class C, class I, class Base = Object>
class Of : public Base {
  static_assert(C::template kHas<I>, "the interface is not in the catalogue that the tests read");

 public:
  Of() = default;
  explicit Of(Made made) : Base(made) {}

  static Id class_object() { return class_named<I::kName>(); }

  // Whether this system's version of the class has a method that the interface declares.
  template <Text S>
  bool responds_to() const {
    [[maybe_unused]] const auto method = find_method<S, I>();
    return Sender<"respondsToSelector:", bool(Sel)>::send(this->id(), selector<S>());
  }

  template <Text S>
  static std::string described() {
    return "[" + std::string(I::kName.view()) + " " + std::string(S.view()) + "]";
  }

 protected:
  template <Text S>
  using InstanceSender = decltype(sender_of(find_method<S, I>()));
  template <Text S>
  using ClassSender = decltype(sender_of(find_class_method<S, I>()));

  template <Text S, class... A>
  auto send(const A&... args) const {
    return InstanceSender<S>::send(receiver<S>(), args...);
  }

  // For a method that hands over an object which there must be.
  template <class T, Text S, class... A>
  T obtain(const A&... args) const {
    return T(made<S>(InstanceSender<S>::make(receiver<S>(), args...)));
  }

  // For a method that ends in `error:`.
  template <class T, Text S, class... A>
  T obtain_or_error(const A&... args) const {
    const Pool pool;  // the error lives no longer than it
    Id error = nullptr;
    const Made result = InstanceSender<S>::make_in_pool(receiver<S>(), args..., &error);
    if (!result.id) ns::throw_error(error, described<S>());
    return T(result);
  }

  template <Text S, class... A>
  static auto send_class(const A&... args) {
    return ClassSender<S>::send(class_object(), args...);
  }

  // +[Class matrixDescriptorWith...]
  template <Text S, class... A>
  static Made create(const A&... args) {
    return made<S>(ClassSender<S>::make(class_object(), args...));
  }

  // [[Class alloc] init...]
  template <Text S, class... A>
  static Made init(const A&... args) {
    const Made fresh = Sender<"alloc", Self()>::make(class_object());
    return made<S>(InstanceSender<S>::make(fresh.id, args...));
  }

 private:
  template <Text S>
  Id receiver() const {
    if (!this->id()) throw Failure(described<S>() + " was sent to nil");
    return this->id();
  }

  template <Text S>
  static Made made(Made result) {
    if (!result.id) throw Failure(described<S>() + " gave nil");
    return result;
  }
};

}  // namespace apple::objc
