// Mathematics of floats and halves, in three namespaces: metal:: is fast:: or precise:: by the
// compiler's options. bfloat is computed as float. Vectors go element by element.
#pragma once
#include "msl_vector.h"

namespace metal {
struct __fast_math {};
struct __precise_math {};
#define __METAL_FAST_MATH__ (::metal::__fast_math())
#define __METAL_PRECISE_MATH__ (::metal::__precise_math())
#ifdef __MSL_FAST_FUNCTIONS__
#define __METAL_MAYBE_FAST_MATH__ __METAL_FAST_MATH__
#else
#define __METAL_MAYBE_FAST_MATH__ __METAL_PRECISE_MATH__
#endif

// Names of AIR: one operand, two operands.
#define __MSL_AIR1(name)                                                                   \
  float __air_##name(float) __MSL_AIR_PURE("air." #name ".f32");                           \
  float __air_fast_##name(float) __MSL_AIR_PURE("air.fast_" #name ".f32");                 \
  half __air_##name(half) __MSL_AIR_PURE("air." #name ".f16");                             \
  __MSL_INLINE float __metal_##name(float x, __precise_math) { return __air_##name(x); }   \
  __MSL_INLINE float __metal_##name(float x, __fast_math) { return __air_fast_##name(x); } \
  template <typename M>                                                                    \
  __MSL_INLINE half __metal_##name(half x, M) {                                            \
    return __air_##name(x);                                                                \
  }
#define __MSL_AIR2(name)                                                         \
  float __air_##name(float, float) __MSL_AIR_PURE("air." #name ".f32");          \
  float __air_fast_##name(float, float) __MSL_AIR_PURE("air.fast_" #name ".f32"); \
  half __air_##name(half, half) __MSL_AIR_PURE("air." #name ".f16");             \
  __MSL_INLINE float __metal_##name(float x, float y, __precise_math) {          \
    return __air_##name(x, y);                                                   \
  }                                                                              \
  __MSL_INLINE float __metal_##name(float x, float y, __fast_math) {             \
    return __air_fast_##name(x, y);                                              \
  }                                                                              \
  template <typename M>                                                          \
  __MSL_INLINE half __metal_##name(half x, half y, M) {                          \
    return __air_##name(x, y);                                                   \
  }
#define __MSL_EACH_AIR1(M)                                                                    \
  M(acos) M(acosh) M(asin) M(asinh) M(atan) M(atanh) M(ceil) M(cos) M(cosh) M(exp) M(exp2)    \
      M(exp10) M(fabs) M(floor) M(log) M(log2) M(log10) M(rint) M(round) M(rsqrt) M(sin) M(sinh) \
          M(sqrt) M(tan) M(tanh) M(trunc)
#define __MSL_EACH_AIR2(M) M(atan2) M(copysign) M(fmax) M(fmin) M(fmod) M(pow)
__MSL_EACH_AIR1(__MSL_AIR1)
__MSL_EACH_AIR2(__MSL_AIR2)
#undef __MSL_AIR1
#undef __MSL_AIR2

float __metal_fma(float, float, float) __MSL_AIR_PURE("air.fma.f32");
half __metal_fma(half, half, half) __MSL_AIR_PURE("air.fma.f16");
float __air_ldexp(float, int) __MSL_AIR_PURE("air.ldexp.f32");
float __air_fast_ldexp(float, int) __MSL_AIR_PURE("air.fast_ldexp.f32");
__MSL_INLINE float __metal_ldexp(float x, int k, __precise_math) { return __air_ldexp(x, k); }
__MSL_INLINE float __metal_ldexp(float x, int k, __fast_math) { return __air_fast_ldexp(x, k); }
template <typename M>
__MSL_INLINE half __metal_ldexp(half x, int k, M) {
  return half(__air_ldexp(float(x), k));
}

