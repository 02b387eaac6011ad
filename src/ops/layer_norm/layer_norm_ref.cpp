#include <cmath>

#include "layer_norm.h"
#include "ops/kernels.h"

namespace pewter::ref {
namespace {

struct Moments {
  double mean, inverse_deviation;
};

Moments moments(DType dtype, const void* x, int64_t begin, int64_t columns, double eps) {
  const auto n = static_cast<double>(columns);
  double sum = 0, squares = 0;
  for (int64_t i = begin; i < begin + columns; ++i) sum += load_element(dtype, x, i);
  for (int64_t i = begin; i < begin + columns; ++i) {
    const double v = load_element(dtype, x, i) - sum / n;
    squares += v * v;
  }
  return {sum / n, 1 / std::sqrt(squares / n + eps)};
}

}  // namespace

void layer_norm(const LayerNormArgs& a) {
  for (int64_t row = 0; row < a.rows; ++row) {
    const int64_t begin = row * a.columns;
    const Moments m = moments(a.dtype, a.x, begin, a.columns, a.eps);
    for (int64_t j = 0; j < a.columns; ++j) {
      const double z = (load_element(a.dtype, a.x, begin + j) - m.mean) * m.inverse_deviation;
      const double bias = a.bias ? load_element(a.dtype, a.bias, j) : 0;
      store_element(a.dtype, a.y, begin + j, z * load_element(a.dtype, a.weight, j) + bias);
    }
  }
}

void layer_norm_backward(const LayerNormBackwardArgs& a) {
  const auto at = [&](const void* p, int64_t i) { return load_element(a.dtype, p, i); };
  const int64_t chunks = (a.rows + a.chunk - 1) / a.chunk;
  const auto n = static_cast<double>(a.columns);
  for (int64_t i = 0; a.partial && i < chunks * 2 * a.columns; ++i) a.partial[i] = 0;
  for (int64_t row = 0; row < a.rows; ++row) {
    const int64_t begin = row * a.columns;
    const Moments m = moments(a.dtype, a.x, begin, a.columns, a.eps);
    const auto z = [&](int64_t j) { return (at(a.x, begin + j) - m.mean) * m.inverse_deviation; };
    double sum = 0, dot = 0;
    for (int64_t j = 0; j < a.columns; ++j) {
      const double w = at(a.weight, j) * at(a.dy, begin + j);
      sum += w;
      dot += w * z(j);
    }
    for (int64_t j = 0; j < a.columns; ++j) {
      const double dy = at(a.dy, begin + j), w = at(a.weight, j) * dy;
      if (a.dx) {
        store_element(a.dtype, a.dx, begin + j,
                      m.inverse_deviation * (w - sum / n - z(j) * dot / n));
      }
      if (a.partial) {
        float* p = a.partial + row / a.chunk * 2 * a.columns + j;
        p[0] = static_cast<float>(p[0] + dy * z(j));
        p[a.columns] = static_cast<float>(p[a.columns] + dy);
      }
    }
  }
}

}  // namespace pewter::ref
