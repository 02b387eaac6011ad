// The definition: plain loops, sums in double.
#include <cmath>

#include "../kernels.h"
#include "softmax.h"

namespace pewter::ref {

void softmax(const SoftmaxArgs& a) {
  for (int64_t row = 0; row < a.rows; ++row) {
    const int64_t begin = row * a.columns, end = begin + a.columns;
    double max = -INFINITY;
    for (int64_t i = begin; i < end; ++i) {
      const double x = load_element(a.dtype, a.x, i);
      if (!(x <= max)) max = x;  // a NaN stays the maximum
    }
    double sum = 0;
    for (int64_t i = begin; i < end; ++i) sum += std::exp(load_element(a.dtype, a.x, i) - max);
    for (int64_t i = begin; i < end; ++i) {
      store_element(a.dtype, a.y, i, std::exp(load_element(a.dtype, a.x, i) - max) / sum);
    }
  }
}

void softmax_backward(const SoftmaxBackwardArgs& a) {
  for (int64_t row = 0; row < a.rows; ++row) {
    const int64_t begin = row * a.columns, end = begin + a.columns;
    double dot = 0;
    for (int64_t i = begin; i < end; ++i) {
      dot += load_element(a.dtype, a.y, i) * load_element(a.dtype, a.dy, i);
    }
    for (int64_t i = begin; i < end; ++i) {
      const double y = load_element(a.dtype, a.y, i);
      store_element(a.dtype, a.dx, i, y * (load_element(a.dtype, a.dy, i) - dot));
    }
  }
}

}  // namespace pewter::ref
