// The bounds are the contracts of src/ops/gelu/gelu.h, relative to y, so that the far negative tail
// counts too.
#include "support/device_test.h"
#include "support/gradcheck.h"

namespace pewter::test {
namespace {

void expect_matches(const Tensor& x, bool tanh) {
  const Tensor y = gelu(x, tanh);
  EXPECT_EQ(y.device(), x.device());
  const auto values = x.to_vector<double>();
  expect_close(y, gelu(unrounded_on_ref(x), tanh), [&](size_t i, double e) {
    const double v = std::abs(values[i]);
    const double u = std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v);
    return rounding_bound(x.dtype(), tanh ? 8 + 8 * u : 16, std::abs(e), e) + 0x1p-119;
  });
}

void expect_both(const Tensor& x) {
  expect_matches(x, false);
  expect_matches(x, true);
}

DEVICE_TEST(Gelu, MatchesReference) {
  for (DType dtype : {f32, f16, bf16}) expect_both(randn({5, 7, 300}, {dtype, device}));
  expect_both(uniform({20000}, -14, 6, {f32, device}));
}

// Phi(1) and the tanh form at 1, from their definitions to 17 digits.
DEVICE_TEST(Gelu, KnownValues) {
  const Tensor one = full({1}, 1, {f32, device});
  EXPECT_NEAR(gelu(one).item<float>(), 0.84134474606854293, 17 * 0x1p-24);
  EXPECT_NEAR(gelu(one, true).item<float>(), 0.84119199060827676, 17 * 0x1p-24);
}

DEVICE_TEST(Gelu, OddSizes) {
  for (int64_t n = 1; n <= 70; ++n) expect_both(randn({3, n}, {f32, device}, n));
  expect_both(randn(Shape(), {f32, device}));
  EXPECT_EQ(gelu(empty({0, 5}, {f32, device})).numel(), 0);
}

DEVICE_TEST(Gelu, ExtremeValues) {
  const std::vector<float> x = {1e30f, -1e30f, 0, -0.0f, 1e-30f, -1e-30f, 100, -100, NAN, INFINITY};
  expect_both(from_values(x, {10}, {f32, device}));
}

DEVICE_TEST(Gelu, Strided) {
  const Tensor x = randn({6, 9, 4}, {f32, device}).transpose(0, 2);
  for (bool tanh : {false, true}) expect_same_bits(gelu(x, tanh), gelu(contiguous(x), tanh));
}

DEVICE_TEST(Gelu, Repeatable) {
  const Tensor x = randn({64, 1003}, {f32, device});
  for (bool tanh : {false, true}) {
    const Tensor y = gelu(x, tanh);
    expect_same_bits(gelu(x, tanh), y);
    expect_same_bits(gelu(x.slice(0, 63, 64), tanh), y.slice(0, 63, 64));
  }
}

DEVICE_TEST(Gelu, GradientMatchesFiniteDifference) {
  Tensor x = randn({3, 17}, {f32, device});
  x.set_requires_grad();
  for (bool tanh : {false, true}) {
    expect_gradients([tanh](const auto& in) { return gelu(in[0], tanh); }, {x}, device);
  }
}

DEVICE_TEST(Gelu, RejectsBadArguments) {
  EXPECT_THROW(gelu(Tensor()), Error);
  EXPECT_THROW(gelu(zeros({3}, {i32, device})), Error);
}

}  // namespace
}  // namespace pewter::test