// Made of the others.
template <typename T, typename M>
__MSL_INLINE T __metal_divide(T x, T y, M) {
  return x / y;
}
template <typename T, typename M>
__MSL_INLINE T __metal_powr(T x, T y, M m) {
  return __metal_pow(x, y, m);
}
template <typename M>
__MSL_INLINE float __metal_fract(float x, M m) {
  return __metal_fmin(x - __metal_floor(x, m), 0x1.fffffep-1f, m);
}
template <typename M>
__MSL_INLINE half __metal_fract(half x, M m) {
  return __metal_fmin(x - __metal_floor(x, m), half(0x1.ffcp-1f), m);
}
// x is brought to [-1, 1] exactly before pi comes in.
template <typename T, typename M>
__MSL_INLINE float __half_turns(T x, M m) {
  return M_PI_F * __air_fmod(float(x), 2.0f);
}
template <typename T, typename M>
__MSL_INLINE T __metal_sinpi(T x, M m) {
  return T(__metal_sin(__half_turns(x, m), m));
}
template <typename T, typename M>
__MSL_INLINE T __metal_cospi(T x, M m) {
  return T(__metal_cos(__half_turns(x, m), m));
}
template <typename T, typename M>
__MSL_INLINE T __metal_tanpi(T x, M m) {
  return T(__metal_tan(__half_turns(x, m), m));
}
template <typename T, typename M>
__MSL_INLINE T __metal_fmin3(T x, T y, T z, M m) {
  return __metal_fmin(x, __metal_fmin(y, z, m), m);
}
template <typename T, typename M>
__MSL_INLINE T __metal_fmax3(T x, T y, T z, M m) {
  return __metal_fmax(x, __metal_fmax(y, z, m), m);
}
template <typename T, typename M>
__MSL_INLINE T __metal_fmedian3(T x, T y, T z, M m) {
  return __metal_fmax(__metal_fmin(x, y, m), __metal_fmin(__metal_fmax(x, y, m), z, m), m);
}
__MSL_INLINE float __metal_frexp(float x, int* exponent) {
  uint bits = __as_type<uint>(x);
  if ((bits & 0x7fffffffu) == 0 || (bits & 0x7f800000u) == 0x7f800000u) {
    *exponent = 0;
    return x;
  }
  int low = 0;
  if ((bits & 0x7f800000u) == 0) {
    bits = __as_type<uint>(x * 0x1p24f);
    low = 24;
  }
  *exponent = int((bits >> 23) & 255u) - 126 - low;
  return __as_type<float>((bits & 0x807fffffu) | 0x3f000000u);
}
__MSL_INLINE half __metal_frexp(half x, int* exponent) {
  return half(__metal_frexp(float(x), exponent));
}
__MSL_INLINE float __metal_nextafter(float x, float y) {
  if (x != x || y != y) return x + y;
  if (x == y) return y;
  if (x == 0.0f) return __as_type<float>((__as_type<uint>(y) & 0x80000000u) | 1u);
  uint bits = __as_type<uint>(x);
  return __as_type<float>((x < y) == (x > 0.0f) ? bits + 1u : bits - 1u);
}
__MSL_INLINE half __metal_nextafter(half x, half y) {
  if (x != x || y != y) return x + y;
  if (x == y) return y;
  if (x == 0.0h) return __as_type<half>(ushort((__as_type<ushort>(y) & 0x8000) | 1));
  ushort bits = __as_type<ushort>(x);
  return __as_type<half>(ushort((x < y) == (x > 0.0h) ? bits + 1 : bits - 1));
}

template <typename T>
using __if_bfloat = enable_if_t<is_same<T, bfloat>::value, int>;

