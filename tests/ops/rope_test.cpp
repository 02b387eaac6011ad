// The bound is the contract of src/ops/rope/rope.h: 2 roundings on |x cos| + |x' sin|, at most
// twice the largest |x| since the tables are at most 1.
#include "support/device_test.h"
#include "support/gradcheck.h"

namespace pewter::test {
namespace {

RopeTables tables_for(const Shape& tokens, int64_t half, Device device) {
  std::vector<int32_t> positions(static_cast<size_t>(tokens.numel()));
  for (size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<int32_t>(i * 37 % 8191);
  std::vector<float> inverse(static_cast<size_t>(half));
  for (size_t i = 0; i < inverse.size(); ++i) {
    inverse[i] = static_cast<float>(std::pow(1e4, -double(i) / static_cast<double>(half)));
  }
  return rope_tables(from_values(positions, tokens, {i32, device}),
                     from_values(inverse, {half}, {f32, device}));
}

void expect_matches(const Tensor& x, const RopeTables& t) {
  const Tensor y = rope(x, t.cos, t.sin);
  EXPECT_EQ(y.device(), x.device());
  double largest = 0;
  for (double v : x.to_vector<double>()) largest = std::max(largest, std::abs(v));
  expect_close(y, rope(unrounded_on_ref(x), on_ref(t.cos), on_ref(t.sin)),
               [&](size_t, double e) { return rounding_bound(x.dtype(), 2, 2 * largest, e); });
}

DEVICE_TEST(Rope, MatchesReference) {
  for (DType dtype : {f32, f16, bf16}) {
    expect_matches(randn({3, 5, 4, 64}, {dtype, device}), tables_for({3, 5}, 32, device));
  }
}

DEVICE_TEST(Rope, OddSizes) {
  for (int64_t half = 1; half <= 35; ++half) {
    expect_matches(randn({5, 3, 2 * half}, {f32, device}, half), tables_for({5}, half, device));
  }
  expect_matches(randn({3, 8}, {f32, device}), tables_for(Shape(), 4, device));
  const RopeTables none = tables_for({0}, 4, device);
  EXPECT_EQ(rope(empty({0, 3, 8}, {f32, device}), none.cos, none.sin).numel(), 0);
}

// The pairs are (i, i + d/2): a quarter turn moves the halves, and nothing else touches the values.
DEVICE_TEST(Rope, QuarterTurnSwapsHalves) {
  const Tensor x = from_values(std::vector<float>{1, 2, 3, 4}, {1, 1, 4}, {f32, device});
  const Tensor y = rope(x, zeros({1, 2}, {f32, device}), full({1, 2}, 1, {f32, device}));
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{-3, -4, 1, 2}));
}

DEVICE_TEST(Rope, ExtremeValues) {
  const float inf = INFINITY;
  const Tensor x = from_values(std::vector<float>{inf, 1, 2, 3, NAN, 1, 2, 3, 1e38f, -1e38f, 1, 2},
                               {3, 1, 4}, {f32, device});
  const RopeTables t = tables_for({3}, 2, device);
  expect_matches(x.slice(0, 2, 3), {t.cos.slice(0, 2, 3), t.sin.slice(0, 2, 3)});
  expect_close(rope(x, t.cos, t.sin).slice(0, 0, 2),
               rope(on_ref(x), on_ref(t.cos), on_ref(t.sin)).slice(0, 0, 2),
               [](size_t, double) { return 2 * 0x1p-24 * 6; });
}

// Angles of a million positions are reduced in double: one rounding of a number of at most 1.
DEVICE_TEST(Rope, TablesAreCosAndSinRoundedOnce) {
  const std::vector<int32_t> positions = {0, 1, 4095, 131071, 1000003};
  const std::vector<float> inverse = {1, 0.31622776f, 1e-4f};
  const RopeTables t = rope_tables(from_values(positions, {5}, {i32, device}),
                                   from_values(inverse, {3}, {f32, device}), 1.25f);
  const auto cos = t.cos.to_vector<float>(), sin = t.sin.to_vector<float>();
  for (size_t i = 0; i < cos.size(); ++i) {
    const double angle = double(positions[i / 3]) * double(inverse[i % 3]);
    // The product with the magnitude, in double, then one rounding; std::cos is good to one ulp.
    EXPECT_NEAR(cos[i], 1.25 * std::cos(angle), 1.25 * 0x1p-24 + 0x1p-50) << i;
    EXPECT_NEAR(sin[i], 1.25 * std::sin(angle), 1.25 * 0x1p-24 + 0x1p-50) << i;
  }
}

DEVICE_TEST(Rope, Strided) {
  const RopeTables t = tables_for({2, 5}, 8, device);
  const Tensor x = randn({2, 3, 5, 32}, {f32, device}).transpose(1, 2).slice(3, 8, 24);
  expect_same_bits(rope(x, t.cos, t.sin), rope(contiguous(x), t.cos, t.sin));
  const Tensor by_column = randn({2, 5, 16, 3}, {f32, device}).transpose(2, 3);
  expect_same_bits(rope(by_column, t.cos, t.sin), rope(contiguous(by_column), t.cos, t.sin));
  const Tensor one = randn({1, 5, 3, 16}, {f32, device});
  const RopeTables shared{t.cos.slice(0, 0, 1).expand({2, 5, 8}),
                          t.sin.slice(0, 0, 1).expand({2, 5, 8})};
  expect_same_bits(rope(one.expand({2, 5, 3, 16}), shared.cos, shared.sin).slice(0, 1, 2),
                   rope(one, t.cos.slice(0, 0, 1), t.sin.slice(0, 0, 1)));
}

DEVICE_TEST(Rope, Repeatable) {
  const Tensor x = randn({64, 8, 64}, {f32, device});
  const RopeTables t = tables_for({64}, 32, device);
  const Tensor y = rope(x, t.cos, t.sin);
  expect_same_bits(rope(x, t.cos, t.sin), y);
  expect_same_bits(rope(x.slice(0, 63, 64), t.cos.slice(0, 63, 64), t.sin.slice(0, 63, 64)),
                   y.slice(0, 63, 64));
}

DEVICE_TEST(Rope, GradientMatchesFiniteDifference) {
  Tensor x = randn({3, 2, 10}, {f32, device});
  x.set_requires_grad();
  expect_gradients(
      [](const auto& in) {
        const RopeTables t = tables_for({3}, 5, in[0].device());
        return rope(in[0], t.cos, t.sin);
      },
      {x}, device);
}

DEVICE_TEST(Rope, RejectsBadArguments) {
  const Tensor x = zeros({2, 3, 8}, {f32, device});
  const RopeTables t = tables_for({2}, 4, device);
  EXPECT_THROW(rope(Tensor(), t.cos, t.sin), Error);
  EXPECT_THROW(rope(x, Tensor(), t.sin), Error);
  EXPECT_THROW(rope(zeros({2, 3, 7}, {f32, device}), t.cos, t.sin), Error);
  EXPECT_THROW(rope(x, t.cos.slice(0, 0, 1), t.sin), Error);
  EXPECT_THROW(rope(x, cast(t.cos, f16), t.sin), Error);
  EXPECT_THROW(rope(x, on_ref(t.cos), t.sin), Error);
  Tensor cos = t.cos.detach();
  cos.set_requires_grad();
  EXPECT_THROW(rope(x, cos, t.sin), Error);
  EXPECT_THROW(rope_tables(zeros({2}, {f32, device}), zeros({4}, {f32, device})), Error);
  EXPECT_THROW(rope_tables(zeros({2}, {i32, device}), zeros({2, 2}, {f32, device})), Error);
}

}  // namespace
}  // namespace pewter::test
