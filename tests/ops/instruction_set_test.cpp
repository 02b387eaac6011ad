// That a run held to an instruction set is: this file is compiled and chosen as the kernels are.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/instruction_set_test.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// (these two must come first: the rest is compiled once per target)
#include "ops/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {

int64_t target() { return HWY_TARGET; }

// (1 + 2^-12)^2 - 1 - 2^-11 is 2^-24, which rounding the product first would lose; and both ways.
float fused() {
  const auto set = [](double x) HWY_ATTR { return hn::Set(F32(), static_cast<float>(x)); };
  const VF32 a = set(1 + 0x1p-12), c = set(1 + 0x1p-11);
  return hn::GetLane(mul_add(a, a, set(-1 - 0x1p-11))) - hn::GetLane(neg_mul_add(a, a, c));
}

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <gtest/gtest.h>

#include "support/instruction_set.h"

namespace pewter {
HWY_EXPORT(target);
HWY_EXPORT(fused);

namespace test {
namespace {

TEST(InstructionSet, IsTheOneAskedFor) {
  const int64_t wanted = wanted_target(), best = HWY_TARGETS & hwy::SupportedTargets();
  EXPECT_EQ(HWY_DYNAMIC_DISPATCH(target)(), wanted != 0 ? wanted : best & -best);
}

TEST(InstructionSet, MultiplyAddRoundsOnce) { EXPECT_EQ(HWY_DYNAMIC_DISPATCH(fused)(), 0x1p-23f); }

}  // namespace
}  // namespace test
}  // namespace pewter
#endif
