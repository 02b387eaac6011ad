// The bound is the contract of src/ops/layer_norm/layer_norm.h, with r and z of each row formed
// here in double.
#include "support/device_test.h"
#include "support/gradcheck.h"

namespace pewter::test {
namespace {

struct RowStatistics {
  double mean = 0, inverse = 0, largest = 0;
};

std::vector<RowStatistics> statistics(const Tensor& x, double eps) {
  const auto values = x.to_vector<double>();
  const auto columns = static_cast<size_t>(x.size(-1));
  std::vector<RowStatistics> rows(values.size() / columns);
  for (size_t i = 0; i < values.size(); ++i) {
    RowStatistics& row = rows[i / columns];
    row.mean += values[i] / static_cast<double>(columns);
    row.largest = std::max(row.largest, std::abs(values[i]));
  }
  std::vector<double> variance(rows.size());
  for (size_t i = 0; i < values.size(); ++i) {
    variance[i / columns] += std::pow(values[i] - rows[i / columns].mean, 2);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].inverse = 1 / std::sqrt(variance[i] / static_cast<double>(columns) + eps);
  }
  return rows;
}

void expect_matches(const Tensor& x, const Tensor& w, const Tensor& b, float eps = 1e-5f) {
  const Tensor y = layer_norm(x, w, b, eps);
  EXPECT_EQ(y.device(), x.device());
  const auto rows = statistics(x, eps);
  const auto values = x.to_vector<double>(), weights = w.to_vector<double>();
  const double d = static_cast<double>(x.size(-1));
  const Tensor expected = layer_norm(unrounded_on_ref(x), unrounded_on_ref(w),
                                     b.defined() ? unrounded_on_ref(b) : b, eps);
  expect_close(y, expected, [&](size_t i, double e) {
    const RowStatistics& row = rows[i / weights.size()];
    const double z = std::abs(values[i] - row.mean) * row.inverse;
    const double weight = std::abs(weights[i % weights.size()]);
    const double roundings = weight * row.inverse * (d + 4) * row.largest * (1 + z) +
                             (d / 2 + 8) * z * weight + 2 * std::abs(e);
    return rounding_bound(x.dtype(), roundings, 1, e);
  });
}

DEVICE_TEST(LayerNorm, MatchesReference) {
  for (DType dtype : {f32, f16, bf16}) {
    const Tensor x = randn({5, 7, 300}, {dtype, device}), w = randn({300}, {dtype, device}, 1);
    expect_matches(x, w, randn({300}, {dtype, device}, 2));
    expect_matches(x, w, {});
  }
}

DEVICE_TEST(LayerNorm, OddSizes) {
  for (int64_t n = 1; n <= 70; ++n) {
    expect_matches(randn({3, n}, {f32, device}, n), randn({n}, {f32, device}, n + 1),
                   randn({n}, {f32, device}, n + 2));
  }
  EXPECT_EQ(layer_norm(empty({0, 5}, {f32, device}), zeros({5}, {f32, device}), {}).numel(), 0);
  EXPECT_EQ(layer_norm(empty({3, 0}, {f32, device}), empty({0}, {f32, device}), {}).numel(), 0);
}

// A mean far above the deviations is what one-pass formulas lose.
DEVICE_TEST(LayerNorm, ExtremeValues) {
  const float inf = INFINITY, nan = NAN;
  const Tensor ones = full({4}, 1, {f32, device});
  const std::vector<float> x = {4097,   4098, 4099, 4100, 7,   7, 7, 7, 1e15f, -1e15f, 0, 1,
                                1e-20f, 0,    0,    0,    nan, 1, 2, 3, inf,   1,      2, 3};
  expect_matches(from_values(x, {6, 4}, {f32, device}), ones, ones);
}

DEVICE_TEST(LayerNorm, Strided) {
  const Tensor x = randn({6, 9, 4}, {f32, device}).transpose(0, 2);
  const Tensor w = randn({12}, {f32, device}, 1).slice(0, 0, 12, 2);
  const Tensor b = randn({12}, {f32, device}, 2).slice(0, 1, 12, 2);
  expect_same_bits(layer_norm(x, w, b), layer_norm(contiguous(x), contiguous(w), contiguous(b)));
}

DEVICE_TEST(LayerNorm, Repeatable) {
  const Tensor x = randn({64, 1000}, {f32, device}), w = randn({1000}, {f32, device}, 1);
  const Tensor y = layer_norm(x, w, w);
  expect_same_bits(layer_norm(x, w, w), y);
  expect_same_bits(layer_norm(x.slice(0, 63, 64), w, w), y.slice(0, 63, 64));
}

DEVICE_TEST(LayerNorm, GradientMatchesFiniteDifference) {
  std::vector<Tensor> in = {randn({40, 17}, {f32, device}), randn({17}, {f32, device}, 1),
                            randn({17}, {f32, device}, 2)};
  for (Tensor& t : in) t.set_requires_grad();
  expect_gradients([](const auto& t) { return layer_norm(t[0], t[1], t[2]); }, in, device, 8);
}

DEVICE_TEST(LayerNorm, RejectsBadArguments) {
  const Tensor x = zeros({3, 4}, {f32, device}), w = zeros({4}, {f32, device});
  EXPECT_THROW(layer_norm(Tensor(), w, w), Error);
  EXPECT_THROW(layer_norm(x, Tensor(), w), Error);
  EXPECT_THROW(layer_norm(x, zeros({3}, {f32, device}), w), Error);
  EXPECT_THROW(layer_norm(x, w, zeros({3}, {f32, device})), Error);
  EXPECT_THROW(layer_norm(x, w, zeros({4}, {bf16, device})), Error);
  EXPECT_THROW(layer_norm(x, w, on_ref(w)), Error);
  EXPECT_THROW(layer_norm(x, w, w, -1), Error);
}

}  // namespace
}  // namespace pewter::test
