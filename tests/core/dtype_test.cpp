// Every 16-bit number, and rounding to it against the definition: the nearest, on a tie the one
// with an even last bit (IEEE 754-2019 §4.3.1).
#include "pewter/dtype.h"

#include <gtest/gtest.h>

#include <cmath>

#include "pewter/error.h"

namespace pewter {
namespace {

// Sign, exponent and fraction by arithmetic: `fraction` bits, exponents biased by `bias`.
double value_of(uint16_t bits, int fraction, int bias) {
  const int exponent = (bits & 0x7fff) >> fraction, low = bits & ((1 << fraction) - 1);
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == (0x7fff >> fraction)) return low ? NAN : sign * INFINITY;
  const double significand = exponent ? 1 + std::ldexp(low, -fraction) : std::ldexp(low, -fraction);
  return sign * std::ldexp(significand, (exponent ? exponent : 1) - bias);
}

template <typename T, typename Round>
void expect_exhaustive(int fraction, int bias, Round round) {
  const uint16_t infinity = static_cast<uint16_t>((0x7fff >> fraction) << fraction);
  for (uint32_t b = 0; b < 0x10000; ++b) {
    const auto bits = static_cast<uint16_t>(b);
    const double value = value_of(bits, fraction, bias);
    const float f = to_float(T{bits});
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(f)) << b;
      ASSERT_TRUE(std::isnan(value_of(round(f).bits, fraction, bias))) << b;
      continue;
    }
    ASSERT_EQ(double{f}, value) << b;
    ASSERT_EQ(std::signbit(f), bits >= 0x8000) << b;
    ASSERT_EQ(round(f).bits, bits);
    if ((bits & 0x7fff) >= infinity) continue;
    // Between this number and the next: the tie, and its neighbours in f32. Past the largest, the
    // next is what an exponent more would give.
    const double step = std::abs(value_of(bits, fraction, bias) -
                                 value_of(static_cast<uint16_t>(bits ^ 1), fraction, bias));
    const float tie = static_cast<float>(value + std::copysign(step / 2, f));
    const uint16_t up = static_cast<uint16_t>(bits + 1);
    if (double{tie} != value + std::copysign(step / 2, f)) continue;  // below f32's subnormals
    ASSERT_EQ(round(tie).bits, bits & 1 ? up : bits) << b;
    ASSERT_EQ(round(std::nextafter(tie, 0.0f)).bits, bits) << b;
    ASSERT_EQ(round(std::nextafter(tie, std::copysign(INFINITY, f))).bits, up) << b;
  }
}

TEST(DType, HalfIsExhaustivelyRight) { expect_exhaustive<Half>(10, 15, to_half); }
TEST(DType, BFloat16IsExhaustivelyRight) { expect_exhaustive<BFloat16>(7, 127, to_bfloat16); }

TEST(DType, ByteSizeNeedsWholeBlocks) {
  EXPECT_EQ(byte_size(DType::bf16, 3), 6);
  EXPECT_EQ(byte_size(DType::q4_0, 64), 36);
  EXPECT_EQ(byte_size(DType::q6_k, 256), 210);
  EXPECT_THROW(byte_size(DType::q4_0, 33), Error);
  EXPECT_THROW(byte_size(DType::q4_k, 32), Error);
}

}  // namespace
}  // namespace pewter
