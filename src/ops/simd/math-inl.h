// Functions that Highway has, with what it leaves out.
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

// e^x within 4 units in the last place; below -104 it is 0. Highway's does not pass NaN on.
HWY_INLINE VF32 exp_f32(VF32 x) { return hn::IfThenElse(hn::IsNaN(x), x, hn::Exp(F32(), x)); }

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
