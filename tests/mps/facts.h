// What the bindings would send, read from the very types that they send with: every method's class,
// selector, argument and result types as Objective-C encodings, every structure, every enumerator.
#pragma once

#include <mps/mps.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace facts {

struct MethodFact {
  std::string owner;
  char kind;  // + or -
  std::string selector;
  std::string result;
  std::vector<std::string> arguments;
};
struct FieldFact {
  std::string name, encoding;
  std::size_t offset;
};
struct StructFact {
  std::string name, encoding;
  std::vector<FieldFact> fields;
  std::size_t size;
};
struct EnumeratorFact {
  std::string name;
  long long value;
};
struct EnumFact {
  std::string name, encoding;
  std::vector<EnumeratorFact> values;
};
struct ParentFact {
  std::string name, parent;
};
struct Facts {
  std::vector<ParentFact> parents;
  std::vector<MethodFact> methods;
  std::vector<MethodFact> functions;  // with no owner
  std::vector<StructFact> structs;
  std::vector<EnumFact> enums;
};

using namespace apple::objc;

template <class T>
struct Encoding;

template <class T>
std::string integer_encoding() {
  const char* letters = std::is_signed_v<T> ? "csiq" : "CSIQ";
  return std::string(1, letters[sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3]);
}

template <class T>
std::string encoding();

template <class T, std::size_t N>
std::string array_encoding(T (*)[N]) {
  return "[" + std::to_string(N) + encoding<T>() + "]";
}

template <class... F>
std::string fields_encoding(TypeList<F...>);

template <class T>
std::string structure_encoding() {
  const std::string name(LayoutOf<T>::kName.view());
  return "{" + name + "=" + fields_encoding(typename LayoutOf<T>::List{}) + "}";
}

template <class... P>
std::string block_encoding(Block<void(P...)>*) {
  std::string text = "@?(v";
  ((text += "," + encoding<P>()), ...);
  return text + ")";
}

template <class T>
inline constexpr bool kIsBlock = false;
template <class S>
inline constexpr bool kIsBlock<Block<S>> = true;

template <class T>
std::string pointer_encoding() {
  using Target = std::remove_const_t<std::remove_pointer_t<T>>;
  if constexpr (std::is_same_v<Target, char>) {
    return "*";
  } else {
    return "^" + encoding<Target>();
  }
}

template <class T>
std::string encoding() {
  if constexpr (std::is_void_v<T>) {
    return "v";
  } else if constexpr (std::is_same_v<T, bool>) {
    return "Z";
  } else if constexpr (std::is_same_v<T, Id> || std::is_same_v<T, Self> || kIsObject<T>) {
    return std::is_same_v<T, Id> ? "^v" : "@";
  } else if constexpr (std::is_same_v<T, ErrorOut> || std::is_same_v<T, Id*> ||
                       std::is_same_v<T, const Id*>) {
    return "^@";
  } else if constexpr (std::is_same_v<T, Sel>) {
    return ":";
  } else if constexpr (kIsBlock<T>) {
    return block_encoding(static_cast<T*>(nullptr));
  } else if constexpr (std::is_enum_v<T>) {
    return integer_encoding<std::underlying_type_t<T>>();
  } else if constexpr (std::is_same_v<T, float>) {
    return "f";
  } else if constexpr (std::is_same_v<T, double>) {
    return "d";
  } else if constexpr (std::is_integral_v<T>) {
    return integer_encoding<T>();
  } else if constexpr (std::is_array_v<T>) {
    return array_encoding(static_cast<T*>(nullptr));
  } else if constexpr (std::is_same_v<T, apple::mps::UChar16>) {
    return "<16C>";
  } else if constexpr (std::is_pointer_v<T>) {
    return pointer_encoding<T>();
  } else {
    return structure_encoding<T>();
  }
}

template <class Struct, class Member>
Member member_type(Member Struct::*);
template <class Struct, class Member>
Struct struct_type(Member Struct::*);

template <class F>
struct FieldType;
template <Text Name, class Struct, class Member, Member Struct::*Pointer>
struct FieldType<Field<Name, Pointer>> {
  using Type = Member;
  static FieldFact fact() {
    const Struct value{};
    const auto* at = reinterpret_cast<const char*>(&(value.*Pointer));
    return {std::string(Name.view()), encoding<Member>(),
            static_cast<std::size_t>(at - reinterpret_cast<const char*>(&value))};
  }
};

template <class... F>
std::string fields_encoding(TypeList<F...>) {
  return (encoding<typename FieldType<F>::Type>() + ...);
}

