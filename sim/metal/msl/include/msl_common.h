// Functions of integers and bits, choices and tests, geometry.
#pragma once
#include "msl_math.h"

namespace metal {
#define __MSL_EACH_WHOLE(M)                                                                   \
  M(char, char, s, i8) M(int8_t, schar, s, i8) M(uchar, uchar, u, i8) M(short, short, s, i16) \
      M(ushort, ushort, u, i16) M(int, int, s, i32) M(uint, uint, u, i32) M(long, long, s, i64) \
          M(ulong, ulong, u, i64)

#define __MSL_WHOLE(T, name, sign, type)                                                 \
  T __air_min(T, T) __MSL_AIR_PURE("air.min." #sign "." #type);                          \
  T __air_max(T, T) __MSL_AIR_PURE("air.max." #sign "." #type);                          \
  T __air_clamp(T, T, T) __MSL_AIR_PURE("air.clamp." #sign "." #type);                   \
  T __air_abs(T) __MSL_AIR_PURE("air.abs." #sign "." #type);                             \
  T __air_popcount(T) __MSL_AIR_PURE("air.popcount." #type);                             \
  T __air_clz(T) __MSL_AIR_PURE("air.clz." #type);                                       \
  T __air_ctz(T) __MSL_AIR_PURE("air.ctz." #type);                                       \
  T __air_reverse_bits(T) __MSL_AIR_PURE("air.reverse_bits." #type);                     \
  __MSL_INLINE T min(T a, T b) { return __air_min(a, b); }                               \
  __MSL_INLINE T max(T a, T b) { return __air_max(a, b); }                               \
  __MSL_INLINE T clamp(T x, T low, T high) { return __air_clamp(x, low, high); }         \
  __MSL_INLINE T abs(T x) { return is_signed<T>::value ? __air_abs(x) : x; }             \
  __MSL_INLINE T popcount(T x) { return __air_popcount(x); }                             \
  __MSL_INLINE T clz(T x) { return __air_clz(x); }                                       \
  __MSL_INLINE T ctz(T x) { return __air_ctz(x); }                                       \
  __MSL_INLINE T reverse_bits(T x) { return __air_reverse_bits(x); }
__MSL_EACH_WHOLE(__MSL_WHOLE)
#undef __MSL_WHOLE
#undef __MSL_EACH_WHOLE

template <typename T>
using __if_whole = enable_if_t<is_integral<T>::value && !is_same<T, bool>::value, int>;

// Vectors of integers, from the functions of scalars.
#define __MSL_VECTORS1(name)                                                \
  template <typename T, int n, __if_whole<T> = 0>                           \
  __MSL_INLINE vec<T, n> name(vec<T, n> a) {                                \
    vec<T, n> result;                                                       \
    for (int i = 0; i < n; ++i) result.native[i] = name(T(a.native[i]));    \
    return result;                                                          \
  }
#define __MSL_VECTORS2(name)                                                                 \
  template <typename T, int n, __if_whole<T> = 0>                                            \
  __MSL_INLINE vec<T, n> name(vec<T, n> a, type_identity_t<vec<T, n>> b) {                   \
    vec<T, n> result;                                                                        \
    for (int i = 0; i < n; ++i) result.native[i] = name(T(a.native[i]), T(b.native[i]));     \
    return result;                                                                           \
  }
__MSL_VECTORS1(abs)
__MSL_VECTORS1(popcount)
__MSL_VECTORS1(clz)
__MSL_VECTORS1(ctz)
__MSL_VECTORS1(reverse_bits)
__MSL_VECTORS2(min)
__MSL_VECTORS2(max)
template <typename T, int n, __if_whole<T> = 0>
__MSL_INLINE vec<T, n> clamp(vec<T, n> x, type_identity_t<vec<T, n>> low,
                             type_identity_t<vec<T, n>> high) {
  return min(max(x, low), high);
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE T min3(T a, T b, T c) {
  return min(a, min(b, c));
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE T max3(T a, T b, T c) {
  return max(a, max(b, c));
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE T median3(T a, T b, T c) {
  return max(min(a, b), min(max(a, b), c));
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE make_unsigned_t<T> absdiff(T a, T b) {
  typedef make_unsigned_t<T> U;
  return a > b ? U(U(a) - U(b)) : U(U(b) - U(a));
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE T addsat(T a, T b) {
  T sum;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return is_signed<T>::value && a < T(0) ? numeric_limits<T>::min() : numeric_limits<T>::max();
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE T subsat(T a, T b) {
  T difference;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return !is_signed<T>::value || a < T(0) ? numeric_limits<T>::min() : numeric_limits<T>::max();
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE T hadd(T a, T b) {
  return T((a & b) + ((a ^ b) >> 1));
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE T rhadd(T a, T b) {
  return T((a | b) - ((a ^ b) >> 1));
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE T mulhi(T a, T b) {
  if constexpr (sizeof(T) < 8) {
    return T((long(a) * long(b)) >> (8 * sizeof(T)));
  } else if constexpr (is_signed<T>::value) {
    return T((__int128(a) * __int128(b)) >> 64);
  } else {
    return T(((unsigned __int128)(a) * (unsigned __int128)(b)) >> 64);
  }
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE T madhi(T a, T b, T c) {
  return T(mulhi(a, b) + c);
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE T mad24(T a, T b, T c) {
  return T(a * b + c);
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE T mul24(T a, T b) {
  return T(a * b);
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE T rotate(T x, T by) {
  typedef make_unsigned_t<T> U;
  constexpr uint bits = 8 * sizeof(T);
  uint left = uint(by) % bits;
  return left == 0 ? x : T(U(U(x) << left) | U(U(x) >> (bits - left)));
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE T extract_bits(T x, uint offset, uint count) {
  constexpr uint bits = 8 * sizeof(T);
  if (count == 0) return T(0);
  return T(T(make_unsigned_t<T>(x) << (bits - count - offset)) >> (bits - count));
}
template <typename T, __if_whole<T> = 0>
__MSL_INLINE T insert_bits(T base, T value, uint offset, uint count) {
  typedef make_unsigned_t<T> U;
  constexpr uint bits = 8 * sizeof(T);
  U mask = count == 0 ? U(0) : U(U(U(~U(0)) >> (bits - count)) << offset);
  return T((U(base) & U(~mask)) | (U(U(value) << offset) & mask));
}
__MSL_VECTORS2(absdiff)
__MSL_VECTORS2(rotate)
__MSL_VECTORS2(mulhi)
#undef __MSL_VECTORS1
#undef __MSL_VECTORS2

// Tests of reals.
#define __MSL_TEST(name, ...)                                                  \
  __MSL_INLINE bool name(float x) { return __VA_ARGS__; }                      \
  __MSL_INLINE bool name(half x) { return __VA_ARGS__; }                       \
  template <typename T, __if_bfloat<T> = 0>                                    \
  __MSL_INLINE bool name(T y) {                                                \
    return name(float(y));                                                     \
  }                                                                            \
  template <typename T, int n>                                                 \
  __MSL_INLINE vec<bool, n> name(vec<T, n> v) {                                \
    vec<bool, n> result;                                                       \
    for (int i = 0; i < n; ++i) result.native[i] = name(T(v.native[i]));       \
    return result;                                                             \
  }
__MSL_TEST(isnan, x != x)
__MSL_TEST(isinf, __builtin_isinf(x))
__MSL_TEST(isfinite, __builtin_isfinite(x))
__MSL_TEST(isnormal, __builtin_isnormal(float(x)))
__MSL_TEST(signbit, __builtin_signbit(x))
#undef __MSL_TEST
template <typename T>
__MSL_INLINE bool isordered(T x, T y) {
  return x == x && y == y;
}
template <typename T>
__MSL_INLINE bool isunordered(T x, T y) {
  return !isordered(x, y);
}

template <int n>
__MSL_INLINE bool any(vec<bool, n> v) {
  bool result = v.native[0];
  for (int i = 1; i < n; ++i) result = result || v.native[i];
  return result;
}
template <int n>
__MSL_INLINE bool all(vec<bool, n> v) {
  bool result = v.native[0];
  for (int i = 1; i < n; ++i) result = result && v.native[i];
  return result;
}
__MSL_INLINE bool any(bool x) { return x; }
__MSL_INLINE bool all(bool x) { return x; }

template <typename T, enable_if_t<__is_number<T>, int> = 0>
__MSL_INLINE T select(T otherwise, T chosen, bool condition) {
  return condition ? chosen : otherwise;
}
template <typename T, int n>
__MSL_INLINE vec<T, n> select(vec<T, n> otherwise, vec<T, n> chosen, vec<bool, n> condition) {
  vec<T, n> result;
  for (int i = 0; i < n; ++i)
    result.native[i] = condition.native[i] ? chosen.native[i] : otherwise.native[i];
  return result;
}
template <typename T, int n>
__MSL_INLINE vec<T, n> select(vec<T, n> otherwise, vec<T, n> chosen, bool condition) {
  return condition ? chosen : otherwise;
}

// Geometry. A dot product is one chain of fused multiply-adds.
float __air_dot(__native<float, 4>::type, __native<float, 4>::type)
    __MSL_AIR_PURE("air.dot.v4f32");
__MSL_INLINE float dot(vec<float, 4> a, vec<float, 4> b) { return __air_dot(a.native, b.native); }
__MSL_INLINE float dot(vec<float, 3> a, vec<float, 3> b) {
  return fma(a.z, b.z, fma(a.y, b.y, a.x * b.x));
}
__MSL_INLINE float dot(vec<float, 2> a, vec<float, 2> b) { return fma(a.y, b.y, a.x * b.x); }
template <int n>
__MSL_INLINE half dot(vec<half, n> a, vec<half, n> b) {
  return half(dot(vec<float, n>(a), vec<float, n>(b)));
}
template <typename T, int n, enable_if_t<is_floating_point<T>::value, int> = 0>
__MSL_INLINE T length_squared(vec<T, n> a) {
  return dot(a, a);
}
template <typename T, int n>
__MSL_INLINE T length(vec<T, n> a) {
  return sqrt(dot(a, a));
}
template <typename T, int n>
__MSL_INLINE T distance(vec<T, n> a, vec<T, n> b) {
  return length(a - b);
}
template <typename T, int n>
__MSL_INLINE T distance_squared(vec<T, n> a, vec<T, n> b) {
  return length_squared(a - b);
}
template <typename T, int n>
__MSL_INLINE vec<T, n> normalize(vec<T, n> a) {
  return a * rsqrt(dot(a, a));
}
template <typename T>
__MSL_INLINE vec<T, 3> cross(vec<T, 3> a, vec<T, 3> b) {
  return a.yzx * b.zxy - a.zxy * b.yzx;
}
template <typename T, int n>
__MSL_INLINE vec<T, n> reflect(vec<T, n> i, vec<T, n> normal) {
  return i - T(2.0f) * dot(normal, i) * normal;
}

// Four numbers in a word.
__MSL_INLINE float4 unpack_unorm4x8_to_float(uint x) {
  return float4(float(x & 255u), float((x >> 8) & 255u), float((x >> 16) & 255u), float(x >> 24)) /
         255.0f;
}
__MSL_INLINE float4 unpack_snorm4x8_to_float(uint x) {
  return max(float4(float(char(x)), float(char(x >> 8)), float(char(x >> 16)),
                    float(char(x >> 24))) / 127.0f, float4(-1.0f));
}
__MSL_INLINE uint pack_float_to_unorm4x8(float4 v) {
  float4 s = rint(saturate(v) * 255.0f);
  return uint(s.x) | uint(s.y) << 8 | uint(s.z) << 16 | uint(s.w) << 24;
}
__MSL_INLINE uint pack_float_to_snorm4x8(float4 v) {
  float4 s = rint(clamp(v, -1.0f, 1.0f) * 127.0f);
  return (uint(int(s.x)) & 255u) | (uint(int(s.y)) & 255u) << 8 | (uint(int(s.z)) & 255u) << 16 |
         uint(int(s.w)) << 24;
}
}  // namespace metal
