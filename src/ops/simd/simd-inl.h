// What the SIMD kernels share: loads and stores that convert 16-bit elements to and from f32, and
// sums over a row in an order that depends on the row's length alone. Included once per target by
// Highway's foreach_target, hence the toggled guard.
#if defined(PEWTER_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PEWTER_SIMD_INL_H_
#undef PEWTER_SIMD_INL_H_
#else
#define PEWTER_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>

#include "pewter/dtype.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using VF32 = hn::Vec<F32>;

// a * b + c and c - a * b, rounded once on every target: Highway's scalar one rounds twice.
template <typename V>
HWY_INLINE V mul_add(V a, V b, V c) {
#if HWY_TARGET == HWY_SCALAR
  return V(std::fma(a.raw, b.raw, c.raw));
#else
  return hn::MulAdd(a, b, c);
#endif
}
template <typename V>
HWY_INLINE V neg_mul_add(V a, V b, V c) {
#if HWY_TARGET == HWY_SCALAR
  return V(std::fma(-a.raw, b.raw, c.raw));
#else
  return hn::NegMulAdd(a, b, c);
#endif
}

// Highway's own 16-bit types have the same bits as ours.
inline const hwy::float16_t* as_hwy(const Half* p) {
  return reinterpret_cast<const hwy::float16_t*>(p);
}
inline hwy::float16_t* as_hwy(Half* p) { return reinterpret_cast<hwy::float16_t*>(p); }

HWY_INLINE VF32 load_f32(const float* p) { return hn::LoadU(F32(), p); }
HWY_INLINE VF32 load_f32(const Half* p) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(F32(), to_float(*p));
#else
  const hn::Rebind<hwy::float16_t, F32> d16;
  return hn::PromoteTo(F32(), hn::LoadU(d16, as_hwy(p)));
#endif
}
HWY_INLINE VF32 load_f32(const BFloat16* p) {
  const hn::Rebind<uint16_t, F32> d16;
  const hn::RebindToUnsigned<F32> du;
  const auto bits = hn::LoadU(d16, reinterpret_cast<const uint16_t*>(p));
  return hn::BitCast(F32(), hn::ShiftLeft<16>(hn::PromoteTo(du, bits)));
}

HWY_INLINE void store_f32(VF32 v, float* p) { hn::StoreU(v, F32(), p); }
// Highway's scalar conversion truncates and has no NaN.
HWY_INLINE void store_f32(VF32 v, Half* p) {
#if HWY_TARGET == HWY_SCALAR
  *p = to_half(hn::GetLane(v));
#else
  const hn::Rebind<hwy::float16_t, F32> d16;
  hn::StoreU(hn::DemoteTo(d16, v), d16, as_hwy(p));
#endif
}
// Rounds to nearest even by hand: Highway 1.0.3 truncates, and NaN must stay NaN.
HWY_INLINE void store_f32(VF32 v, BFloat16* p) {
  const hn::RebindToUnsigned<F32> du;
  const hn::Rebind<uint16_t, F32> d16;
  const auto bits = hn::BitCast(du, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fffu)));
  const auto quiet = hn::Or(bits, hn::Set(du, 0x400000u));
  const auto kept = hn::IfThenElse(hn::RebindMask(du, hn::IsNaN(v)), quiet, rounded);
  hn::StoreU(hn::DemoteTo(d16, hn::BitCast(hn::RebindToSigned<F32>(), hn::ShiftRight<16>(kept))),
             d16, reinterpret_cast<uint16_t*>(p));
}

// The last, partial vector of a row goes through a small buffer: no access outside the row.
template <typename T>
HWY_INLINE VF32 load_f32_part(const T* p, size_t count, float fill) {
  HWY_ALIGN float buffer[hn::MaxLanes(F32())];
  hn::Store(hn::Set(F32(), fill), F32(), buffer);
  for (size_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<T, float>) {
      buffer[i] = p[i];
    } else {
      buffer[i] = to_float(p[i]);
    }
  }
  return hn::Load(F32(), buffer);
}
template <typename T>
HWY_INLINE void store_f32_part(VF32 v, T* p, size_t count) {
  HWY_ALIGN T buffer[hn::MaxLanes(F32())];
  store_f32(v, buffer);
  for (size_t i = 0; i < count; ++i) p[i] = buffer[i];
}

// Calls step(value, index) with whole vectors and a last one padded with `fill`.
template <typename T, typename Step>
HWY_INLINE void for_row(const T* row, int64_t n, float fill, Step&& step) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(F32()));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) step(load_f32(row + i), i);
  if (i < n) step(load_f32_part(row + i, static_cast<size_t>(n - i), fill), i);
}

// Sum over a row of term(v, i), in four chains so that it keeps up with memory; v is padded with 0,
// for which term must give 0 or mask what lies past n. All lanes hold the result.
template <typename T, typename Term>
HWY_INLINE VF32 sum_row(const T* row, int64_t n, Term&& term) {
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  VF32 s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = hn::Add(s0, term(load_f32(row + i), i));
    s1 = hn::Add(s1, term(load_f32(row + i + lanes), i + lanes));
    s2 = hn::Add(s2, term(load_f32(row + i + 2 * lanes), i + 2 * lanes));
    s3 = hn::Add(s3, term(load_f32(row + i + 3 * lanes), i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) s0 = hn::Add(s0, term(load_f32(row + i), i));
  if (i < n) s1 = hn::Add(s1, term(load_f32_part(row + i, static_cast<size_t>(n - i), 0), i));
  return hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
}

// Elements i .. of a row of n, all lanes or those that are left and zeros.
template <typename T>
HWY_INLINE VF32 load_row(const T* row, int64_t i, int64_t n, float fill = 0) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(F32()));
  return i + lanes <= n ? load_f32(row + i)
                        : load_f32_part(row + i, static_cast<size_t>(n - i), fill);
}

// Stores v as elements i .. of a row of n, all lanes or those that are left.
template <typename T>
HWY_INLINE void store_row(VF32 v, T* row, int64_t i, int64_t n) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(F32()));
  if (i + lanes <= n) {
    store_f32(v, row + i);
  } else {
    store_f32_part(v, row + i, static_cast<size_t>(n - i));
  }
}

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
