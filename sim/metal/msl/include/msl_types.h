// Scalars, limits and type traits.
#pragma once
#include "msl_attributes.h"

typedef _Float16 half;
typedef __bf16 bfloat;
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef signed char int8_t;
typedef uchar uint8_t;
typedef short int16_t;
typedef ushort uint16_t;
typedef int int32_t;
typedef uint uint32_t;
typedef long int64_t;
typedef ulong uint64_t;
typedef ulong size_t;
typedef long ptrdiff_t;
typedef long intptr_t;
typedef ulong uintptr_t;
typedef decltype(nullptr) nullptr_t;

constexpr half operator""h(long double x) { return half(x); }
constexpr bfloat operator""_b(long double x) { return bfloat(float(x)); }  // of 1.0bf

#define CHAR_BIT 8
#define SCHAR_MAX 127
#define SCHAR_MIN (-128)
#define UCHAR_MAX 255
#define CHAR_MAX 127
#define CHAR_MIN (-128)
#define SHRT_MAX 32767
#define SHRT_MIN (-32768)
#define USHRT_MAX 65535
#define INT_MAX 2147483647
#define INT_MIN (-2147483647 - 1)
#define UINT_MAX 4294967295u
#define LONG_MAX 9223372036854775807l
#define LONG_MIN (-9223372036854775807l - 1l)
#define ULONG_MAX 18446744073709551615ul
#define FLT_MAX 0x1.fffffep127f
#define FLT_MIN 0x1p-126f
#define FLT_EPSILON 0x1p-23f
#define FLT_DIG 6
#define FLT_MANT_DIG 24
#define FLT_MAX_EXP 128
#define FLT_MIN_EXP (-125)
#define HALF_MAX half(65504.0f)
#define HALF_MIN half(0x1p-14f)
#define HALF_EPSILON half(0x1p-10f)
#define MAXFLOAT FLT_MAX
#define MAXHALF HALF_MAX
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define HUGE_VALF __builtin_inff()
#define M_E_F 2.71828182845904523536f
#define M_LOG2E_F 1.44269504088896340736f
#define M_LOG10E_F 0.43429448190325182765f
#define M_LN2_F 0.69314718055994530942f
#define M_LN10_F 2.30258509299404568402f
#define M_PI_F 3.14159265358979323846f
#define M_PI_2_F 1.57079632679489661923f
#define M_PI_4_F 0.78539816339744830962f
#define M_1_PI_F 0.31830988618379067154f
#define M_2_PI_F 0.63661977236758134308f
#define M_2_SQRTPI_F 1.12837916709551257390f
#define M_SQRT2_F 1.41421356237309504880f
#define M_SQRT1_2_F 0.70710678118654752440f
#define M_PI_H half(M_PI_F)
#define M_E_H half(M_E_F)
#define M_SQRT2_H half(M_SQRT2_F)

