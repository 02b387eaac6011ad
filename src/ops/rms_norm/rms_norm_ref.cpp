#include <cmath>

#include "ops/kernels.h"
#include "rms_norm.h"

namespace pewter::ref {
namespace {

double inverse_rms(DType dtype, const void* x, int64_t begin, int64_t columns, double eps) {
  double sum = 0;
  for (int64_t i = begin; i < begin + columns; ++i) {
    const double v = load_element(dtype, x, i);
    sum += v * v;
  }
  return 1 / std::sqrt(sum / static_cast<double>(columns) + eps);
}

}  // namespace

void rms_norm(const RmsNormArgs& a) {
  for (int64_t row = 0; row < a.rows; ++row) {
    const int64_t begin = row * a.columns;
    const double r = inverse_rms(a.dtype, a.x, begin, a.columns, a.eps);
    for (int64_t j = 0; j < a.columns; ++j) {
      const double x = load_element(a.dtype, a.x, begin + j);
      store_element(a.dtype, a.y, begin + j, x * load_element(a.dtype, a.weight, j) * r);
    }
  }
}

void rms_norm_backward(const RmsNormBackwardArgs& a) {
  const auto at = [&](const void* p, int64_t i) { return load_element(a.dtype, p, i); };
  const int64_t chunks = (a.rows + a.chunk - 1) / a.chunk;
  for (int64_t i = 0; a.partial && i < chunks * a.columns; ++i) a.partial[i] = 0;
  for (int64_t row = 0; row < a.rows; ++row) {
    const int64_t begin = row * a.columns;
    const double r = inverse_rms(a.dtype, a.x, begin, a.columns, a.eps);
    double dot = 0;
    for (int64_t j = 0; j < a.columns; ++j) {
      dot += at(a.weight, j) * at(a.dy, begin + j) * at(a.x, begin + j);
    }
    dot /= static_cast<double>(a.columns);
    for (int64_t j = 0; j < a.columns; ++j) {
      const double x = at(a.x, begin + j), dy = at(a.dy, begin + j);
      if (a.dx) {
        store_element(a.dtype, a.dx, begin + j, r * (at(a.weight, j) * dy - x * r * r * dot));
      }
      if (a.partial) {
        float& p = a.partial[row / a.chunk * a.columns + j];
        p = static_cast<float>(p + dy * x * r);
      }
    }
  }
}

}  // namespace pewter::ref
