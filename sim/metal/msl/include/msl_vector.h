// Vectors: vec<T, n> around clang's own vector type. Components and swizzles are properties, so
// they are looked up by name and cost nothing until used; as in Metal none has an address.
#pragma once
#include "msl_types.h"

namespace metal {
// Bools lie one a byte.
template <typename T>
struct __lane {
  typedef T type;
};
template <>
struct __lane<bool> {
  typedef uchar type;
};

template <typename T, int n>
struct __native {
  typedef typename __lane<T>::type type __attribute__((ext_vector_type(n)));
};

template <typename T, int n>
struct vec;

template <typename T>
struct __is_vec : false_type {};
template <typename T, int n>
struct __is_vec<vec<T, n>> : true_type {};
template <typename T>
constexpr constant bool __is_number = is_arithmetic<T>::value;

// One line a letter, two spellings: M(name, place, ...). Macros do not nest in themselves, so there
// is one of these for each letter of a swizzle.
#define __MSL_A2(M, ...) M(x, 0, __VA_ARGS__) M(y, 1, __VA_ARGS__)
#define __MSL_A3(M, ...) __MSL_A2(M, __VA_ARGS__) M(z, 2, __VA_ARGS__)
#define __MSL_A4(M, ...) __MSL_A3(M, __VA_ARGS__) M(w, 3, __VA_ARGS__)
#define __MSL_B2(M, ...) M(x, 0, __VA_ARGS__) M(y, 1, __VA_ARGS__)
#define __MSL_B3(M, ...) __MSL_B2(M, __VA_ARGS__) M(z, 2, __VA_ARGS__)
#define __MSL_B4(M, ...) __MSL_B3(M, __VA_ARGS__) M(w, 3, __VA_ARGS__)
#define __MSL_C2(M, ...) M(x, 0, __VA_ARGS__) M(y, 1, __VA_ARGS__)
#define __MSL_C3(M, ...) __MSL_C2(M, __VA_ARGS__) M(z, 2, __VA_ARGS__)
#define __MSL_C4(M, ...) __MSL_C3(M, __VA_ARGS__) M(w, 3, __VA_ARGS__)
#define __MSL_D2(M, ...) M(x, 0, __VA_ARGS__) M(y, 1, __VA_ARGS__)
#define __MSL_D3(M, ...) __MSL_D2(M, __VA_ARGS__) M(z, 2, __VA_ARGS__)
#define __MSL_D4(M, ...) __MSL_D3(M, __VA_ARGS__) M(w, 3, __VA_ARGS__)
#define __MSL_COLOUR_x r
#define __MSL_COLOUR_y g
#define __MSL_COLOUR_z b
#define __MSL_COLOUR_w a
#define __MSL_COLOUR(x) __MSL_COLOUR_##x
#define __MSL_JOIN2(a, b) a##b
#define __MSL_JOIN3(a, b, c) a##b##c
#define __MSL_JOIN4(a, b, c, d) a##b##c##d
#define __MSL_NAME2(a, b) __MSL_JOIN2(a, b)
#define __MSL_NAME3(a, b, c) __MSL_JOIN3(a, b, c)
#define __MSL_NAME4(a, b, c, d) __MSL_JOIN4(a, b, c, d)
#define __MSL_PROPERTY(type, name, letters) \
  __declspec(property(get = __get_##letters, put = __put_##letters)) type name;

#define __MSL_ONE(a, i, n)                                             \
  constexpr __MSL_INLINE T __get_##a() const { return T(native.a); }   \
  constexpr __MSL_INLINE void __put_##a(T v) { native.a = v; }         \
  __MSL_PROPERTY(T, a, a)                                              \
  __MSL_PROPERTY(T, __MSL_COLOUR(a), a)

#define __MSL_TWO(b, j, a, i, n)                                       \
  __MSL_INLINE vec<T, 2> __get_##a##b() const {                        \
    return vec<T, 2>(__builtin_shufflevector(native, native, i, j));   \
  }                                                                    \
  __MSL_INLINE void __put_##a##b(vec<T, 2> v) { native.a##b = v.native; } \
  __MSL_PROPERTY(__two, a##b, a##b)                                    \
  __MSL_PROPERTY(__two, __MSL_NAME2(__MSL_COLOUR(a), __MSL_COLOUR(b)), a##b)

#define __MSL_THREE(c, k, b, j, a, i, n)                               \
  __MSL_INLINE vec<T, 3> __get_##a##b##c() const {                     \
    return vec<T, 3>(__builtin_shufflevector(native, native, i, j, k)); \
  }                                                                    \
  __MSL_INLINE void __put_##a##b##c(vec<T, 3> v) {                     \
    native[i] = v.native[0];                                           \
    native[j] = v.native[1];                                           \
    native[k] = v.native[2];                                           \
  }                                                                    \
  __MSL_PROPERTY(__three, a##b##c, a##b##c)                            \
  __MSL_PROPERTY(__three,                                              \
                 __MSL_NAME3(__MSL_COLOUR(a), __MSL_COLOUR(b), __MSL_COLOUR(c)), a##b##c)

#define __MSL_FOUR(d, l, c, k, b, j, a, i, n)                          \
  __MSL_INLINE vec<T, 4> __get_##a##b##c##d() const {                  \
    return vec<T, 4>(__builtin_shufflevector(native, native, i, j, k, l)); \
  }                                                                    \
  __MSL_INLINE void __put_##a##b##c##d(vec<T, 4> v) {                  \
    native[i] = v.native[0];                                           \
    native[j] = v.native[1];                                           \
    native[k] = v.native[2];                                           \
    native[l] = v.native[3];                                           \
  }                                                                    \
  __MSL_PROPERTY(__four, a##b##c##d, a##b##c##d)                       \
  __MSL_PROPERTY(__four,                                               \
                 __MSL_NAME4(__MSL_COLOUR(a), __MSL_COLOUR(b), __MSL_COLOUR(c), __MSL_COLOUR(d)), \
                 a##b##c##d)

#define __MSL_PAIRS(a, i, n) __MSL_B##n(__MSL_TWO, a, i, n)
#define __MSL_TRIPLES_(b, j, a, i, n) __MSL_C##n(__MSL_THREE, b, j, a, i, n)
#define __MSL_TRIPLES(a, i, n) __MSL_B##n(__MSL_TRIPLES_, a, i, n)
#define __MSL_QUADS__(c, k, b, j, a, i, n) __MSL_D##n(__MSL_FOUR, c, k, b, j, a, i, n)
#define __MSL_QUADS_(b, j, a, i, n) __MSL_C##n(__MSL_QUADS__, b, j, a, i, n)
#define __MSL_QUADS(a, i, n) __MSL_B##n(__MSL_QUADS_, a, i, n)
#define __MSL_SWIZZLES(n)                                                  \
  __MSL_A##n(__MSL_ONE, n) __MSL_A##n(__MSL_PAIRS, n)                      \
      __MSL_A##n(__MSL_TRIPLES, n) __MSL_A##n(__MSL_QUADS, n)

#define __MSL_VEC_BODY(n)                                                                 \
  typedef T value_type;                                                                   \
  typedef typename __native<T, n>::type __native_type;                                    \
  typedef vec<T, 2> __two;                                                                \
  typedef vec<T, 3> __three;                                                              \
  typedef vec<T, 4> __four;                                                               \
  __native_type native;                                                                   \
  vec() = default;                                                                        \
  constexpr __MSL_INLINE vec(T v) : native(typename __lane<T>::type(v)) {}                \
  constexpr __MSL_INLINE explicit vec(__native_type v) : native(v) {}                     \
  template <typename U, enable_if_t<!is_same<U, T>::value, int> = 0>                      \
  __MSL_INLINE explicit constexpr vec(vec<U, n> v) : native(__converted<T, U, n>(v.native)) {} \
  __MSL_INLINE T& operator[](int i) { return ((T*)&native)[i]; }                          \
  __MSL_INLINE T operator[](int i) const { return T(native[i]); }                         \
  __MSL_SWIZZLES(n)

// One element at a time where bool comes in: it is not what C++ makes of a byte.
template <typename T, typename U, int n>
constexpr __MSL_INLINE typename __native<T, n>::type __converted(typename __native<U, n>::type v) {
  if constexpr (is_same<T, bool>::value) {
    auto set = v != typename __native<U, n>::type(0);
    return __builtin_convertvector(set, typename __native<bool, n>::type) & uchar(1);
  } else {
    return __builtin_convertvector(v, typename __native<T, n>::type);
  }
}

template <typename T>
struct vec<T, 2> {
  __MSL_VEC_BODY(2)
  constexpr __MSL_INLINE vec(T a, T b) : native{a, b} {}
};

template <typename T>
struct vec<T, 3> {
  __MSL_VEC_BODY(3)
  constexpr __MSL_INLINE vec(T a, T b, T c) : native{a, b, c} {}
  constexpr __MSL_INLINE vec(vec<T, 2> a, T b) : native{a.native.x, a.native.y, b} {}
  constexpr __MSL_INLINE vec(T a, vec<T, 2> b) : native{a, b.native.x, b.native.y} {}
};

template <typename T>
struct vec<T, 4> {
  __MSL_VEC_BODY(4)
  constexpr __MSL_INLINE vec(T a, T b, T c, T d) : native{a, b, c, d} {}
  constexpr __MSL_INLINE vec(vec<T, 2> a, T b, T c) : native{a.native.x, a.native.y, b, c} {}
  constexpr __MSL_INLINE vec(T a, vec<T, 2> b, T c) : native{a, b.native.x, b.native.y, c} {}
  constexpr __MSL_INLINE vec(T a, T b, vec<T, 2> c) : native{a, b, c.native.x, c.native.y} {}
  constexpr __MSL_INLINE vec(vec<T, 2> a, vec<T, 2> b)
      : native{a.native.x, a.native.y, b.native.x, b.native.y} {}
  constexpr __MSL_INLINE vec(vec<T, 3> a, T b)
      : native{a.native.x, a.native.y, a.native.z, b} {}
  constexpr __MSL_INLINE vec(T a, vec<T, 3> b)
      : native{a, b.native.x, b.native.y, b.native.z} {}
};

// Both operands are vectors of one type, or one is a scalar that becomes that type.
#define __MSL_OPERATOR(op)                                                       \
  template <typename T, int n>                                                   \
  constexpr __MSL_INLINE vec<T, n> operator op(vec<T, n> a, vec<T, n> b) {       \
    return vec<T, n>(a.native op b.native);                                      \
  }                                                                              \
  template <typename T, int n, typename U, enable_if_t<__is_number<U>, int> = 0> \
  constexpr __MSL_INLINE vec<T, n> operator op(vec<T, n> a, U b) {               \
    return a op vec<T, n>(T(b));                                                 \
  }                                                                              \
  template <typename T, int n, typename U, enable_if_t<__is_number<U>, int> = 0> \
  constexpr __MSL_INLINE vec<T, n> operator op(U a, vec<T, n> b) {               \
    return vec<T, n>(T(a)) op b;                                                 \
  }                                                                              \
  template <typename T, int n, typename U>                                       \
  constexpr __MSL_INLINE vec<T, n>& operator op##=(vec<T, n>& a, U b) {          \
    return a = a op b;                                                           \
  }
__MSL_OPERATOR(+)
__MSL_OPERATOR(-)
__MSL_OPERATOR(*)
__MSL_OPERATOR(/)
__MSL_OPERATOR(%)
__MSL_OPERATOR(&)
__MSL_OPERATOR(|)
__MSL_OPERATOR(^)
__MSL_OPERATOR(<<)
__MSL_OPERATOR(>>)
#undef __MSL_OPERATOR

template <typename T, int n>
constexpr __MSL_INLINE vec<T, n> operator-(vec<T, n> a) {
  return vec<T, n>(-a.native);
}
template <typename T, int n>
constexpr __MSL_INLINE vec<T, n> operator+(vec<T, n> a) {
  return a;
}
template <typename T, int n>
constexpr __MSL_INLINE vec<T, n> operator~(vec<T, n> a) {
  return vec<T, n>(~a.native);
}
template <typename T, int n>
constexpr __MSL_INLINE vec<bool, n> operator!(vec<T, n> a) {
  return a == vec<T, n>(T(0));
}
template <typename T, int n>
__MSL_INLINE vec<T, n>& operator++(vec<T, n>& a) {
  return a += T(1);
}
template <typename T, int n>
__MSL_INLINE vec<T, n>& operator--(vec<T, n>& a) {
  return a -= T(1);
}
template <typename T, int n>
__MSL_INLINE vec<T, n> operator++(vec<T, n>& a, int) {
  vec<T, n> old = a;
  a += T(1);
  return old;
}
template <typename T, int n>
__MSL_INLINE vec<T, n> operator--(vec<T, n>& a, int) {
  vec<T, n> old = a;
  a -= T(1);
  return old;
}

#define __MSL_COMPARISON(op)                                                         \
  template <typename T, int n>                                                       \
  constexpr __MSL_INLINE vec<bool, n> operator op(vec<T, n> a, vec<T, n> b) {        \
    auto all = a.native op b.native;                                                 \
    return vec<bool, n>(                                                             \
        __builtin_convertvector(all, typename __native<bool, n>::type) & uchar(1));  \
  }                                                                                  \
  template <typename T, int n, typename U, enable_if_t<__is_number<U>, int> = 0>     \
  constexpr __MSL_INLINE vec<bool, n> operator op(vec<T, n> a, U b) {                \
    return a op vec<T, n>(T(b));                                                     \
  }                                                                                  \
  template <typename T, int n, typename U, enable_if_t<__is_number<U>, int> = 0>     \
  constexpr __MSL_INLINE vec<bool, n> operator op(U a, vec<T, n> b) {                \
    return vec<T, n>(T(a)) op b;                                                     \
  }
__MSL_COMPARISON(==)
__MSL_COMPARISON(!=)
__MSL_COMPARISON(<)
__MSL_COMPARISON(>)
__MSL_COMPARISON(<=)
__MSL_COMPARISON(>=)
#undef __MSL_COMPARISON

template <int n>
constexpr __MSL_INLINE vec<bool, n> operator&&(vec<bool, n> a, vec<bool, n> b) {
  return vec<bool, n>(a.native & b.native);
}
template <int n>
constexpr __MSL_INLINE vec<bool, n> operator||(vec<bool, n> a, vec<bool, n> b) {
  return vec<bool, n>(a.native | b.native);
}

// Without the padding: n elements in a row.
template <typename T, int n>
struct packed_vec {
  T __elements[n];
  packed_vec() = default;
  __MSL_INLINE packed_vec(vec<T, n> v) {
    for (int i = 0; i < n; ++i) __elements[i] = v.native[i];
  }
  template <typename... U, enable_if_t<sizeof...(U) == n && (n > 1), int> = 0>
  constexpr __MSL_INLINE packed_vec(U... values) : __elements{T(values)...} {}
  __MSL_INLINE operator vec<T, n>() const {
    vec<T, n> v;
    for (int i = 0; i < n; ++i) v.native[i] = __elements[i];
    return v;
  }
  __MSL_INLINE T& operator[](int i) { return __elements[i]; }
  __MSL_INLINE const T& operator[](int i) const { return __elements[i]; }
#define __MSL_PLACE(name, i)                                        \
  __MSL_INLINE T __get_##name() const { return __elements[i]; }     \
  __MSL_INLINE void __put_##name(T v) { __elements[i] = v; }        \
  __MSL_PROPERTY(T, name, name)
  __MSL_PLACE(x, 0)
  __MSL_PLACE(y, 1)
  __MSL_PLACE(z, 2)
  __MSL_PLACE(w, 3)
  __MSL_PLACE(r, 0)
  __MSL_PLACE(g, 1)
  __MSL_PLACE(b, 2)
  __MSL_PLACE(a, 3)
#undef __MSL_PLACE
};
#define __MSL_OPERATOR(op)                                                            \
  template <typename T, int n>                                                        \
  __MSL_INLINE vec<T, n> operator op(packed_vec<T, n> a, packed_vec<T, n> b) {        \
    return vec<T, n>(a) op vec<T, n>(b);                                              \
  }                                                                                   \
  template <typename T, int n>                                                        \
  __MSL_INLINE vec<T, n> operator op(packed_vec<T, n> a, vec<T, n> b) {               \
    return vec<T, n>(a) op b;                                                         \
  }                                                                                   \
  template <typename T, int n>                                                        \
  __MSL_INLINE vec<T, n> operator op(vec<T, n> a, packed_vec<T, n> b) {               \
    return a op vec<T, n>(b);                                                         \
  }                                                                                   \
  template <typename T, int n, typename U, enable_if_t<__is_number<U>, int> = 0>      \
  __MSL_INLINE vec<T, n> operator op(packed_vec<T, n> a, U b) {                       \
    return vec<T, n>(a) op b;                                                         \
  }                                                                                   \
  template <typename T, int n, typename U, enable_if_t<__is_number<U>, int> = 0>      \
  __MSL_INLINE vec<T, n> operator op(U a, packed_vec<T, n> b) {                       \
    return a op vec<T, n>(b);                                                         \
  }                                                                                   \
  template <typename T, int n, typename U>                                            \
  __MSL_INLINE packed_vec<T, n>& operator op##=(packed_vec<T, n>& a, U b) {           \
    return a = packed_vec<T, n>(a op b);                                              \
  }
__MSL_OPERATOR(+)
__MSL_OPERATOR(-)
__MSL_OPERATOR(*)
__MSL_OPERATOR(/)
#undef __MSL_OPERATOR
}  // namespace metal

#define __MSL_NAMES(T)                      \
  typedef metal::vec<T, 2> T##2;            \
  typedef metal::vec<T, 3> T##3;            \
  typedef metal::vec<T, 4> T##4;            \
  typedef metal::packed_vec<T, 2> packed_##T##2; \
  typedef metal::packed_vec<T, 3> packed_##T##3; \
  typedef metal::packed_vec<T, 4> packed_##T##4; \
  namespace metal {                         \
  using ::T##2;                             \
  using ::T##3;                             \
  using ::T##4;                             \
  using ::packed_##T##2;                    \
  using ::packed_##T##3;                    \
  using ::packed_##T##4;                    \
  }
__MSL_NAMES(bool)
__MSL_NAMES(char)
__MSL_NAMES(uchar)
__MSL_NAMES(short)
__MSL_NAMES(ushort)
__MSL_NAMES(int)
__MSL_NAMES(uint)
__MSL_NAMES(long)
__MSL_NAMES(ulong)
__MSL_NAMES(half)
__MSL_NAMES(bfloat)
__MSL_NAMES(float)
#undef __MSL_NAMES
