// Gradients against central differences of the double-precision reference. The loss is a fixed
// random weighting of the outputs, so that every output counts. Differences are taken on the `ref`
// device with f32 storage: with step h the error is about h^2 |f'''| from the series and
// 2^-24 |f| / h from rounding, which h = 2^-8 balances near 2^-15 for smooth f of size 1.
#pragma once

#include <functional>

#include "compare.h"

namespace pewter::test {

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

inline double weighted(const Tensor& y, const std::vector<float>& weights) {
  const auto values = y.to_vector<double>();
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) sum += weights[i] * values[i];
  return sum;
}

// Checks d/d(inputs[which]) of `f` on `device` for all inputs that require a gradient, at up to
// `samples` elements of each. `scale` is the size of the values and gradients involved.
inline void expect_gradients(const Function& f, std::vector<Tensor> inputs, Device device,
                             double scale = 1, int samples = 24) {
  std::vector<Tensor> on_device;
  for (const Tensor& t : inputs) {
    on_device.push_back(to_device(t.detach(), device));
    if (t.requires_grad()) on_device.back().set_requires_grad();
  }
  for (const Tensor& t : on_device) covers(t.dtype());
  const Tensor y = f(on_device);
  const auto weights = randn({y.numel()}, {.dtype = f32, .device = "cpu"}, 977).to_vector<float>();
  backward(y, from_values(weights, y.shape(), {.dtype = y.dtype(), .device = device}));

  const double h = 0x1p-8;
  for (size_t which = 0; which < inputs.size(); ++which) {
    if (!inputs[which].requires_grad()) continue;
    ASSERT_TRUE(on_device[which].grad().defined()) << "input " << which << " got no gradient";
    const auto gradient = on_device[which].grad().to_vector<double>();
    const auto values = inputs[which].to_vector<float>();
    const int64_t n = inputs[which].numel(), step = std::max<int64_t>(1, n / samples);
    for (int64_t i = 0; i < n; i += step) {
      const auto at = [&](double delta) {
        NoGrad off;
        std::vector<Tensor> shifted;
        for (size_t j = 0; j < inputs.size(); ++j) shifted.push_back(on_ref(inputs[j].detach()));
        auto moved = values;
        moved[i] = static_cast<float>(moved[i] + delta);
        shifted[which] = from_values(moved, inputs[which].shape(),
                                     {.dtype = f32, .device = Device(DeviceKind::ref)});
        return std::pair(weighted(f(shifted), weights), double{moved[i]});
      };
      const auto [up, x_up] = at(h);
      const auto [down, x_down] = at(-h);
      const double expected = (up - down) / (x_up - x_down);
      // Truncation h^2/6 |f'''|, with |f'''| up to 8 times the scale for the functions here, and
      // the rounding of every f32 output of the two evaluations, independent of each other.
      const double bound =
          scale * (8 * h * h / 6 + std::sqrt(static_cast<double>(y.numel())) * 0x1p-23 / h * 4) +
          std::abs(expected) * 0x1p-12;
      EXPECT_NEAR(gradient[i], expected, bound) << "input " << which << ", element " << i;
    }
  }
}

}  // namespace pewter::test
