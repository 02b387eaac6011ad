// AdamW is held to its formula (arXiv 1711.05101, algorithm 2, learning rate on the decay as
// PyTorch has it), written here in double. Bounds: the contract of src/ops/adamw/adamw.h.
#include "support/device_test.h"
#include "support/gradcheck.h"

namespace pewter::test {
namespace {

constexpr AdamwOptions kOptions{0.9f, 0.95f, 1e-8f, 0.1f};

struct State {
  Tensor param, m, v;
};

State start(int64_t n, Device device) {
  return {randn({n}, {f32, device}, 1), zeros({n}, {f32, device}), zeros({n}, {f32, device})};
}

Tensor step_values(int t, double rate, double factor, Device device) {
  return from_values(std::vector<float>{static_cast<float>(rate),
                                        static_cast<float>(1 - std::pow(double{kOptions.beta1}, t)),
                                        static_cast<float>(1 - std::pow(double{kOptions.beta2}, t)),
                                        static_cast<float>(factor)},
                     {4}, {f32, device});
}

void step(const State& s, const Tensor& grad, int t, double factor = 1) {
  adamw_(s.param, grad, s.m, s.v, step_values(t, 1e-2, factor, s.param.device()), kOptions);
}

DEVICE_TEST(Adamw, MatchesFormula) {
  const int64_t n = 1003;
  const State s = start(n, device);
  auto p = s.param.to_vector<double>();
  std::vector<double> m(p.size()), v(p.size());
  const double rate = 1e-2f, decay = kOptions.weight_decay;
  const double b1 = kOptions.beta1, b2 = kOptions.beta2;
  for (int t = 1; t <= 5; ++t) {
    const Tensor grad = randn({n}, {f32, device}, 10 + t);
    const double factor = t == 3 ? 0.25 : 1;
    step(s, grad, t, factor);
    const auto g = grad.to_vector<double>();
    for (size_t i = 0; i < p.size(); ++i) {
      m[i] = b1 * m[i] + (1 - b1) * factor * g[i];
      v[i] = b2 * v[i] + (1 - b2) * factor * g[i] * factor * g[i];
      const double mean = m[i] / (1 - std::pow(b1, t)), square = v[i] / (1 - std::pow(b2, t));
      p[i] += -rate * decay * p[i] - rate * mean / (std::sqrt(square) + double{kOptions.eps});
    }
  }
  // Five steps, each with 16 roundings of an update of at most rate * sqrt(1 / (1 - beta2)) and two
  // of the parameter (|x| < 7); corrections 1 - beta^t arrive rounded to f32, within the 16.
  const auto got = s.param.to_vector<double>();
  for (size_t i = 0; i < p.size(); ++i) {
    EXPECT_NEAR(got[i], p[i], 5 * 0x1p-24 * (16 * rate * 4.5 + 2 * std::abs(p[i]))) << i;
  }
}

DEVICE_TEST(Adamw, MatchesReference) {
  for (DType dtype : {f32, f16, bf16}) {
    const State s = start(1003, device), r{on_ref(s.param), on_ref(s.m), on_ref(s.v)};
    for (int t = 1; t <= 3; ++t) {
      const Tensor grad = randn({1003}, {dtype, device}, t);
      step(s, grad, t);
      step(r, on_ref(grad), t);
    }
    const auto bound = [](size_t, double e) { return 3 * 0x1p-24 * (0.72 + 2 * std::abs(e)); };
    expect_close(s.param, r.param, bound);
    // Moments: three roundings a step on terms of at most |g| < 7 and g^2 < 49.
    expect_close(s.m, r.m, [](size_t, double) { return 9 * 0x1p-24 * 7; });
    expect_close(s.v, r.v, [](size_t, double) { return 9 * 0x1p-24 * 49; });
  }
}

DEVICE_TEST(Adamw, OddSizes) {
  for (int64_t n = 0; n <= 40; ++n) {
    const State s = start(n, device), r{on_ref(s.param), on_ref(s.m), on_ref(s.v)};
    const Tensor grad = randn({n}, {f32, device}, 3);
    step(s, grad, 1);
    step(r, on_ref(grad), 1);
    expect_close(s.param, r.param,
                 [](size_t, double e) { return 0x1p-24 * (0.72 + 2 * std::abs(e)); });
  }
}

// A gradient of zero leaves the decay alone; NaN reaches the parameter it belongs to and no other.
DEVICE_TEST(Adamw, ExtremeValues) {
  const State s{full({3}, 1, {f32, device}), zeros({3}, {f32, device}), zeros({3}, {f32, device})};
  step(s, from_values(std::vector<float>{0, NAN, 1e-30f}, {3}, {f32, device}), 1);
  const auto p = s.param.to_vector<float>();
  EXPECT_EQ(p[0], static_cast<float>(1 - 1e-2f * double{kOptions.weight_decay}));
  EXPECT_TRUE(std::isnan(p[1]));
  EXPECT_TRUE(std::isfinite(p[2]));
}

DEVICE_TEST(Adamw, Strided) {  // the gradient may be; what is changed in place may not
  const State s = start(12, device), r = start(12, device);
  const Tensor grad = randn({24}, {f32, device}).slice(0, 0, 24, 2);
  step(s, grad, 1);
  step(r, contiguous(grad), 1);
  expect_same_bits(s.param, r.param);
  EXPECT_THROW(step({s.param.slice(0, 0, 12, 2), s.m.slice(0, 0, 6), s.v.slice(0, 0, 6)},
                    grad.slice(0, 0, 6), 1),
               Error);
}

// An element's step depends on the element alone.
DEVICE_TEST(Adamw, Repeatable) {
  const State whole = start(100003, device);
  const Tensor grad = randn({100003}, {f32, device}, 3);
  const State last{contiguous(whole.param.slice(0, 99990, 100003)), zeros({13}, {f32, device}),
                   zeros({13}, {f32, device})};
  const Tensor copy = to_device(last.param, device);
  step(whole, grad, 1);
  step({copy, last.m, last.v}, grad.slice(0, 99990, 100003), 1);
  expect_same_bits(copy, whole.param.slice(0, 99990, 100003));
}

DEVICE_TEST(Adamw, RejectsBadArguments) {
  const State s = start(4, device);
  const Tensor g = zeros({4}, {f32, device});
  EXPECT_THROW(step(s, Tensor(), 1), Error);
  EXPECT_THROW(step(s, zeros({3}, {f32, device}), 1), Error);
  EXPECT_THROW(step(s, on_ref(g), 1), Error);
  EXPECT_THROW(step({cast(s.param, bf16), s.m, s.v}, g, 1), Error);
  EXPECT_THROW(adamw_(s.param, g, s.m, s.v, zeros({3}, {f32, device}), kOptions), Error);
}

DEVICE_TEST(GlobalNorm, MatchesDouble) {
  const std::vector<Tensor> tensors = {randn({300, 41}, {f32, device}), randn({7}, {bf16, device}),
                                       randn({10, 9}, {f16, device}).transpose(0, 1),
                                       zeros({0}, {f32, device})};
  for (const Tensor& t : tensors) covers(t.dtype());
  double squares = 0;
  for (const Tensor& t : tensors) {
    for (double v : t.to_vector<double>()) squares += v * v;
  }
  const double expected = std::sqrt(squares);
  EXPECT_NEAR(global_norm(tensors).item<float>(), expected, (0x1p-24 + 12400 * 0x1p-53) * expected);
  EXPECT_THROW(global_norm({}), Error);
}

// Squares of these have no f32: neither infinity nor nothing may come out.
DEVICE_TEST(GlobalNorm, ExtremeValues) {
  for (double value : {1e20, 1e-30}) {
    const Tensor t = full({5000}, value, {f32, device});
    const double expected = std::sqrt(5000.0) * static_cast<float>(value);
    EXPECT_NEAR(global_norm({&t, 1}).item<float>(), expected,
                (0x1p-24 + 5000 * 0x1p-53) * expected);
  }
  const Tensor bad[] = {full({3}, 1, {f32, device}), full({1}, NAN, {f32, device})};
  EXPECT_TRUE(std::isnan(global_norm(bad).item<float>()));
}

}  // namespace
}  // namespace pewter::test
