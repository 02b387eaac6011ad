// The definition: a double-precision product, logsumexp and their gradients, row by row.
#include <cmath>

#include "linear_cross_entropy.h"

namespace pewter::ref {

void linear_cross_entropy(const LinearCrossEntropyArgs& a) {
  const std::vector<double> w = weight_values(a.w);
  const auto v = static_cast<size_t>(a.w.n), d = static_cast<size_t>(a.w.k);
  std::vector<double> z(v), dw(a.dw ? v * d : 0);
  double total = 0;
  for (int64_t row : counted_rows(a)) {
    const float* x = a.x + row * a.w.k;
    double max = -INFINITY, sum = 0;
    for (size_t i = 0; i < v; ++i) {
      z[i] = 0;
      for (size_t k = 0; k < d; ++k) z[i] += x[k] * w[i * d + k];
      if (!(z[i] <= max)) max = z[i];
    }
    for (double value : z) sum += std::exp(value - max);
    const auto target = static_cast<size_t>(a.targets[row]);
    const double log_prob = z[target] - max - std::log(sum), weight = row_weight(a, row);
    total -= weight * log_prob;
    if (a.log_probs) a.log_probs[row] = static_cast<float>(log_prob);
    std::vector<double> dx(d);
    for (size_t i = 0; (a.dx || a.dw) && i < v; ++i) {
      const double dz = weight * (std::exp(z[i] - max) / sum - (i == target ? 1 : 0));
      for (size_t k = 0; k < d; ++k) {
        dx[k] += dz * w[i * d + k];
        if (a.dw) dw[i * d + k] += dz * x[k];
      }
    }
    for (size_t k = 0; a.dx && k < d; ++k)
      a.dx[row * a.w.k + static_cast<int64_t>(k)] = static_cast<float>(dx[k]);
  }
  for (size_t i = 0; i < dw.size(); ++i) a.dw[i] = static_cast<float>(dw[i]);
  if (a.loss) *a.loss = static_cast<float>(total);
}

}  // namespace pewter::ref
