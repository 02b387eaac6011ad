#include "support/device_test.h"
#include "support/gradcheck.h"
#include "support/products.h"

namespace pewter::test {
namespace {

void expect_matches(const Tensor& x, const Tensor& w, const Tensor& bias, Device device) {
  const auto moved = [&](const Tensor& t) { return t.defined() ? to_device(t, device) : t; };
  const auto ref = [](const Tensor& t) { return t.defined() ? on_ref(t) : t; };
  const Tensor y = linear(moved(x), moved(w), moved(bias));
  EXPECT_EQ(y.device(), device);
  EXPECT_EQ(y.dtype(), x.dtype());
  const Tensor size = linear(magnitude(x), magnitude(w), bias.defined() ? magnitude(bias) : bias);
  const auto total = size.to_vector<double>();
  const double k = static_cast<double>(x.size(-1));
  expect_close(y, linear(ref(x), ref(w), ref(bias)), [&](size_t i, double e) {
    return rounding_bound(y.dtype(), k + 2, total[i], 2 * e);
  });
}

DEVICE_TEST(Linear, MatchesReference) {
  for (DType xt : {f32, f16, bf16}) {
    for (DType wt : {f32, f16, bf16}) {
      const Tensor x = randn({2, 9, 100}, {xt, device}, 1), w = randn({70, 100}, {wt, device}, 2);
      expect_matches(x, w, {}, device);
      expect_matches(x, w, randn({70}, {f32, device}, 3), device);
    }
  }
  for (DType wt : kQuantised) {
    for (DType xt : {f32, bf16}) {
      expect_matches(randn({3, 256}, {xt, device}, 1), random_blocks({40, 256}, wt, device),
                     randn({40}, {f32, device}, 3), device);
    }
  }
}

DEVICE_TEST(Linear, OddSizes) {
  for (int64_t m : {1, 2, 3, 4, 5, 8, 9, 17}) {
    for (int64_t n : {1, 15, 16, 17, 64, 100}) {
      for (int64_t k : {1, 3, 16, 31, 64, 300}) {
        for (DType wt : {f32, bf16}) {
          expect_matches(randn({m, k}, {f32, device}, 1), randn({n, k}, {wt, device}, 2),
                         randn({n}, {f32, device}, 3), device);
        }
      }
    }
  }
  EXPECT_EQ(linear(zeros({0, 5}, {f32, device}), zeros({3, 5}, {f32, device})).numel(), 0);
  const Tensor bias = randn({3}, {f32, device}, 1).set_requires_grad();
  const Tensor y = linear(zeros({2, 0}, {f32, device}), zeros({3, 0}, {f32, device}), bias);
  expect_same_bits(y, bias.detach().reshape({1, 3}).expand({2, 3}));
  backward(y, full({2, 3}, 5, {f32, device}));
  expect_same_bits(bias.grad(), full({3}, 10, {f32, device}));
}

DEVICE_TEST(Linear, ExtremeValues) {
  std::vector<float> x(3 * 32, 1);
  x[0] = INFINITY, x[40] = NAN, x[64] = -INFINITY, x[65] = INFINITY;
  const Tensor xs = from_values(x, {3, 32}, {f32, device});
  expect_matches(xs, randn({20, 32}, {f32, device}, 1), {}, device);
  expect_matches(xs, random_blocks({20, 32}, DType::q4_1, device), {}, device);
}

DEVICE_TEST(Linear, Strided) {
  const Tensor x = randn({60, 10}, {f32, device}, 1), w = randn({60, 20}, {f32, device}, 2);
  expect_same_bits(linear(x.transpose(0, 1), w.transpose(0, 1)),
                   linear(contiguous(x.transpose(0, 1)), contiguous(w.transpose(0, 1))));
}

DEVICE_TEST(Linear, Repeatable) {
  for (DType dtype : {f32, f16, bf16, DType::q4_1, DType::q8_0, DType::q6_k}) {
    SCOPED_TRACE(std::string(to_string(dtype)));
    const Tensor w = is_quantised(dtype) ? random_blocks({100, 768}, dtype, device)
                                         : randn({100, 768}, {dtype, device}, 2);
    const Tensor x = randn({37, 768}, {f32, device}, 1), bias = randn({100}, {f32, device}, 3);
    const Tensor y = linear(x, w, bias);
    expect_same_bits(y, linear(x, cast(w, f32), bias));
    for (int threads : {1, 2, 5}) {
      const Threads set(threads);
      expect_same_bits(linear(x, w, bias), y);
      for (int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 20}) {
        expect_same_bits(linear(x.slice(0, 7, 7 + rows), w, bias), y.slice(0, 7, 7 + rows));
      }
    }
  }
}

constexpr LinearOptions kRounded{Activations::int16};

// Row m, group g of x: its largest magnitude in every element of the group.
Tensor group_maxima(const Tensor& x, int64_t group) {
  auto values = x.to_vector<float>();
  for (size_t g = 0; g < values.size(); g += static_cast<size_t>(group)) {
    float most = 0;
    for (int64_t i = 0; i < group; ++i) most = std::max(most, std::abs(values[g + i]));
    std::fill_n(values.begin() + static_cast<int64_t>(g), group, most);
  }
  return from_values(values, x.shape(), {f32, Device(DeviceKind::ref)});
}

// The bound of src/ops/matmul/int16_gemm.h. Random blocks have every q beside scales and offsets of
// one distribution, so 32 times the largest weight is above every |scale q| + |offset|.
DEVICE_TEST(Linear, RoundedActivationsStayWithinTheirBound) {
  for (DType dtype : kQuantised) {
    SCOPED_TRACE(std::string(to_string(dtype)));
    for (int64_t m : {1, 2, 3, 5, 8, 9, 31}) {
      const Tensor w = random_blocks({53, 512}, dtype, device);
      const Tensor x = randn({m, 512}, {f32, device}, 1), bias = randn({53}, {f32, device}, 3);
      const Tensor maxima = group_maxima(x, dtype == DType::q6_k ? 16 : 32);
      const auto rounding = linear(maxima, magnitude(w)).to_vector<double>();
      const Tensor dense = full({53, 512}, 32, {f32, Device(DeviceKind::ref)});
      const double largest = [&] {
        double most = 0;
        for (double v : magnitude(w).to_vector<double>()) most = std::max(most, v);
        return most;
      }();
      const auto chain = linear(magnitude(x), dense).to_vector<double>();
      expect_close(linear(x, w, bias, kRounded), linear(on_ref(x), on_ref(w), on_ref(bias)),
                   [&](size_t i, double e) {
                     return rounding[i] * 0x1p-16 * (1 + 0x1p-7) +
                            (2 * 512 / 16 + 6) * 0x1p-24 * largest * chain[i] +
                            0x1p-23 * std::abs(e);
                   });
    }
  }
}

DEVICE_TEST(Linear, RoundedActivationsHaveTheSameBitsHoweverRowsAreCut) {
  for (DType dtype : kQuantised) {
    SCOPED_TRACE(std::string(to_string(dtype)));
    const Tensor w = random_blocks({100, 768}, dtype, device);
    const Tensor x = randn({37, 768}, {f32, device}, 1), bias = randn({100}, {f32, device}, 3);
    const Tensor y = linear(x, w, bias, kRounded);
    EXPECT_NE(linear(x, w, bias).to_vector<float>(), y.to_vector<float>());  // it does round
    for (int threads : {1, 2, 5}) {
      const Threads set(threads);
      for (int64_t rows : {1, 2, 3, 4, 7, 8, 9, 20, 30}) {
        expect_same_bits(linear(x.slice(0, 7, 7 + rows), w, bias, kRounded),
                         y.slice(0, 7, 7 + rows));
      }
    }
  }
}

DEVICE_TEST(Linear, RoundedActivationsTakeExtremeValues) {
  const Tensor w = random_blocks({20, 64}, DType::q4_1, device);
  std::vector<float> x(6 * 64, 0.5f);
  x[3] = NAN, x[64 + 40] = INFINITY;
  std::fill_n(x.begin() + 128, 64, 0.0f);    // zeros
  std::fill_n(x.begin() + 192, 64, 1e-38f);  // below what is told apart from zero
  std::fill_n(x.begin() + 256, 64, 1e30f);   // large, and none overflows
  const auto y = linear(from_values(x, {6, 64}, {f32, device}), w, {}, kRounded).to_vector<float>();
  for (size_t n = 0; n < 20; ++n) {
    EXPECT_TRUE(std::isnan(y[n])) << n;
    EXPECT_TRUE(std::isnan(y[20 + n])) << n;
    EXPECT_EQ(y[40 + n], 0) << n;
    EXPECT_EQ(y[60 + n], 0) << n;
    EXPECT_TRUE(std::isfinite(y[80 + n])) << n;
    EXPECT_NEAR(y[80 + n], y[100 + n] * 2e30f, std::abs(y[100 + n]) * 2e30f * 0x1p-20) << n;
  }
}

// Plain weights have no groups to round by.
DEVICE_TEST(Linear, RoundedActivationsMeanNothingBesidePlainWeights) {
  const Tensor x = randn({3, 64}, {f32, device}, 1), w = randn({20, 64}, {bf16, device}, 2);
  expect_same_bits(linear(x, w, {}, kRounded), linear(x, w));
}

DEVICE_TEST(Linear, CapturedAndReplayed) {
  const Tensor w = random_blocks({50, 64}, DType::q4_1, device);
  const Tensor x = randn({1, 64}, {f32, device}, 1), other = randn({1, 64}, {f32, device}, 2);
  Tensor y;
  const Graph graph = capture(default_stream(device), [&] { y = linear(x, w); });
  copy_(x, other);
  graph.replay();
  expect_same_bits(y, linear(other, w));
}

DEVICE_TEST(Linear, GradientMatchesFiniteDifference) {
  const auto input = [&](const Shape& s, uint64_t seed) {
    Tensor t = randn(s, {f32, device}, seed);
    t.set_requires_grad();
    return t;
  };
  expect_gradients([](const auto& in) { return linear(in[0], in[1], in[2]); },
                   {input({2, 3, 7}, 1), input({5, 7}, 2), input({5}, 3)}, device, 8);
  for (DType dtype : kQuantised) {
    const Tensor w = random_blocks({20, 256}, dtype, device);
    // Values reach 1/4 * 63 * 63 in the K-quants; the bound is in units of what is summed.
    const double most = dtype == DType::q6_k                           ? 1100
                        : dtype == DType::q4_k || dtype == DType::q5_k ? 500
                                                                       : 40;
    expect_gradients([&](const auto& in) { return linear(in[0], to_device(w, in[0].device())); },
                     {input({3, 256}, 4)}, device, most);
  }
}

// dx = dy W is a chain over N, the same whichever way W is stored.
DEVICE_TEST(Linear, InputGradientOfQuantisedWeightIsThatOfItsValues) {
  for (DType dtype : kQuantised) {
    SCOPED_TRACE(std::string(to_string(dtype)));
    const Tensor w = random_blocks({300, 512}, dtype, device);
    const Tensor dy = randn({21, 300}, {f32, device}, 1);
    Tensor x = randn({21, 512}, {f32, device}, 2), plain = x.detach();
    x.set_requires_grad();
    plain.set_requires_grad();
    backward(linear(x, w), dy);
    backward(linear(plain, cast(w, f32)), dy);
    expect_same_bits(x.grad(), plain.grad());
  }
}

DEVICE_TEST(Linear, RejectsBadArguments) {
  const Tensor x = zeros({2, 32}, {f32, device}), w = zeros({4, 32}, {f32, device});
  const auto code = [](const Tensor& in, const Tensor& weight, const Tensor& bias = {}) {
    return code_of([&] { linear(in, weight, bias); });
  };
  const TensorOptions options{f32, device}, ref{f32, Device(DeviceKind::ref)};
  EXPECT_EQ(code(x, w), "none");
  EXPECT_EQ(code(Tensor(), w), "argument");
  EXPECT_EQ(code(x, Tensor()), "argument");
  EXPECT_EQ(code(x, zeros({4, 31}, options)), "shape");
  EXPECT_EQ(code(x, zeros({32}, options)), "shape");
  EXPECT_EQ(code(x, w, zeros({5}, options)), "shape");
  EXPECT_EQ(code(x, zeros({4, 32}, {i32, device})), "dtype");
  EXPECT_EQ(code(x, zeros({4, 32}, ref)), "device");
  EXPECT_EQ(code(x, w, zeros({4}, ref)), "device");
}

}  // namespace
}  // namespace pewter::test
