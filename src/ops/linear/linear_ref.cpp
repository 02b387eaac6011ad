// The definition: double sums over plain loops.
#include "linear.h"
#include "ops/kernels.h"

namespace pewter::ref {

std::vector<double> weight_values(const WeightArgs& w) {
  std::vector<double> values(static_cast<size_t>(w.n * w.k));
  if (is_quantised(w.dtype)) {
    std::vector<float> floats(values.size());
    dequantise(w.dtype, w.data, w.n * w.k, floats.data());
    values.assign(floats.begin(), floats.end());
  } else {
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = load_element(w.dtype, w.data, static_cast<int64_t>(i));
    }
  }
  return values;
}

void linear(const LinearArgs& a) {
  const std::vector<double> w = weight_values(a.w);
  for (int64_t m = 0; m < a.m; ++m) {
    for (int64_t n = 0; n < a.w.n; ++n) {
      double sum = 0;
      for (int64_t k = 0; k < a.w.k; ++k) sum += a.x[m * a.w.k + k] * w[n * a.w.k + k];
      a.y[m * a.w.n + n] = static_cast<float>(sum + (a.bias ? a.bias[n] : 0.0f));
    }
  }
}

void linear_input_grad(const LinearInputGradArgs& a) {
  const std::vector<double> w = weight_values(a.w);
  for (int64_t m = 0; m < a.m; ++m) {
    for (int64_t k = 0; k < a.w.k; ++k) {
      double sum = 0;
      for (int64_t n = 0; n < a.w.n; ++n) sum += a.dy[m * a.w.n + n] * w[n * a.w.k + k];
      a.dx[m * a.w.k + k] = static_cast<float>(sum);
    }
  }
}

void linear_weight_grad(const LinearWeightGradArgs& a) {
  for (int64_t n = 0; n < a.n; ++n) {
    double bias = 0;
    for (int64_t m = 0; m < a.m; ++m) bias += a.dy[m * a.n + n];
    if (a.db) a.db[n] = static_cast<float>(bias);
    for (int64_t k = 0; a.dw && k < a.k; ++k) {
      double sum = 0;
      for (int64_t m = 0; m < a.m; ++m) sum += double{a.dy[m * a.n + n]} * a.x[m * a.k + k];
      a.dw[n * a.k + k] = static_cast<float>(sum);
    }
  }
}

}  // namespace pewter::ref
