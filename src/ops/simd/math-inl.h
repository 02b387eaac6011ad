// Functions of f32 vectors that several kernels need, total over all floats: Highway's own are
// defined on part of the range and drop NaN. Included once per target, like simd-inl.h.
#if defined(PEWTER_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PEWTER_MATH_INL_H_
#undef PEWTER_MATH_INL_H_
#else
#define PEWTER_MATH_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>

#include "ops/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {

// Within 2 units in the last place; 0 below -104, infinity above 88.73.
template <typename D>
HWY_INLINE hn::Vec<D> exp_f32(D d, hn::Vec<D> x) {
  const auto e = hn::Exp(d, hn::Min(x, hn::Set(d, 104.0f)));  // larger ones overflow q
  return hn::IfThenElse(hn::IsNaN(x), x, e);
}
HWY_INLINE VF32 exp_f32(VF32 x) { return exp_f32(F32(), x); }

// 1 / (1 + exp(-x))
HWY_INLINE VF32 sigmoid_f32(VF32 x) {
  const VF32 one = hn::Set(F32(), 1.0f);
  return hn::Div(one, hn::Add(one, exp_f32(hn::Neg(x))));
}

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
