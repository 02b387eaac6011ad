// Matrices: a simdgroup's 8 x 8, of which each lane holds two elements, and a thread's small ones.
#pragma once
#include "msl_threads.h"

namespace metal {
template <typename T>
struct __matrix64 {
  typedef T type __attribute__((ext_vector_type(64)));
};

template <typename T, int columns, int rows = columns>
struct simdgroup_matrix {
  static_assert(columns == 8 && rows == 8, "simdgroup matrices are 8 x 8");
  typedef T value_type;
  typename __matrix64<T>::type native;
  simdgroup_matrix() = default;
  __MSL_INLINE explicit simdgroup_matrix(T diagonal);
  // The two elements of the calling lane.
  __MSL_INLINE vec<T, 2>& thread_elements() { return *(vec<T, 2>*)&native; }
  __MSL_INLINE const vec<T, 2>& thread_elements() const { return *(const vec<T, 2>*)&native; }
};
typedef simdgroup_matrix<float, 8> simdgroup_float8x8;
typedef simdgroup_matrix<half, 8> simdgroup_half8x8;
typedef simdgroup_matrix<bfloat, 8> simdgroup_bfloat8x8;

// The compiler's calling convention has no vectors of 64: they go by address, and lower.cpp makes
// the call that AIR has of each of these.
#define __MSL_MATRIX(T, type)                                                                   \
  void __fill(void*, T) __MSL_AIR("msl.simdgroup_matrix_8x8_init_filled.v64" #type "." #type);  \
  void __load(void*, const device T*, ulong, ulong, ulong, bool)                                \
      __MSL_AIR("msl.simdgroup_matrix_8x8_load.v64" #type ".p1" #type);                         \
  void __load(void*, const threadgroup T*, ulong, ulong, ulong, bool)                           \
      __MSL_AIR("msl.simdgroup_matrix_8x8_load.v64" #type ".p3" #type);                         \
  void __store(const void*, device T*, ulong, ulong, ulong, bool)                               \
      __MSL_AIR("msl.simdgroup_matrix_8x8_store.v64" #type ".p1" #type);                        \
  void __store(const void*, threadgroup T*, ulong, ulong, ulong, bool)                          \
      __MSL_AIR("msl.simdgroup_matrix_8x8_store.v64" #type ".p3" #type);
__MSL_MATRIX(float, f32)
__MSL_MATRIX(half, f16)
__MSL_MATRIX(bfloat, bf16)
#undef __MSL_MATRIX

#define __MSL_PRODUCT(D, d, A, a, B, b)                                                          \
  void __multiply(simdgroup_matrix<D, 8>*, const simdgroup_matrix<A, 8>*,                        \
                  const simdgroup_matrix<B, 8>*)                                                 \
      __MSL_AIR("msl.simdgroup_matrix_8x8_multiply.v64" #d ".v64" #a ".v64" #b);                 \
  void __multiply_add(simdgroup_matrix<D, 8>*, const simdgroup_matrix<A, 8>*,                    \
                      const simdgroup_matrix<B, 8>*, const simdgroup_matrix<D, 8>*)              \
      __MSL_AIR("msl.simdgroup_matrix_8x8_multiply_accumulate.v64" #d ".v64" #a ".v64" #b      \
                ".v64" #d);
#define __MSL_PRODUCTS(D, d, A, a)        \
  __MSL_PRODUCT(D, d, A, a, float, f32)   \
  __MSL_PRODUCT(D, d, A, a, half, f16)    \
  __MSL_PRODUCT(D, d, A, a, bfloat, bf16)
#define __MSL_ALL_PRODUCTS(D, d)      \
  __MSL_PRODUCTS(D, d, float, f32)    \
  __MSL_PRODUCTS(D, d, half, f16)     \
  __MSL_PRODUCTS(D, d, bfloat, bf16)
__MSL_ALL_PRODUCTS(float, f32)
__MSL_ALL_PRODUCTS(half, f16)
__MSL_ALL_PRODUCTS(bfloat, bf16)
#undef __MSL_ALL_PRODUCTS
#undef __MSL_PRODUCTS
#undef __MSL_PRODUCT

template <typename T, int columns, int rows = columns>
__MSL_INLINE simdgroup_matrix<T, columns, rows> make_filled_simdgroup_matrix(T value) {
  simdgroup_matrix<T, columns, rows> m;
  __fill(&m, value);
  return m;
}
template <typename T, int columns, int rows>
__MSL_INLINE simdgroup_matrix<T, columns, rows>::simdgroup_matrix(T diagonal) {
  uint lane = __metal_get_thread_index_in_simdgroup(0);
  uint row = ((lane >> 2) & 4) + ((lane >> 1) & 3), column = ((lane >> 1) & 4) + ((lane & 1) << 1);
  __fill(this, T(0.0f));
  thread_elements()[0] = row == column ? diagonal : T(0.0f);
  thread_elements()[1] = row == column + 1 ? diagonal : T(0.0f);
}
template <typename T>
__MSL_INLINE simdgroup_matrix<T, 8> make_diagonal_simdgroup_matrix(T value) {
  return simdgroup_matrix<T, 8>(value);
}

#define __MSL_MEMORY(space)                                                                      \
  template <typename T>                                                                          \
  __MSL_INLINE void simdgroup_load(simdgroup_matrix<T, 8>& m, const space T* from,               \
                                   ulong elements_per_row = 8, ulong2 origin = 0ul,              \
                                   bool transpose = false) {                                     \
    __load(&m, from, elements_per_row, origin.x, origin.y, transpose);                           \
  }                                                                                              \
  template <typename T>                                                                          \
  __MSL_INLINE void simdgroup_store(simdgroup_matrix<T, 8> m, space T* to,                       \
                                    ulong elements_per_row = 8, ulong2 origin = 0ul,             \
                                    bool transpose = false) {                                    \
    __store(&m, to, elements_per_row, origin.x, origin.y, transpose);                            \
  }
__MSL_MEMORY(device)
__MSL_MEMORY(threadgroup)
#undef __MSL_MEMORY

template <typename D, typename A, typename B>
__MSL_INLINE void simdgroup_multiply(simdgroup_matrix<D, 8>& d, simdgroup_matrix<A, 8> a,
                                     simdgroup_matrix<B, 8> b) {
  __multiply(&d, &a, &b);
}
template <typename D, typename A, typename B>
__MSL_INLINE void simdgroup_multiply_accumulate(simdgroup_matrix<D, 8>& d,
                                                simdgroup_matrix<A, 8> a,
                                                simdgroup_matrix<B, 8> b,
                                                simdgroup_matrix<D, 8> c) {
  __multiply_add(&d, &a, &b, &c);
}
template <typename T>
__MSL_INLINE simdgroup_matrix<T, 8> operator*(simdgroup_matrix<T, 8> a, simdgroup_matrix<T, 8> b) {
  simdgroup_matrix<T, 8> d;
  __multiply(&d, &a, &b);
  return d;
}

// Columns of vectors, as Metal lays them.
template <typename T, int c, int r>
struct matrix {
  vec<T, r> columns[c];
  matrix() = default;
  __MSL_INLINE explicit matrix(T diagonal) {
    for (int i = 0; i < c; ++i) {
      for (int j = 0; j < r; ++j) columns[i].native[j] = i == j ? diagonal : T(0.0f);
    }
  }
  template <typename... V, enable_if_t<sizeof...(V) == c && (c > 1), int> = 0>
  __MSL_INLINE matrix(V... v) : columns{vec<T, r>(v)...} {}
  __MSL_INLINE vec<T, r>& operator[](int i) { return columns[i]; }
  __MSL_INLINE const vec<T, r>& operator[](int i) const { return columns[i]; }
};
template <typename T, int c, int r>
__MSL_INLINE vec<T, r> operator*(matrix<T, c, r> m, vec<T, c> v) {
  vec<T, r> sum = m.columns[0] * T(v.native[0]);
  for (int i = 1; i < c; ++i) sum += m.columns[i] * T(v.native[i]);
  return sum;
}
template <typename T, int c, int r>
__MSL_INLINE vec<T, c> operator*(vec<T, r> v, matrix<T, c, r> m) {
  vec<T, c> result;
  for (int i = 0; i < c; ++i) result.native[i] = dot(v, m.columns[i]);
  return result;
}
template <typename T, int k, int c, int r>
__MSL_INLINE matrix<T, c, r> operator*(matrix<T, k, r> a, matrix<T, c, k> b) {
  matrix<T, c, r> result;
  for (int i = 0; i < c; ++i) result.columns[i] = a * b.columns[i];
  return result;
}
#define __MSL_OPERATOR(op)                                                              \
  template <typename T, int c, int r>                                                   \
  __MSL_INLINE matrix<T, c, r> operator op(matrix<T, c, r> a, matrix<T, c, r> b) {      \
    for (int i = 0; i < c; ++i) a.columns[i] = a.columns[i] op b.columns[i];            \
    return a;                                                                           \
  }
__MSL_OPERATOR(+)
__MSL_OPERATOR(-)
#undef __MSL_OPERATOR
template <typename T, int c, int r>
__MSL_INLINE matrix<T, c, r> operator*(matrix<T, c, r> a, type_identity_t<T> b) {
  for (int i = 0; i < c; ++i) a.columns[i] = a.columns[i] * b;
  return a;
}
template <typename T, int c, int r>
__MSL_INLINE matrix<T, r, c> transpose(matrix<T, c, r> m) {
  matrix<T, r, c> result;
  for (int i = 0; i < c; ++i) {
    for (int j = 0; j < r; ++j) result.columns[j].native[i] = m.columns[i].native[j];
  }
  return result;
}
}  // namespace metal

#define __MSL_NAMES(T, c)                    \
  typedef metal::matrix<T, c, 2> T##c##x2;   \
  typedef metal::matrix<T, c, 3> T##c##x3;   \
  typedef metal::matrix<T, c, 4> T##c##x4;   \
  namespace metal {                          \
  using ::T##c##x2;                          \
  using ::T##c##x3;                          \
  using ::T##c##x4;                          \
  }
__MSL_NAMES(float, 2)
__MSL_NAMES(float, 3)
__MSL_NAMES(float, 4)
__MSL_NAMES(half, 2)
__MSL_NAMES(half, 3)
__MSL_NAMES(half, 4)
#undef __MSL_NAMES