#define __MSL_PUBLIC1_OF(name, T, tag)                                          \
  __MSL_INLINE T name(T x) { return __metal_##name(x, tag()); }                 \
  template <int n>                                                              \
  __MSL_INLINE vec<T, n> name(vec<T, n> v) {                                    \
    vec<T, n> result;                                                           \
    result.native.x = __metal_##name(T(v.native.x), tag());                     \
    result.native.y = __metal_##name(T(v.native.y), tag());                     \
    if constexpr (n > 2) result.native.z = __metal_##name(T(v.native.z), tag()); \
    if constexpr (n > 3) result.native.w = __metal_##name(T(v.native.w), tag()); \
    return result;                                                              \
  }
#define __MSL_PUBLIC1(name, tag)               \
  __MSL_PUBLIC1_OF(name, float, tag)           \
  __MSL_PUBLIC1_OF(name, half, tag)            \
  template <typename T, __if_bfloat<T> = 0>    \
  __MSL_INLINE float name(T x) {               \
    return __metal_##name(float(x), tag());    \
  }

#define __MSL_PUBLIC2_OF(name, internal, T, tag)                                           \
  __MSL_INLINE T name(T x, T y) { return __metal_##internal(x, y, tag()); }                \
  template <int n>                                                                         \
  __MSL_INLINE vec<T, n> name(vec<T, n> v, type_identity_t<vec<T, n>> u) {                 \
    vec<T, n> result;                                                                      \
    result.native.x = __metal_##internal(T(v.native.x), T(u.native.x), tag());             \
    result.native.y = __metal_##internal(T(v.native.y), T(u.native.y), tag());             \
    if constexpr (n > 2)                                                                   \
      result.native.z = __metal_##internal(T(v.native.z), T(u.native.z), tag());           \
    if constexpr (n > 3)                                                                   \
      result.native.w = __metal_##internal(T(v.native.w), T(u.native.w), tag());           \
    return result;                                                                         \
  }
#define __MSL_PUBLIC2(name, internal, tag)                   \
  __MSL_PUBLIC2_OF(name, internal, float, tag)               \
  __MSL_PUBLIC2_OF(name, internal, half, tag)                \
  template <typename T, __if_bfloat<T> = 0>                  \
  __MSL_INLINE float name(T x, T y) {                        \
    return __metal_##internal(float(x), float(y), tag());    \
  }

#define __MSL_PUBLIC3_OF(name, internal, T, tag)                                        \
  __MSL_INLINE T name(T x, T y, T z) { return __metal_##internal(x, y, z, tag()); }     \
  template <int n>                                                                      \
  __MSL_INLINE vec<T, n> name(vec<T, n> a, vec<T, n> b, vec<T, n> c) {                  \
    vec<T, n> result;                                                                   \
    for (int i = 0; i < n; ++i)                                                         \
      result.native[i] =                                                                \
          __metal_##internal(T(a.native[i]), T(b.native[i]), T(c.native[i]), tag());    \
    return result;                                                                      \
  }
#define __MSL_PUBLIC3(name, internal, tag)     \
  __MSL_PUBLIC3_OF(name, internal, float, tag) \
  __MSL_PUBLIC3_OF(name, internal, half, tag)

#define __MSL_PUBLIC_MORE(T, tag)                                                         \
  __MSL_INLINE T ldexp(T x, int k) { return __metal_ldexp(x, k, tag()); }                 \
  __MSL_INLINE T abs(T x) { return __metal_fabs(x, tag()); }                              \
  template <int n>                                                                        \
  __MSL_INLINE vec<T, n> abs(vec<T, n> x) {                                               \
    return fabs(x);                                                                       \
  }                                                                                       \
  __MSL_INLINE T sincos(T x, T& cosine) {                                                 \
    cosine = __metal_cos(x, tag());                                                       \
    return __metal_sin(x, tag());                                                         \
  }                                                                                       \
  __MSL_INLINE T clamp(T x, T low, T high) {                                              \
    return __metal_fmin(__metal_fmax(x, low, tag()), high, tag());                        \
  }                                                                                       \
  template <int n>                                                                        \
  __MSL_INLINE vec<T, n> clamp(vec<T, n> x, type_identity_t<vec<T, n>> low,               \
                               type_identity_t<vec<T, n>> high) {                         \
    return fmin(fmax(x, low), high);                                                      \
  }                                                                                       \
  __MSL_INLINE T saturate(T x) { return clamp(x, T(0.0f), T(1.0f)); }                     \
  template <int n>                                                                        \
  __MSL_INLINE vec<T, n> saturate(vec<T, n> x) {                                          \
    return clamp(x, T(0.0f), T(1.0f));                                                    \
  }                                                                                       \
  __MSL_INLINE T frexp(T x, int& exponent) { return __metal_frexp(x, &exponent); }        \
  __MSL_INLINE T modf(T x, T& whole) {                                                    \
    whole = __metal_trunc(x, tag());                                                      \
    return __metal_copysign(x == whole ? T(0.0f) : x - whole, x, tag());                  \
  }

#define __MSL_ALL_MATH(tag)                                                                 \
  __MSL_PUBLIC1(acos, tag) __MSL_PUBLIC1(acosh, tag) __MSL_PUBLIC1(asin, tag)               \
  __MSL_PUBLIC1(asinh, tag) __MSL_PUBLIC1(atan, tag) __MSL_PUBLIC1(atanh, tag)              \
  __MSL_PUBLIC1(ceil, tag) __MSL_PUBLIC1(cos, tag) __MSL_PUBLIC1(cosh, tag)                 \
  __MSL_PUBLIC1(cospi, tag) __MSL_PUBLIC1(exp, tag) __MSL_PUBLIC1(exp2, tag)                \
  __MSL_PUBLIC1(exp10, tag) __MSL_PUBLIC1(fabs, tag) __MSL_PUBLIC1(floor, tag)              \
  __MSL_PUBLIC1(fract, tag) __MSL_PUBLIC1(log, tag) __MSL_PUBLIC1(log2, tag)                \
  __MSL_PUBLIC1(log10, tag) __MSL_PUBLIC1(rint, tag) __MSL_PUBLIC1(round, tag)              \
  __MSL_PUBLIC1(rsqrt, tag) __MSL_PUBLIC1(sin, tag) __MSL_PUBLIC1(sinh, tag)                \
  __MSL_PUBLIC1(sinpi, tag) __MSL_PUBLIC1(sqrt, tag) __MSL_PUBLIC1(tan, tag)                \
  __MSL_PUBLIC1(tanh, tag) __MSL_PUBLIC1(tanpi, tag) __MSL_PUBLIC1(trunc, tag)              \
  __MSL_PUBLIC2(atan2, atan2, tag) __MSL_PUBLIC2(copysign, copysign, tag)                   \
  __MSL_PUBLIC2(divide, divide, tag) __MSL_PUBLIC2(fmax, fmax, tag)                         \
  __MSL_PUBLIC2(fmin, fmin, tag) __MSL_PUBLIC2(fmod, fmod, tag)                             \
  __MSL_PUBLIC2(max, fmax, tag) __MSL_PUBLIC2(min, fmin, tag)                               \
  __MSL_PUBLIC2(pow, pow, tag) __MSL_PUBLIC2(powr, powr, tag)                               \
  __MSL_PUBLIC3(fmax3, fmax3, tag) __MSL_PUBLIC3(fmin3, fmin3, tag)                         \
  __MSL_PUBLIC3(fmedian3, fmedian3, tag) __MSL_PUBLIC3(max3, fmax3, tag)                    \
  __MSL_PUBLIC3(min3, fmin3, tag) __MSL_PUBLIC3(median3, fmedian3, tag)                     \
  __MSL_PUBLIC_MORE(float, tag) __MSL_PUBLIC_MORE(half, tag)                                \
  template <typename T, __if_bfloat<T> = 0>                                                 \
  __MSL_INLINE float abs(T x) {                                                             \
    return __metal_fabs(float(x), tag());                                                   \
  }

#ifdef __MSL_FAST_FUNCTIONS__
__MSL_ALL_MATH(__fast_math)
#else
__MSL_ALL_MATH(__precise_math)
#endif
namespace fast {
__MSL_ALL_MATH(__fast_math)
}
namespace precise {
__MSL_ALL_MATH(__precise_math)
}
#undef __MSL_ALL_MATH

// What does not depend on accuracy.
#define __MSL_EXACT(T)                                                                      \
  __MSL_INLINE T fma(T a, T b, T c) { return __metal_fma(a, b, c); }                        \
  template <int n>                                                                          \
  __MSL_INLINE vec<T, n> fma(vec<T, n> a, type_identity_t<vec<T, n>> b,                     \
                             type_identity_t<vec<T, n>> c) {                                \
    vec<T, n> result;                                                                       \
    for (int i = 0; i < n; ++i)                                                             \
      result.native[i] = __metal_fma(T(a.native[i]), T(b.native[i]), T(c.native[i]));       \
    return result;                                                                          \
  }                                                                                         \
  __MSL_INLINE T mad(T a, T b, T c) { return __metal_fma(a, b, c); }                        \
  __MSL_INLINE T nextafter(T x, T y) { return __metal_nextafter(x, y); }                    \
  __MSL_INLINE T fdim(T x, T y) { return x != x || y != y ? x + y : x > y ? x - y : T(0.0f); } \
  __MSL_INLINE int ilogb(T x) {                                                             \
    int e;                                                                                  \
    __metal_frexp(x, &e);                                                                   \
    if (x == T(0.0f)) return INT_MIN;                                                       \
    if (x - x != T(0.0f)) return INT_MAX;                                                   \
    return e - 1;                                                                           \
  }                                                                                         \
  __MSL_INLINE T sign(T x) { return x > T(0.0f) ? T(1.0f) : x < T(0.0f) ? T(-1.0f) : T(0.0f); } \
  __MSL_INLINE T step(T edge, T x) { return x < edge ? T(0.0f) : T(1.0f); }                 \
  __MSL_INLINE T mix(T x, T y, T a) { return x + (y - x) * a; }                             \
  template <int n>                                                                          \
  __MSL_INLINE vec<T, n> mix(vec<T, n> x, vec<T, n> y, type_identity_t<vec<T, n>> a) {      \
    return x + (y - x) * a;                                                                 \
  }                                                                                         \
  __MSL_INLINE T smoothstep(T low, T high, T x) {                                           \
    T t = saturate((x - low) / (high - low));                                               \
    return t * t * (T(3.0f) - T(2.0f) * t);                                                 \
  }
__MSL_EXACT(float)
__MSL_EXACT(half)
#undef __MSL_EXACT
}  // namespace metal
