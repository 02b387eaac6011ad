// The bound is the contract of src/ops/rms_norm/rms_norm.h: (D / 2 + 8) roundings relative to y.
#include "support/device_test.h"
#include "support/gradcheck.h"

namespace pewter::test {
namespace {

void expect_matches(const Tensor& x, const Tensor& weight, float eps = 1e-6f) {
  const Tensor y = rms_norm(x, weight, eps);
  EXPECT_EQ(y.device(), x.device());
  const double columns = static_cast<double>(x.size(-1));
  expect_close(
      y, rms_norm(unrounded_on_ref(x), unrounded_on_ref(weight), eps),
      [&](size_t, double e) { return rounding_bound(x.dtype(), columns / 2 + 8, std::abs(e), e); });
}

DEVICE_TEST(RmsNorm, MatchesReference) {
  for (DType dtype : {f32, f16, bf16}) {
    expect_matches(randn({5, 7, 300}, {dtype, device}), randn({300}, {dtype, device}, 1));
  }
}

DEVICE_TEST(RmsNorm, OddSizes) {
  for (int64_t n = 1; n <= 70; ++n) {
    expect_matches(randn({3, n}, {f32, device}, n), randn({n}, {f32, device}, n + 1));
  }
  EXPECT_EQ(rms_norm(empty({0, 5}, {f32, device}), zeros({5}, {f32, device})).numel(), 0);
  EXPECT_EQ(rms_norm(empty({3, 0}, {f32, device}), empty({0}, {f32, device})).numel(), 0);
}

// Squares stay finite below 2^63; beyond, infinity in the mean makes a row of zeros, as f32 has it.
DEVICE_TEST(RmsNorm, ExtremeValues) {
  const float inf = INFINITY, nan = NAN;
  const Tensor ones = full({4}, 1, {f32, device});
  expect_matches(from_values(std::vector<float>{1e18f, -1e18f, 0,   3, 1e-12f, 0, -1e-12f, 0, 0, 0,
                                                0,     0,      nan, 1, 2,      3, inf,     1, 2, 3},
                             {5, 4}, {f32, device}),
                 ones);
  expect_matches(from_values(std::vector<float>{3, -4, 0, 0}, {1, 4}, {f32, device}), ones, 0);
}

DEVICE_TEST(RmsNorm, Strided) {
  const Tensor x = randn({6, 9, 4}, {f32, device}), w = randn({12}, {f32, device}, 1);
  expect_same_bits(rms_norm(x.transpose(0, 2), w.slice(0, 0, 12, 2)),
                   rms_norm(contiguous(x.transpose(0, 2)), contiguous(w.slice(0, 0, 12, 2))));
}

DEVICE_TEST(RmsNorm, Repeatable) {
  const Tensor x = randn({64, 1000}, {f32, device}), w = randn({1000}, {f32, device}, 1);
  const Tensor y = rms_norm(x, w);
  expect_same_bits(rms_norm(x, w), y);
  expect_same_bits(rms_norm(x.slice(0, 63, 64), w), y.slice(0, 63, 64));
}

DEVICE_TEST(RmsNorm, GradientMatchesFiniteDifference) {
  Tensor x = randn({40, 17}, {f32, device}), w = randn({17}, {f32, device}, 1);
  x.set_requires_grad();
  w.set_requires_grad();
  // 40 rows: more than one chunk of dweight; a weight's gradient is a sum over them.
  expect_gradients([](const auto& in) { return rms_norm(in[0], in[1]); }, {x, w}, device, 8);
}

DEVICE_TEST(RmsNorm, RejectsBadArguments) {
  const Tensor x = zeros({3, 4}, {f32, device}), w = zeros({4}, {f32, device});
  EXPECT_THROW(rms_norm(Tensor(), w), Error);
  EXPECT_THROW(rms_norm(x, Tensor()), Error);
  EXPECT_THROW(rms_norm(x, zeros({3}, {f32, device})), Error);
  EXPECT_THROW(rms_norm(x, zeros({4}, {f16, device})), Error);
  EXPECT_THROW(rms_norm(x, on_ref(w)), Error);
  EXPECT_THROW(rms_norm(x, w, -1), Error);
  EXPECT_THROW(rms_norm(x, w, NAN), Error);
}

}  // namespace
}  // namespace pewter::test