template <class T, class... F>
StructFact struct_fact(TypeList<F...>) {
  return {
      std::string(LayoutOf<T>::kName.view()), encoding<T>(), {FieldType<F>::fact()...}, sizeof(T)};
}

template <class E>
EnumFact enum_fact() {
  const std::string prefix(EnumOf<E>::kPrefix);
  EnumFact fact{prefix.substr(0, 3) + std::string(EnumOf<E>::kType), encoding<E>(), {}};
  for (const Named<E>& named : EnumOf<E>::kValues) {
    fact.values.push_back({prefix + std::string(named.name), static_cast<long long>(named.value)});
  }
  return fact;
}

// A method's types must be described here too: its enumerations in a list, its structures by
// layout.
template <class T, class... Known>
constexpr bool listed(TypeList<Known...>) {
  return (std::is_same_v<T, Known> || ...);
}
template <class T>
constexpr void check_listed() {
  if constexpr (std::is_enum_v<T>) {
    static_assert(listed<T>(MetalEnums{}) || listed<T>(MpsEnums{}), "an enumeration is not listed");
  } else if constexpr (requires { LayoutOf<T>::kName; }) {
    static_assert(listed<T>(MetalStructs{}) || listed<T>(MpsStructs{}),
                  "a structure is not listed");
  }
}

template <Text S, class R, class... P>
MethodFact method_fact(std::string owner, char kind, R (*)(P...)) {
  check_listed<R>();
  (check_listed<P>(), ...);
  return {std::move(owner), kind, std::string(S.view()), encoding<R>(), {encoding<P>()...}};
}

template <Text S, class Signature>
MethodFact fact_of(const std::string& owner, Method<S, Signature>) {
  return method_fact<S>(owner, '-', static_cast<Signature*>(nullptr));
}
template <Text S, class Signature>
MethodFact fact_of(const std::string& owner, ClassMethod<S, Signature>) {
  return method_fact<S>(owner, '+', static_cast<Signature*>(nullptr));
}
template <Text S, class Signature>
MethodFact fact_of(const std::string& owner, CFunction<S, Signature>) {
  return method_fact<S>(owner, '+', static_cast<Signature*>(nullptr));
}

template <class... M>
void add_methods(std::vector<MethodFact>& all, const std::string& owner, TypeList<M...>) {
  (all.push_back(fact_of(owner, M{})), ...);
}
template <class... I>
void add_interfaces(std::vector<MethodFact>& all, TypeList<I...>) {
  (add_methods(all, std::string(I::kName.view()), typename I::Methods{}), ...);
}
// The parent is where a handle looks for what its own interface does not declare.
template <class... I>
void add_parents(std::vector<ParentFact>& all, TypeList<I...>) {
  const auto name = []<class P>(const P*) {
    if constexpr (std::is_same_v<P, NoParent>) {
      return std::string();
    } else {
      return std::string(P::kName.view());
    }
  };
  (all.push_back({name(static_cast<const I*>(nullptr)),
                  name(static_cast<const typename I::Parent*>(nullptr))}),
   ...);
}
template <class... E>
void add_enums(std::vector<EnumFact>& all, TypeList<E...>) {
  (all.push_back(enum_fact<E>()), ...);
}
template <class... T>
void add_structs(std::vector<StructFact>& all, TypeList<T...>) {
  (all.push_back(struct_fact<T>(typename LayoutOf<T>::List{})), ...);
}

inline Facts gather() {
  Facts facts;
  add_interfaces(facts.methods, apple::ns::Catalogue::List{});
  add_interfaces(facts.methods, apple::mtl::Catalogue::List{});
  add_interfaces(facts.methods, apple::mps::Catalogue::List{});
  add_interfaces(facts.methods, apple::mps::NDArrayCatalogue::List{});
  add_parents(facts.parents, apple::ns::Catalogue::List{});
  add_parents(facts.parents, apple::mtl::Catalogue::List{});
  add_parents(facts.parents, apple::mps::Catalogue::List{});
  add_parents(facts.parents, apple::mps::NDArrayCatalogue::List{});
  add_methods(facts.functions, "", apple::mtl::Functions::List{});
  add_methods(facts.functions, "", apple::mps::Functions::List{});
  add_enums(facts.enums, MetalEnums{});
  add_enums(facts.enums, MpsEnums{});
  add_structs(facts.structs, MetalStructs{});
  add_structs(facts.structs, MpsStructs{});
  return facts;
}

}  // namespace facts
