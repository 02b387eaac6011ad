// Objective-C type encodings of C++ types, for method signatures ("v24@0:8@16" without the offsets,
// which nobody reads). Structures specialise Encoding.
#pragma once

#include <string>
#include <type_traits>

#include "sim/metal/objc/abi.h"

namespace metal_sim {

template <typename T>
struct Encoding {
  static std::string text() {
    if constexpr (std::is_enum_v<T>)
      return Encoding<std::underlying_type_t<T>>::text();
    else
      return "?";
  }
};

#define SIM_ENCODE(TYPE, TEXT)                 \
  template <>                                  \
  struct Encoding<TYPE> {                      \
    static std::string text() { return TEXT; } \
  };
SIM_ENCODE(void, "v");
SIM_ENCODE(bool, "B");
SIM_ENCODE(char, "c");
SIM_ENCODE(signed char, "c");
SIM_ENCODE(unsigned char, "C");
SIM_ENCODE(short, "s");
SIM_ENCODE(unsigned short, "S");
SIM_ENCODE(int, "i");
SIM_ENCODE(unsigned int, "I");
SIM_ENCODE(long, "q");
SIM_ENCODE(unsigned long, "Q");
SIM_ENCODE(long long, "q");
SIM_ENCODE(unsigned long long, "Q");
SIM_ENCODE(float, "f");
SIM_ENCODE(double, "d");
SIM_ENCODE(Class, "#");
SIM_ENCODE(SEL, ":");
SIM_ENCODE(const char*, "r*");
SIM_ENCODE(char*, "*");
SIM_ENCODE(const void*, "r^v");
SIM_ENCODE(void*, "^v");
SIM_ENCODE(const Block*, "@?");
SIM_ENCODE(Block*, "@?");

template <typename T>
struct Encoding<T*> {
  static std::string text() {
    using U = std::remove_const_t<T>;
    if constexpr (std::is_base_of_v<objc_object, U>)
      return "@";
    else
      return (std::is_const_v<T> ? "r^" : "^") + Encoding<U>::text();
  }
};

template <typename R, typename... A>
std::string method_encoding() {
  return Encoding<R>::text() + "@:" + (std::string() + ... + Encoding<A>::text());
}

}  // namespace metal_sim
