// The bound is the contract of src/ops/silu_mul/silu_mul.h: 8 roundings relative to y, and below
// gate = -87 an absolute 2^-119 |up|.
#include "support/device_test.h"
#include "support/gradcheck.h"

namespace pewter::test {
namespace {

void expect_matches(const Tensor& gate, const Tensor& up) {
  const Tensor y = silu_mul(gate, up);
  EXPECT_EQ(y.device(), gate.device());
  const auto ups = up.to_vector<double>();
  expect_close(y, silu_mul(unrounded_on_ref(gate), unrounded_on_ref(up)), [&](size_t i, double e) {
    return rounding_bound(gate.dtype(), 8, std::abs(e), e) + 0x1p-119 * std::abs(ups[i]);
  });
}

DEVICE_TEST(SiluMul, MatchesReference) {
  for (DType dtype : {f32, f16, bf16}) {
    expect_matches(randn({5, 7, 300}, {dtype, device}), randn({5, 7, 300}, {dtype, device}, 1));
  }
}

DEVICE_TEST(SiluMul, OddSizes) {
  for (int64_t n = 1; n <= 70; ++n) {
    expect_matches(randn({3, n}, {f32, device}, n), randn({3, n}, {f32, device}, n + 1));
  }
  expect_matches(randn(Shape(), {f32, device}), randn(Shape(), {f32, device}, 1));
  const Tensor none = empty({0, 5}, {f32, device});
  EXPECT_EQ(silu_mul(none, none).numel(), 0);
}

DEVICE_TEST(SiluMul, ExtremeValues) {
  const float inf = INFINITY;
  const std::vector<float> gate = {1e30f, -1e30f, 0,   -0.0f, 88,  -86,
                                   -88,   -104,   NAN, 1,     inf, 1e-30f};
  const std::vector<float> up = {2, 2, 3, 4, 1, 1, 1, 1, 1, NAN, 1, 1e-5f};
  expect_matches(from_values(gate, {12}, {f32, device}), from_values(up, {12}, {f32, device}));
}

DEVICE_TEST(SiluMul, Strided) {
  const Tensor both = randn({9, 40}, {f32, device});  // the two halves of one product
  const Tensor gate = both.slice(1, 0, 20), up = both.slice(1, 20, 40);
  expect_same_bits(silu_mul(gate, up), silu_mul(contiguous(gate), contiguous(up)));
  const Tensor a = gate.transpose(0, 1), b = up.transpose(0, 1);
  expect_same_bits(silu_mul(a, b), silu_mul(contiguous(a), contiguous(b)));
  const Tensor column = both.slice(1, 0, 1), other = both.slice(1, 7, 8);
  expect_same_bits(silu_mul(column, other), silu_mul(contiguous(column), contiguous(other)));
}

DEVICE_TEST(SiluMul, Repeatable) {
  const Tensor gate = randn({64, 1003}, {f32, device}), up = randn({64, 1003}, {f32, device}, 1);
  const Tensor y = silu_mul(gate, up);
  expect_same_bits(silu_mul(gate, up), y);
  expect_same_bits(silu_mul(gate.slice(0, 63, 64), up.slice(0, 63, 64)), y.slice(0, 63, 64));
}

DEVICE_TEST(SiluMul, GradientMatchesFiniteDifference) {
  Tensor gate = randn({3, 17}, {f32, device}), up = randn({3, 17}, {f32, device}, 1);
  gate.set_requires_grad();
  up.set_requires_grad();
  expect_gradients([](const auto& in) { return silu_mul(in[0], in[1]); }, {gate, up}, device, 2);
}

DEVICE_TEST(SiluMul, RejectsBadArguments) {
  const Tensor x = zeros({3, 4}, {f32, device});
  EXPECT_THROW(silu_mul(Tensor(), x), Error);
  EXPECT_THROW(silu_mul(x, Tensor()), Error);
  EXPECT_THROW(silu_mul(x, zeros({1, 4}, {f32, device})), Error);
  EXPECT_THROW(silu_mul(x, zeros({3, 4}, {f16, device})), Error);
  EXPECT_THROW(silu_mul(x, on_ref(x)), Error);
  EXPECT_THROW(silu_mul(zeros({3}, {i32, device}), zeros({3}, {i32, device})), Error);
}

}  // namespace
}  // namespace pewter::test
