#include <cmath>

#include "adamw.h"
#include "ops/kernels.h"

namespace pewter::ref {

void adamw(const AdamwArgs& a) {
  const double lr = a.step[0], c1 = a.step[1], c2 = a.step[2], factor = a.step[3];
  const double beta1 = a.options.beta1, beta2 = a.options.beta2;
  for (int64_t i = 0; i < a.n; ++i) {
    const double g = factor * a.grad[i];
    const double m = beta1 * a.m[i] + (1 - beta1) * g, v = beta2 * a.v[i] + (1 - beta2) * g * g;
    a.m[i] = static_cast<float>(m);
    a.v[i] = static_cast<float>(v);
    const double kept = a.param[i] * (1 - lr * a.options.weight_decay);
    const double update = lr / c1 * m / (std::sqrt(v / c2) + a.options.eps);
    a.param[i] = static_cast<float>(kept - update);
  }
}

void global_norm(const GlobalNormArgs& a) {
  double sum = 0;
  for (const NormPiece& p : a.pieces) {
    for (int64_t i = 0; i < p.n; ++i) {
      const double x = load_element(p.dtype, p.data, i);
      sum += x * x;
    }
  }
  *a.norm = static_cast<float>(std::sqrt(sum));
}

}  // namespace pewter::ref