namespace metal {
using ::bfloat;
using ::half;
using ::int16_t;
using ::int32_t;
using ::int64_t;
using ::int8_t;
using ::nullptr_t;
using ::ptrdiff_t;
using ::size_t;
using ::uchar;
using ::uint;
using ::uint16_t;
using ::uint32_t;
using ::uint64_t;
using ::uint8_t;
using ::ulong;
using ::ushort;

template <typename T, T v>
struct integral_constant {
  static constexpr constant T value = v;
  typedef T value_type;
  typedef integral_constant type;
  constexpr operator T() const { return v; }
  constexpr T operator()() const { return v; }
};
template <bool B>
using bool_constant = integral_constant<bool, B>;
using true_type = bool_constant<true>;
using false_type = bool_constant<false>;

template <bool B, typename T = void>
struct enable_if {};
template <typename T>
struct enable_if<true, T> {
  typedef T type;
};
template <bool B, typename T = void>
using enable_if_t = typename enable_if<B, T>::type;

template <bool B, typename T, typename U>
struct conditional {
  typedef T type;
};
template <typename T, typename U>
struct conditional<false, T, U> {
  typedef U type;
};
template <bool B, typename T, typename U>
using conditional_t = typename conditional<B, T, U>::type;

template <typename T>
struct type_identity {
  typedef T type;
};
template <typename T>
using type_identity_t = typename type_identity<T>::type;

template <typename T>
struct remove_addrspace {
  typedef T type;
};
#define __MSL_NO_SPACE(space)               \
  template <typename T>                     \
  struct remove_addrspace<space T> {        \
    typedef T type;                         \
  };                                        \
  template <typename T>                     \
  struct remove_addrspace<const space T> {  \
    typedef const T type;                   \
  };
__MSL_NO_SPACE(device)
__MSL_NO_SPACE(threadgroup)
#undef __MSL_NO_SPACE
template <typename T>
struct remove_addrspace<constant T> {
  typedef const T type;
};
template <typename T>
using remove_addrspace_t = typename remove_addrspace<T>::type;

template <typename T>
using remove_const = type_identity<__remove_const(T)>;
template <typename T>
using remove_volatile = type_identity<__remove_volatile(T)>;
template <typename T>
using remove_reference = type_identity<__remove_reference_t(T)>;
template <typename T>
using remove_pointer = type_identity<__remove_pointer(T)>;
// A space qualifies a type as const does, and a value has none.
template <typename T>
using remove_cv = type_identity<__remove_cv(typename remove_addrspace<T>::type)>;
template <typename T>
using remove_const_t = typename remove_const<T>::type;
template <typename T>
using remove_volatile_t = typename remove_volatile<T>::type;
template <typename T>
using remove_reference_t = typename remove_reference<T>::type;
template <typename T>
using remove_pointer_t = typename remove_pointer<T>::type;
template <typename T>
using remove_cv_t = typename remove_cv<T>::type;
template <typename T>
using decay_t = __decay(T);
template <typename T>
using make_unsigned_t = __make_unsigned(T);
template <typename T>
using make_signed_t = __make_signed(T);
template <typename T>
using make_unsigned = type_identity<__make_unsigned(T)>;
template <typename T>
using make_signed = type_identity<__make_signed(T)>;

#define __MSL_TRAIT(name, ...)                             \
  template <typename T>                                    \
  struct name : bool_constant<(__VA_ARGS__)> {};           \
  template <typename T>                                    \
  constexpr constant bool name##_v = (__VA_ARGS__);
#define __MSL_TRAIT2(name, ...)                            \
  template <typename T, typename U>                        \
  struct name : bool_constant<(__VA_ARGS__)> {};           \
  template <typename T, typename U>                        \
  constexpr constant bool name##_v = (__VA_ARGS__);
__MSL_TRAIT2(is_same, __is_same(T, U))
__MSL_TRAIT2(is_convertible, __is_convertible(T, U))
__MSL_TRAIT2(is_base_of, __is_base_of(T, U))
__MSL_TRAIT2(is_assignable, __is_assignable(T, U))
__MSL_TRAIT(is_integral, __is_integral(remove_cv_t<T>))
__MSL_TRAIT(is_floating_point, __is_floating_point(remove_cv_t<T>))
__MSL_TRAIT(is_arithmetic, __is_integral(remove_cv_t<T>) || __is_floating_point(remove_cv_t<T>))
__MSL_TRAIT(is_scalar, __is_scalar(T))
__MSL_TRAIT(is_signed, __is_floating_point(remove_cv_t<T>) || __is_signed(remove_cv_t<T>))
__MSL_TRAIT(is_unsigned, __is_unsigned(remove_cv_t<T>))
__MSL_TRAIT(is_pointer, __is_pointer(T))
__MSL_TRAIT(is_reference, __is_reference(T))
__MSL_TRAIT(is_lvalue_reference, __is_lvalue_reference(T))
__MSL_TRAIT(is_array, __is_array(T))
__MSL_TRAIT(is_class, __is_class(T))
__MSL_TRAIT(is_enum, __is_enum(T))
__MSL_TRAIT(is_union, __is_union(T))
__MSL_TRAIT(is_void, __is_void(T))
__MSL_TRAIT(is_const, __is_const(T))
__MSL_TRAIT(is_volatile, __is_volatile(T))
__MSL_TRAIT(is_trivially_copyable, __is_trivially_copyable(T))
__MSL_TRAIT(is_trivial, __is_trivial(T))
__MSL_TRAIT(is_standard_layout, __is_standard_layout(T))
#undef __MSL_TRAIT
#undef __MSL_TRAIT2

template <typename...>
struct _disjunction : false_type {};
template <typename T, typename... Rest>
struct _disjunction<T, Rest...> : bool_constant<T::value || _disjunction<Rest...>::value> {};
template <typename...>
struct _conjunction : true_type {};
template <typename T, typename... Rest>
struct _conjunction<T, Rest...> : bool_constant<T::value && _conjunction<Rest...>::value> {};
template <typename... Ts>
using disjunction = _disjunction<Ts...>;
template <typename... Ts>
using conjunction = _conjunction<Ts...>;

template <typename T>
T declval() noexcept;
template <typename T>
constexpr remove_reference_t<T>&& move(T&& x) {
  return static_cast<remove_reference_t<T>&&>(x);
}
template <typename T>
constexpr T&& forward(remove_reference_t<T>& x) {
  return static_cast<T&&>(x);
}
template <typename T>
constexpr void swap(T& a, T& b) {
  T c = a;
  a = b;
  b = c;
}

template <typename T>
struct numeric_limits {
  static constexpr constant bool is_specialized = false;
};
#define __MSL_LIMITS_COMMON(T, sign, whole)               \
  static constexpr constant bool is_specialized = true;   \
  static constexpr constant bool is_signed = sign;        \
  static constexpr constant bool is_integer = whole;      \
  static constexpr constant bool is_exact = whole;        \
  static constexpr constant bool has_infinity = !whole;   \
  static constexpr constant bool has_quiet_NaN = !whole;  \
  static constexpr constant bool is_iec559 = !whole;      \
  static constexpr constant int radix = 2;
#define __MSL_LIMITS_WHOLE(T, sign, low, high, bits)      \
  template <>                                             \
  struct numeric_limits<T> {                              \
    __MSL_LIMITS_COMMON(T, sign, true)                    \
    static constexpr constant int digits = bits;          \
    static constexpr T min() { return T(low); }           \
    static constexpr T max() { return T(high); }          \
    static constexpr T lowest() { return T(low); }        \
    static constexpr T infinity() { return T(0); }        \
    static constexpr T quiet_NaN() { return T(0); }       \
  };
__MSL_LIMITS_WHOLE(bool, false, 0, 1, 1)
__MSL_LIMITS_WHOLE(char, true, CHAR_MIN, CHAR_MAX, 7)
__MSL_LIMITS_WHOLE(int8_t, true, CHAR_MIN, CHAR_MAX, 7)
__MSL_LIMITS_WHOLE(uchar, false, 0, UCHAR_MAX, 8)
__MSL_LIMITS_WHOLE(short, true, SHRT_MIN, SHRT_MAX, 15)
__MSL_LIMITS_WHOLE(ushort, false, 0, USHRT_MAX, 16)
__MSL_LIMITS_WHOLE(int, true, INT_MIN, INT_MAX, 31)
__MSL_LIMITS_WHOLE(uint, false, 0, UINT_MAX, 32)
__MSL_LIMITS_WHOLE(long, true, LONG_MIN, LONG_MAX, 63)
__MSL_LIMITS_WHOLE(ulong, false, 0, ULONG_MAX, 64)
#undef __MSL_LIMITS_WHOLE
#define __MSL_LIMITS_REAL(T, bits, small, large, step, tiny, high_exponent, low_exponent) \
  template <>                                                                          \
  struct numeric_limits<T> {                                                           \
    __MSL_LIMITS_COMMON(T, true, false)                                                \
    static constexpr constant int digits = bits;                                       \
    static constexpr constant int max_exponent = high_exponent;                        \
    static constexpr constant int min_exponent = low_exponent;                         \
    static constexpr T min() { return T(small); }                                      \
    static constexpr T max() { return T(large); }                                      \
    static constexpr T lowest() { return T(-large); }                                  \
    static constexpr T epsilon() { return T(step); }                                   \
    static constexpr T denorm_min() { return T(tiny); }                                \
    static constexpr T round_error() { return T(0.5f); }                               \
    static constexpr T infinity() { return T(__builtin_inff()); }                      \
    static constexpr T quiet_NaN() { return T(__builtin_nanf("")); }                   \
    static constexpr T signaling_NaN() { return T(__builtin_nanf("")); }               \
  };
__MSL_LIMITS_REAL(float, 24, FLT_MIN, FLT_MAX, FLT_EPSILON, 0x1p-149f, 128, -125)
__MSL_LIMITS_REAL(half, 11, 0x1p-14f, 65504.0f, 0x1p-10f, 0x1p-24f, 16, -13)
__MSL_LIMITS_REAL(bfloat, 8, 0x1p-126f, 0x1.fep127f, 0x1p-7f, 0x1p-133f, 128, -125)
#undef __MSL_LIMITS_REAL
#undef __MSL_LIMITS_COMMON

template <typename To, typename From>
constexpr __MSL_INLINE To __as_type(From x) {
  static_assert(sizeof(To) == sizeof(From), "as_type needs two types of one size");
  return __builtin_bit_cast(To, x);
}

// What static_cast becomes in sources with bfloat: clang has no cast between it and half.
template <typename To, typename From>
constexpr __MSL_INLINE To __cast(From&& x) {
  typedef remove_cv_t<remove_reference_t<From>> T;
  if constexpr ((is_same<To, bfloat>::value && is_same<T, half>::value) ||
                (is_same<To, half>::value && is_same<T, bfloat>::value)) {
    return To(float(x));
  } else {
    return static_cast<To>(static_cast<From&&>(x));
  }
}
#define _Mstaticast ::metal::__cast

// The value is set when a pipeline is made: lower.cpp turns the call into a load.
template <int n, typename T>
T __function_constant_value();
template <int n>
struct __function_constant {
  template <typename T>
  __MSL_INLINE operator T() const {
    return __function_constant_value<n, T>();
  }
};
bool __is_defined(const void*) __MSL_AIR("msl.is_defined");
template <typename T, size_t n>
struct array {
  T __elements[n];
  typedef T value_type;
  constexpr T& operator[](size_t i) { return __elements[i]; }
  constexpr const T& operator[](size_t i) const { return __elements[i]; }
  constexpr size_t size() const { return n; }
  constexpr T* begin() { return __elements; }
  constexpr T* end() { return __elements + n; }
  constexpr const T* begin() const { return __elements; }
  constexpr const T* end() const { return __elements + n; }
};

// A promise that all threads have the same value.
template <typename T>
struct uniform {
  T value;
  uniform() = default;
  constexpr uniform(T x) : value(x) {}
  constexpr operator T() const { return value; }
};
template <typename T>
constexpr uniform<T> make_uniform(T x) {
  return uniform<T>(x);
}
}  // namespace metal

template <typename To, typename From>
constexpr __MSL_INLINE To as_type(From x) {
  return ::metal::__as_type<To>(x);
}
