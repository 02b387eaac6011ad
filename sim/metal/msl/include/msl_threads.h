// Threads together: barriers, functions of a simdgroup and of a quad.
#pragma once
#include "msl_common.h"

namespace metal {
enum class mem_flags : uint {
  mem_none = 0,
  mem_device = 1,
  mem_threadgroup = 2,
  mem_texture = 4,
  mem_threadgroup_imageblock = 8,
};
constexpr mem_flags operator|(mem_flags a, mem_flags b) { return mem_flags(uint(a) | uint(b)); }
enum thread_scope {
  thread_scope_thread = 0,
  thread_scope_threadgroup = 1,
  thread_scope_device = 2,
  thread_scope_system = 3,
  thread_scope_simdgroup = 4,
};
void __air_barrier(uint flags, uint scope) __MSL_AIR("air.wg.barrier");
void __air_simdgroup_barrier(uint flags, uint scope) __MSL_AIR("air.simdgroup.barrier");
__MSL_INLINE void threadgroup_barrier(mem_flags flags) { __air_barrier(uint(flags), 1); }
__MSL_INLINE void simdgroup_barrier(mem_flags flags) { __air_simdgroup_barrier(uint(flags), 4); }

// Values of 8, 16 and 32 bits go as they are: M(type, name in AIR).
#define __MSL_EACH_SMALL(M, ...)                                                        \
  M(float, f32, __VA_ARGS__) M(half, f16, __VA_ARGS__) M(int, s.i32, __VA_ARGS__)       \
      M(uint, u.i32, __VA_ARGS__) M(short, s.i16, __VA_ARGS__) M(ushort, u.i16, __VA_ARGS__) \
          M(char, s.i8, __VA_ARGS__) M(int8_t, s.i8, __VA_ARGS__) M(uchar, u.i8, __VA_ARGS__)
#define __MSL_EACH_INTEGER(M, ...)                                                      \
  M(int, s.i32, __VA_ARGS__) M(uint, u.i32, __VA_ARGS__) M(short, s.i16, __VA_ARGS__)   \
      M(ushort, u.i16, __VA_ARGS__) M(char, s.i8, __VA_ARGS__) M(int8_t, s.i8, __VA_ARGS__) \
          M(uchar, u.i8, __VA_ARGS__)

#define __MSL_REDUCTION_OF(T, type, name)                   \
  T __metal_##name(T) __MSL_AIR("air." #name "." #type);    \
  __MSL_INLINE T name(T x) { return __metal_##name(x); }
#define __MSL_REDUCTION(name)                                                            \
  __MSL_EACH_SMALL(__MSL_REDUCTION_OF, name)                                             \
  template <typename T, int n>                                                           \
  __MSL_INLINE vec<T, n> name(vec<T, n> v) {                                             \
    vec<T, n> result;                                                                    \
    for (int i = 0; i < n; ++i) result.native[i] = name(T(v.native[i]));                 \
    return result;                                                                       \
  }
#define __MSL_BIT_REDUCTION(name)                                                        \
  __MSL_EACH_INTEGER(__MSL_REDUCTION_OF, name)                                           \
  template <typename T, int n>                                                           \
  __MSL_INLINE vec<T, n> name(vec<T, n> v) {                                             \
    vec<T, n> result;                                                                    \
    for (int i = 0; i < n; ++i) result.native[i] = name(T(v.native[i]));                 \
    return result;                                                                       \
  }

// A value and a lane, a distance or a mask. Larger and other types go in words.
#define __MSL_SHUFFLE_OF(T, type, name)                             \
  T __metal_##name(T, ushort) __MSL_AIR("air." #name "." #type);    \
  __MSL_INLINE T name(T x, ushort by) { return __metal_##name(x, by); }
#define __MSL_SHUFFLE(name)                                                                   \
  __MSL_EACH_SMALL(__MSL_SHUFFLE_OF, name)                                                    \
  template <typename T, enable_if_t<is_same<T, bfloat>::value, int> = 0>                      \
  __MSL_INLINE T name(T x, ushort by) {                                                       \
    return __as_type<T>(name(__as_type<ushort>(x), by));                                      \
  }                                                                                           \
  template <typename T, enable_if_t<is_same<T, bool>::value, int> = 0>                        \
  __MSL_INLINE T name(T x, ushort by) {                                                       \
    return name(uint(x), by) != 0;                                                            \
  }                                                                                           \
  template <typename T, enable_if_t<__is_integral(T) && sizeof(T) == 8, int> = 0>             \
  __MSL_INLINE T name(T x, ushort by) {                                                       \
    uint low = name(uint(x), by), high = name(uint(ulong(x) >> 32), by);                      \
    return T(ulong(high) << 32 | low);                                                        \
  }                                                                                           \
  template <typename T, int n>                                                                \
  __MSL_INLINE vec<T, n> name(vec<T, n> v, ushort by) {                                       \
    vec<T, n> result;                                                                         \
    for (int i = 0; i < n; ++i) result.native[i] = name(T(v.native[i]), by);                  \
    return result;                                                                            \
  }

#define __MSL_FILL_OF(T, type, name)                                                  \
  T __metal_##name(T, T, ushort, ushort) __MSL_AIR("air." #name "." #type);           \
  __MSL_INLINE T name(T x, T fill, ushort by, ushort modulo = 32) {                   \
    return __metal_##name(x, fill, by, modulo);                                       \
  }
#define __MSL_FILL(name)                                                                        \
  __MSL_EACH_SMALL(__MSL_FILL_OF, name)                                                         \
  template <typename T, enable_if_t<is_same<T, bfloat>::value, int> = 0>                        \
  __MSL_INLINE T name(T x, T fill, ushort by, ushort modulo = 32) {                             \
    return __as_type<T>(name(__as_type<ushort>(x), __as_type<ushort>(fill), by, modulo));       \
  }                                                                                             \
  template <typename T, enable_if_t<__is_integral(T) && sizeof(T) == 8, int> = 0>               \
  __MSL_INLINE T name(T x, T fill, ushort by, ushort modulo = 32) {                             \
    uint low = name(uint(x), uint(fill), by, modulo);                                           \
    uint high = name(uint(ulong(x) >> 32), uint(ulong(fill) >> 32), by, modulo);                \
    return T(ulong(high) << 32 | low);                                                          \
  }                                                                                             \
  template <typename T, int n>                                                                  \
  __MSL_INLINE vec<T, n> name(vec<T, n> v, vec<T, n> fill, ushort by, ushort modulo = 32) {     \
    vec<T, n> result;                                                                           \
    for (int i = 0; i < n; ++i)                                                                 \
      result.native[i] = name(T(v.native[i]), T(fill.native[i]), by, modulo);                   \
    return result;                                                                              \
  }

#define __MSL_GROUP(group)                                                                \
  __MSL_REDUCTION(group##_sum)                                                            \
  __MSL_REDUCTION(group##_product)                                                        \
  __MSL_REDUCTION(group##_min)                                                            \
  __MSL_REDUCTION(group##_max)                                                            \
  __MSL_REDUCTION(group##_prefix_inclusive_sum)                                           \
  __MSL_REDUCTION(group##_prefix_exclusive_sum)                                           \
  __MSL_REDUCTION(group##_prefix_inclusive_product)                                       \
  __MSL_REDUCTION(group##_prefix_exclusive_product)                                       \
  __MSL_REDUCTION(group##_broadcast_first)                                                \
  __MSL_BIT_REDUCTION(group##_and)                                                        \
  __MSL_BIT_REDUCTION(group##_or)                                                         \
  __MSL_BIT_REDUCTION(group##_xor)                                                        \
  __MSL_SHUFFLE(group##_broadcast)                                                        \
  __MSL_SHUFFLE(group##_shuffle)                                                          \
  __MSL_SHUFFLE(group##_shuffle_up)                                                       \
  __MSL_SHUFFLE(group##_shuffle_down)                                                     \
  __MSL_SHUFFLE(group##_shuffle_xor)                                                      \
  __MSL_SHUFFLE(group##_shuffle_rotate_up)                                                \
  __MSL_SHUFFLE(group##_shuffle_rotate_down)                                              \
  __MSL_FILL(group##_shuffle_and_fill_up)                                                 \
  __MSL_FILL(group##_shuffle_and_fill_down)                                               \
  bool __air_##group##_any(bool) __MSL_AIR("air." #group "_any");                         \
  bool __air_##group##_all(bool) __MSL_AIR("air." #group "_all");                         \
  bool __air_##group##_is_first() __MSL_AIR("air." #group "_is_first");                   \
  ulong __air_##group##_ballot(bool) __MSL_AIR("air." #group "_ballot.i64");              \
  __MSL_INLINE bool group##_any(bool x) { return __air_##group##_any(x); }                \
  __MSL_INLINE bool group##_all(bool x) { return __air_##group##_all(x); }                \
  __MSL_INLINE bool group##_is_first() { return __air_##group##_is_first(); }
__MSL_GROUP(simd)
__MSL_GROUP(quad)
#undef __MSL_GROUP
#undef __MSL_FILL
#undef __MSL_FILL_OF
#undef __MSL_SHUFFLE
#undef __MSL_SHUFFLE_OF
#undef __MSL_BIT_REDUCTION
#undef __MSL_REDUCTION
#undef __MSL_REDUCTION_OF
#undef __MSL_EACH_INTEGER
#undef __MSL_EACH_SMALL

// Which threads said yes.
template <int width>
struct __vote {
  typedef ulong vote_t;
  ulong __mask;
  __vote() = default;
  constexpr explicit __vote(ulong mask) : __mask(mask) {}
  constexpr explicit operator vote_t() const { return __mask; }
  constexpr bool any() const { return __mask != 0; }
  constexpr bool all() const { return __mask == (1ul << width) - 1ul; }
};
typedef __vote<32> simd_vote;
typedef __vote<4> quad_vote;
__MSL_INLINE simd_vote simd_ballot(bool x) { return simd_vote(__air_simd_ballot(x)); }
__MSL_INLINE quad_vote quad_ballot(bool x) { return quad_vote(__air_quad_ballot(x)); }
__MSL_INLINE simd_vote simd_active_threads_mask() { return simd_ballot(true); }
__MSL_INLINE quad_vote quad_active_threads_mask() { return quad_ballot(true); }

// Named in MLX's headers and never called.
float __metal_simd_xor(float) __MSL_AIR("air.simd_xor.f32");
ushort __metal_get_simdgroup_size(ushort) __MSL_AIR("air.get_simdgroup_size.i16");
// The number of lanes before this one.
__MSL_INLINE ushort __metal_get_thread_index_in_simdgroup(ushort) {
  return ushort(__metal_simd_prefix_exclusive_sum(1u));
}
}  // namespace metal
