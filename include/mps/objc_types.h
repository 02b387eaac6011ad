// How a class's methods are declared, once: as types that both the sending code and the tests read.
//
// `Interface<"MTLBuffer", Resource, Method<"length", UInt()>, ...>` is all that is known of a
// class. A handle sends by selector, and the selector is looked up here at compile time with its
// argument and result types; one that is not declared does not compile. The interfaces of a
// framework are listed in its Catalogue, and a handle of an interface that is in none does not
// compile either.
#pragma once

#include <mps/objc_runtime.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace apple::objc {

// A string literal as a template argument.
template <std::size_t N>
struct Text {
  char chars[N];
  constexpr Text(const char (&text)[N]) { std::copy_n(text, N, chars); }
  constexpr std::string_view view() const { return {chars, N - 1}; }
};

struct Self {};      // `instancetype`: an object of the class that is asked
struct ErrorOut {};  // `NSError**`, filled when the method fails

template <Text Selector, class Signature>
struct Method {};
template <Text Selector, class Signature>
struct ClassMethod {};

template <class... Types>
struct TypeList {};

struct NoParent {
  using Parent = NoParent;
};

template <Text Name, class ParentInterface, class... Declared>
struct Interface : Declared... {
  static constexpr auto kName = Name;
  using Parent = ParentInterface;
  using Methods = TypeList<Declared...>;
};

template <class... Interfaces>
struct Catalogue {
  using List = TypeList<Interfaces...>;
  template <class I>
  static constexpr bool kHas = (std::is_same_v<I, Interfaces> || ...);
};

// Deduces the signature of selector S from an interface's base classes.
template <Text S, class Signature>
Method<S, Signature> declared(const Method<S, Signature>*);
template <Text S, class Signature>
ClassMethod<S, Signature> declared_for_class(const ClassMethod<S, Signature>*);

template <Text S, class I>
constexpr auto find_method() {
  if constexpr (requires(const I* i) { declared<S>(i); }) {
    return decltype(declared<S>(static_cast<const I*>(nullptr))){};
  } else {
    static_assert(!std::is_same_v<I, NoParent>, "the class declares no such method");
    return find_method<S, typename I::Parent>();
  }
}

template <Text S, class I>
constexpr auto find_class_method() {
  if constexpr (requires(const I* i) { declared_for_class<S>(i); }) {
    return decltype(declared_for_class<S>(static_cast<const I*>(nullptr))){};
  } else {
    static_assert(!std::is_same_v<I, NoParent>, "the class declares no such class method");
    return find_class_method<S, typename I::Parent>();
  }
}

// A framework's C functions, declared and looked up the same way.
template <Text Name, class Signature>
struct CFunction {};
template <class... Declared>
struct Functions : Declared... {
  using List = TypeList<Declared...>;
};
template <Text Name, class Signature>
CFunction<Name, Signature> declared_function(const CFunction<Name, Signature>*);

// Memory rules of a selector's name: a method of these families hands over a reference.
constexpr bool in_family(std::string_view selector, std::string_view family) {
  if (!selector.starts_with(family)) return false;
  if (selector.size() == family.size()) return true;
  const char next = selector[family.size()];
  return next < 'a' || next > 'z';
}

constexpr bool gives_ownership(std::string_view selector) {
  for (const std::string_view family : {"alloc", "new", "copy", "mutableCopy", "init"}) {
    if (in_family(selector, family)) return true;
  }
  return false;
}

// Setters, dispatches and barriers leave nothing in a pool and run per kernel: they go without one.
constexpr bool needs_no_pool(std::string_view selector) {
  for (const std::string_view head : {"set", "dispatch", "memoryBarrier"}) {
    if (in_family(selector, head)) return true;
  }
  return false;
}

// A C structure's name and fields, for the tests: specialised beside each structure.
template <Text Name, auto Member>
struct Field {
  static constexpr auto kName = Name;
  static constexpr auto kMember = Member;
};
template <Text Name, class... Fields>
struct Layout {
  static constexpr auto kName = Name;
  using List = TypeList<Fields...>;
};
template <class T>
struct LayoutOf;

// An enumeration's Apple names and values, for the tests: specialised where it is defined.
template <class E>
struct EnumOf;

template <class E>
struct Named {
  std::string_view name;
  E value;
};

template <class E>
inline constexpr bool kIsFlags = false;

}  // namespace apple::objc

// Options that are or-ed together.
namespace apple {
template <class E>
requires objc::kIsFlags<E>
constexpr E operator|(E a, E b) {
  using U = std::underlying_type_t<E>;
  return static_cast<E>(static_cast<U>(a) | static_cast<U>(b));
}
template <class E>
requires objc::kIsFlags<E>
constexpr E operator&(E a, E b) {
  using U = std::underlying_type_t<E>;
  return static_cast<E>(static_cast<U>(a) & static_cast<U>(b));
}
}  // namespace apple

// One list makes both the enumeration and its table of Apple's names, so neither can have a value
// that the other lacks. LIST(X) is X(name, Suffix, value) for each; Apple's name is PREFIX Suffix.
#define APPLE_ENUM_VALUE(name, suffix, number) name = number,
#define APPLE_ENUM_NAME(name, suffix, number) {#suffix, E::name},
#define APPLE_ENUM(SPACE, Type, Storage, PREFIX, LIST)             \
  namespace apple::SPACE {                                         \
  enum class Type : Storage { LIST(APPLE_ENUM_VALUE) };            \
  }                                                                \
  template <>                                                      \
  struct apple::objc::EnumOf<apple::SPACE::Type> {                 \
    using E = apple::SPACE::Type;                                  \
    static constexpr std::string_view kType = #Type;               \
    static constexpr std::string_view kPrefix = PREFIX;            \
    static constexpr Named<E> kValues[] = {LIST(APPLE_ENUM_NAME)}; \
  }
