// Philox against its authors' answers (Random123, tests/kat_vectors, philox4x32-10), and the
// numbers made of it against the distributions they claim.
#include "ops/random/philox.h"
#include "support/device_test.h"
#include "support/products.h"

namespace pewter::test {
namespace {

TEST(Philox, KnownAnswers) {
  const uint32_t ones = 0xffffffffu;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Philox{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (Philox{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Philox{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// Against the library's logarithm and cosine, at words that reach all quadrants and both ends.
TEST(Philox, BoxMullerMatchesDouble) {
  for (uint64_t block = 0; block < 20000; ++block) {
    const Philox w = philox_block(3, 0, block);
    const uint32_t a = block == 0 ? 0 : block == 1 ? 0xffffffffu : w[0];
    float z0, z1;
    box_muller(a, w[1], z0, z1);
    const double radius = std::sqrt(-2 * std::log(double(float(a) * 0x1p-32f + 0x1p-33f)));
    const double angle = 2 * M_PI * double(to_unit(w[1]));
    // log within 4 units, halved by the root, then root, cosine (5 terms) and product: at
    // most 16 roundings of the radius. Near u = 1 the logarithm keeps its relative accuracy.
    EXPECT_NEAR(z0, radius * std::cos(angle), 16 * 0x1p-24 * radius) << block;
    EXPECT_NEAR(z1, radius * std::sin(angle), 16 * 0x1p-24 * radius) << block;
  }
}

DEVICE_TEST(Random, MatchesReference) {
  const Device ref(DeviceKind::ref);
  for (DType dtype : {f32, f16, bf16}) {
    for (int64_t n : {0, 1, 3, 4, 5, 4099}) {
      expect_same_bits(randn({n}, {dtype, device}, 9), randn({n}, {dtype, ref}, 9));
      expect_same_bits(uniform({n}, -2, 3, {dtype, device}, 9),
                       uniform({n}, -2, 3, {dtype, ref}, 9));
    }
  }
}

// A shorter tensor is the beginning of a longer one, wherever it ends in a block of four.
DEVICE_TEST(Random, OddSizes) {
  const Tensor normal = randn({70}, {f32, device}, 3);
  const Tensor even = uniform({70}, -1, 1, {f32, device}, 3);
  for (int64_t n = 0; n <= 70; ++n) {
    expect_same_bits(randn({n}, {f32, device}, 3), normal.slice(0, 0, n));
    expect_same_bits(uniform({n}, -1, 1, {f32, device}, 3), even.slice(0, 0, n));
  }
  EXPECT_EQ(randn(Shape(), {f32, device}, 3).item<float>(), normal.to_vector<float>()[0]);
}

// Any prefix is the same numbers, on any number of threads, whatever the shape.
DEVICE_TEST(Random, Repeatable) {
  const Tensor x = randn({300, 1001}, {f32, device}, 5);
  expect_same_bits(randn({1001}, {f32, device}, 5), x.slice(0, 0, 1).reshape({1001}));
  const Threads one(1);
  expect_same_bits(randn({300, 1001}, {f32, device}, 5), x);
}

// Mean, variance and the two tails of n numbers: six standard errors of each.
DEVICE_TEST(Random, Moments) {
  const int64_t n = 1 << 18;
  const double size = static_cast<double>(n);
  double mean = 0, square = 0, tails = 0;
  for (double z : randn({n}, {f32, device}, 1).to_vector<double>()) {
    mean += z / size;
    square += z * z / size;
    tails += std::abs(z) > 2 ? 1 / size : 0;
  }
  EXPECT_NEAR(mean, 0, 6 / std::sqrt(size));
  EXPECT_NEAR(square, 1, 6 * std::sqrt(2 / size));
  const double p = std::erfc(std::sqrt(2.0));
  EXPECT_NEAR(tails, p, 6 * std::sqrt(p * (1 - p) / size));
  double sum = 0;
  for (double u : uniform({n}, 2, 5, {f32, device}, 1).to_vector<double>()) {
    ASSERT_GE(u, 2);
    ASSERT_LE(u, 5);
    sum += u / size;
  }
  EXPECT_NEAR(sum, 3.5, 6 * 3 / std::sqrt(12 * size));
}

DEVICE_TEST(Random, SeedsDiffer) {
  const auto a = randn({64}, {f32, device}, 1).to_vector<float>();
  EXPECT_NE(a, randn({64}, {f32, device}, 2).to_vector<float>());
  EXPECT_NE(a, randn({64}, {f32, device}, 1 + (uint64_t{1} << 32)).to_vector<float>());
}

DEVICE_TEST(Random, RejectsBadArguments) {
  EXPECT_THROW(randn({3}, {i32, device}), Error);
  EXPECT_THROW(randn({-1}, {f32, device}), Error);
  EXPECT_THROW(uniform({3}, 1, 0, {f32, device}), Error);
  EXPECT_THROW(uniform({3}, 0, INFINITY, {f32, device}), Error);
  EXPECT_THROW(uniform({3}, NAN, 1, {f32, device}), Error);
}

}  // namespace
}  // namespace pewter::test
