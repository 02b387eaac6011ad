// Four rows of four values turned round in registers: what packing and attention lay out anew.
#if defined(PEWTER_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PEWTER_TRANSPOSE_INL_H_
#undef PEWTER_TRANSPOSE_INL_H_
#else
#define PEWTER_TRANSPOSE_INL_H_
#endif

#include "ops/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR
using Four = hn::CappedTag<float, 4>;
using VFour = hn::Vec<Four>;

// out[k * width + i] = r_i[k]
HWY_INLINE void store_turned(VFour r0, VFour r1, VFour r2, VFour r3, int64_t width, float* out) {
  const Four d;
  const VFour low02 = hn::InterleaveLower(d, r0, r2), low13 = hn::InterleaveLower(d, r1, r3);
  const VFour high02 = hn::InterleaveUpper(d, r0, r2), high13 = hn::InterleaveUpper(d, r1, r3);
  hn::StoreU(hn::InterleaveLower(d, low02, low13), d, out);
  hn::StoreU(hn::InterleaveUpper(d, low02, low13), d, out + width);
  hn::StoreU(hn::InterleaveLower(d, high02, high13), d, out + 2 * width);
  hn::StoreU(hn::InterleaveUpper(d, high02, high13), d, out + 3 * width);
}
#endif

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
