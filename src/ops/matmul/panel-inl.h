// Reading the panels of a quantised weight, once per instruction set: values of 16 rows at one k
// become f32 as fma(scale, q, offset).
#if defined(PEWTER_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PEWTER_PANEL_INL_H_
#undef PEWTER_PANEL_INL_H_
#else
#define PEWTER_PANEL_INL_H_
#endif

#include "ops/matmul/packed_weight.h"
#include "ops/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {

// 16 rows are kParts vectors of at most 16 lanes.
using FPart = hn::CappedTag<float, 16>;
using VPart = hn::Vec<FPart>;
constexpr int kPartLanes = HWY_MAX_BYTES / 4 < 16 ? HWY_MAX_BYTES / 4 : 16;
constexpr int kParts = 16 / kPartLanes;

template <bool kHalf>
HWY_INLINE VPart load_scale(const uint8_t* p, int part) {
  const FPart d;
  if constexpr (kHalf) {
    const hn::Rebind<hwy::float16_t, FPart> d16;
    const auto* h = reinterpret_cast<const hwy::float16_t*>(p);
    return hn::PromoteTo(d, hn::LoadU(d16, h + part * kPartLanes));
  } else {
    return hn::LoadU(d, reinterpret_cast<const float*>(p) + part * kPartLanes);
  }
}

HWY_INLINE hn::Vec<hn::Rebind<int32_t, FPart>> load_bytes(const uint8_t* q, int part) {
  const hn::Rebind<int32_t, FPart> di;
  const hn::Rebind<uint8_t, FPart> d8;
  return hn::PromoteTo(di, hn::LoadU(d8, q + part * kPartLanes));
}

HWY_INLINE hn::Vec<hn::Rebind<int32_t, FPart>> load_signed(const uint8_t* q, int part) {
  const hn::Rebind<int32_t, FPart> di;
  const hn::Rebind<int8_t, FPart> d8;
  return hn::PromoteTo(di, hn::LoadU(d8, reinterpret_cast<const int8_t*>(q) + part * kPartLanes));
}

// Calls step(k, part, value) for every k of one group and every part of its 16 rows.
template <bool kFourBits, bool kHalf, typename Step>
HWY_INLINE void for_group(const uint8_t* group, int64_t values, Step&& step) {
  const FPart d;
  const hn::Rebind<int32_t, FPart> di;
  constexpr int64_t kScaleBytes = 16 * (kHalf ? 2 : 4);
  const uint8_t* q = group + 2 * kScaleBytes;
  VPart scale[kParts], offset[kParts];
  for (int part = 0; part < kParts; ++part) {
    scale[part] = load_scale<kHalf>(group, part);
    offset[part] = load_scale<kHalf>(group + kScaleBytes, part);
  }
  for (int64_t k = 0; k < values; k += kFourBits ? 2 : 1, q += 16) {
    for (int part = 0; part < kParts; ++part) {
      if constexpr (kFourBits) {
        const auto both = load_bytes(q, part);
        const auto low = hn::And(both, hn::Set(di, 15)), high = hn::ShiftRight<4>(both);
        step(k, part, hn::MulAdd(hn::ConvertTo(d, low), scale[part], offset[part]));
        step(k + 1, part, hn::MulAdd(hn::ConvertTo(d, high), scale[part], offset[part]));
      } else {
        step(k, part,
             hn::MulAdd(hn::ConvertTo(d, load_signed(q, part)), scale[part], offset[part]));
      }
    }
  }
}

// fn.operator()<four_bits, half_scales>()
template <typename Fn>
HWY_INLINE void with_format(const PackedWeight& w, Fn&& fn) {
  if (w.four_bits && w.half_scales) return fn.template operator()<true, true>();
  if (w.four_bits) return fn.template operator()<true, false>();
  if (w.half_scales) return fn.template operator()<false, true>();
  fn.template operator()<false, false>();
}

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
