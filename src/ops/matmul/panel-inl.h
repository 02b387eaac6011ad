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
constexpr int kPartLanes = HWY_LANES(float) < 16 ? HWY_LANES(float) : 16;
constexpr int kParts = 16 / kPartLanes;

template <bool kHalf>
HWY_INLINE VPart load_scale(const uint8_t* p, int part) {
  const FPart d;
  if constexpr (kHalf) {
#if HWY_TARGET == HWY_SCALAR
    return hn::Set(d, to_float(reinterpret_cast<const Half*>(p)[part]));
#else
    const hn::Rebind<hwy::float16_t, FPart> d16;
    const auto* h = reinterpret_cast<const hwy::float16_t*>(p);
    return hn::PromoteTo(d, hn::LoadU(d16, h + part * kPartLanes));
#endif
  } else {
    return hn::LoadU(d, reinterpret_cast<const float*>(p) + part * kPartLanes);
  }
}

using IPart = hn::Rebind<int32_t, FPart>;
using VInt = hn::Vec<IPart>;

// Calls step(k, integer) for every k of one group, for one part of its 16 rows.
template <bool kFourBits, typename Step>
HWY_INLINE void for_integers(const uint8_t* q, int64_t values, int part, Step&& step) {
  const IPart d;
  if constexpr (kFourBits) {
    const auto mask = hn::Set(d, 15);
    for (int64_t k = 0; k < values; k += 8) {
      const auto v = hn::LoadU(d, reinterpret_cast<const int32_t*>(q + 8 * k) + part * kPartLanes);
      step(k, hn::And(v, mask));
      step(k + 1, hn::And(hn::ShiftRight<16>(v), mask));
      step(k + 2, hn::And(hn::ShiftRight<4>(v), mask));
      step(k + 3, hn::And(hn::ShiftRight<20>(v), mask));
      step(k + 4, hn::And(hn::ShiftRight<8>(v), mask));
      step(k + 5, hn::And(hn::ShiftRight<24>(v), mask));
      step(k + 6, hn::And(hn::ShiftRight<12>(v), mask));
      step(k + 7, hn::And(hn::ShiftRight<28>(v), mask));
    }
  } else {
    const hn::Rebind<int16_t, FPart> d16;
    for (int64_t k = 0; k < values; k += 2) {
      const auto* from = reinterpret_cast<const int16_t*>(q + 16 * k) + part * kPartLanes;
      const auto both = hn::PromoteTo(d, hn::LoadU(d16, from));
      step(k, hn::ShiftRight<24>(hn::ShiftLeft<24>(both)));
      step(k + 1, hn::ShiftRight<8>(both));
    }
  }
}

// Calls step(k, part, value) for every k of one group and every part of its 16 rows.
template <bool kFourBits, bool kHalf, typename Step>
HWY_INLINE void for_group(const uint8_t* group, int64_t values, Step&& step) {
  const FPart d;
  constexpr int64_t kScaleBytes = 16 * (kHalf ? 2 : 4);
  for (int part = 0; part < kParts; ++part) {
    const auto scale = load_scale<kHalf>(group, part);
    const auto offset = load_scale<kHalf>(group + kScaleBytes, part);
    for_integers<kFourBits>(group + 2 * kScaleBytes, values, part, [&](int64_t k, VInt q) HWY_ATTR {
      step(k, part, mul_add(hn::ConvertTo(d, q), scale, offset));
    });
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
