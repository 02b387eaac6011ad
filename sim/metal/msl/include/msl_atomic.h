// Atomics of device and threadgroup memory, relaxed as Metal's are.
#pragma once
#include "msl_matrix.h"

namespace metal {
enum memory_order {
  memory_order_relaxed = 0,
  memory_order_acquire = 2,
  memory_order_release = 3,
  memory_order_acq_rel = 4,
  memory_order_seq_cst = 5,
};

template <typename T>
struct atomic {
  T __value;
};
typedef atomic<int> atomic_int;
typedef atomic<uint> atomic_uint;
typedef atomic<bool> atomic_bool;
typedef atomic<float> atomic_float;
typedef atomic<ulong> atomic_ulong;
typedef atomic<long> atomic_long;

// In AIR: address, operands, order, scope, volatile.
#define __MSL_ATOMIC1(space, where, T, op, type)                                             \
  T __air_atomic_##op(volatile space atomic<T>*, T, int, int, bool)                          \
      __MSL_AIR("air.atomic." #where "." #op "." #type);
#define __MSL_ATOMIC_ACCESS(space, where, T, type, scope)                                     \
  T __air_atomic_load(const volatile space atomic<T>*, int, int, bool)                        \
      __MSL_AIR("air.atomic." #where ".load." #type);                                         \
  void __air_atomic_store(volatile space atomic<T>*, T, int, int, bool)                       \
      __MSL_AIR("air.atomic." #where ".store." #type);                                        \
  T __air_atomic_xchg(volatile space atomic<T>*, T, int, int, bool)                           \
      __MSL_AIR("air.atomic." #where ".xchg." #type);                                         \
  bool __air_atomic_cmpxchg(volatile space atomic<T>*, T*, T, int, int, int, bool)            \
      __MSL_AIR("air.atomic." #where ".cmpxchg.weak." #type);                                 \
  __MSL_INLINE T atomic_load_explicit(const volatile space atomic<T>* p, memory_order o) {    \
    return __air_atomic_load(p, o, scope, true);                                              \
  }                                                                                           \
  __MSL_INLINE void atomic_store_explicit(volatile space atomic<T>* p, T x, memory_order o) { \
    __air_atomic_store(p, x, o, scope, true);                                                 \
  }                                                                                           \
  __MSL_INLINE T atomic_exchange_explicit(volatile space atomic<T>* p, T x, memory_order o) { \
    return __air_atomic_xchg(p, x, o, scope, true);                                           \
  }                                                                                           \
  __MSL_INLINE bool atomic_compare_exchange_weak_explicit(volatile space atomic<T>* p,        \
                                                          T* expected, T x, memory_order o,   \
                                                          memory_order failed) {              \
    return __air_atomic_cmpxchg(p, expected, x, o, failed, scope, true);                      \
  }
#define __MSL_ATOMIC_FETCH(space, where, T, op, type, scope)                                   \
  __MSL_ATOMIC1(space, where, T, op, type)                                                     \
  __MSL_INLINE T atomic_fetch_##op##_explicit(volatile space atomic<T>* p,                     \
                                              type_identity_t<T> x, memory_order o) {          \
    return __air_atomic_##op(p, x, o, scope, true);                                            \
  }
#define __MSL_ATOMIC_WHOLE(space, where, T, type, bits, scope)       \
  __MSL_ATOMIC_ACCESS(space, where, T, bits, scope)                  \
  __MSL_ATOMIC_FETCH(space, where, T, add, type, scope)              \
  __MSL_ATOMIC_FETCH(space, where, T, sub, type, scope)              \
  __MSL_ATOMIC_FETCH(space, where, T, and, type, scope)              \
  __MSL_ATOMIC_FETCH(space, where, T, or, type, scope)               \
  __MSL_ATOMIC_FETCH(space, where, T, xor, type, scope)              \
  __MSL_ATOMIC_FETCH(space, where, T, min, type, scope)              \
  __MSL_ATOMIC_FETCH(space, where, T, max, type, scope)
#define __MSL_ATOMICS(space, where, scope)                           \
  __MSL_ATOMIC_WHOLE(space, where, int, s.i32, i32, scope)           \
  __MSL_ATOMIC_WHOLE(space, where, uint, u.i32, i32, scope)          \
  __MSL_ATOMIC_WHOLE(space, where, long, s.i64, i64, scope)          \
  __MSL_ATOMIC_WHOLE(space, where, ulong, u.i64, i64, scope)         \
  __MSL_ATOMIC_ACCESS(space, where, float, f32, scope)               \
  __MSL_ATOMIC_FETCH(space, where, float, add, f32, scope)           \
  __MSL_ATOMIC_FETCH(space, where, float, sub, f32, scope)
__MSL_ATOMICS(device, global, 2)
__MSL_ATOMICS(threadgroup, local, 1)
#undef __MSL_ATOMICS
#undef __MSL_ATOMIC_WHOLE
#undef __MSL_ATOMIC_FETCH
#undef __MSL_ATOMIC_ACCESS
#undef __MSL_ATOMIC1

// atomic_max_explicit and atomic_min_explicit give nothing back.
template <typename P, typename T>
__MSL_INLINE void atomic_max_explicit(P p, T x, memory_order o) {
  atomic_fetch_max_explicit(p, x, o);
}
template <typename P, typename T>
__MSL_INLINE void atomic_min_explicit(P p, T x, memory_order o) {
  atomic_fetch_min_explicit(p, x, o);
}
}  // namespace metal
