#include <cmath>

#include "gelu.h"
#include "ops/kernels.h"

namespace pewter::ref {
namespace {

const double kRoot = std::sqrt(2 / M_PI);

double value(double x, bool tanh_approximation) {
  if (!tanh_approximation) return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
  return x / (1 + std::exp(-2 * kRoot * (x + 0.044715 * x * x * x)));
}

double slope(double x, bool tanh_approximation) {
  if (!tanh_approximation) {
    return 0.5 * std::erfc(-x / std::sqrt(2.0)) + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
  }
  const double s = 1 / (1 + std::exp(-2 * kRoot * (x + 0.044715 * x * x * x)));
  return s + 2 * x * s * (1 - s) * kRoot * (1 + 3 * 0.044715 * x * x);
}

}  // namespace

void gelu(const GeluArgs& a) {
  for (int64_t i = 0; i < a.n; ++i) {
    const double x = load_element(a.dtype, a.x, i);
    store_element(a.dtype, a.y, i,
                  a.dy ? load_element(a.dtype, a.dy, i) * slope(x, a.tanh_approximation)
                       : value(x, a.tanh_approximation));
  }
}

}  // namespace pewter::ref
