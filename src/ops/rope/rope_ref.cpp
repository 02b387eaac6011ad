#include <cmath>

#include "ops/kernels.h"
#include "rope.h"

namespace pewter::ref {

void rope(const RopeArgs& a) {
  Walk<3> token(a.tokens, a.tokens.rank, 0);
  for (int64_t t = 0, n = a.tokens.numel(); t < n; ++t, token.next()) {
    for (int64_t h = 0; h < a.heads; ++h) {
      const int64_t from = token[0] + h * a.head_stride, to = (t * a.heads + h) * 2 * a.half;
      for (int64_t i = 0; i < a.half; ++i) {
        const double cos = a.cos[token[1] + i], sin = a.sign * double{a.sin[token[2] + i]};
        const double low = load_element(a.dtype, a.x, from + i);
        const double high = load_element(a.dtype, a.x, from + i + a.half);
        store_element(a.dtype, a.y, to + i, low * cos - high * sin);
        store_element(a.dtype, a.y, to + i + a.half, high * cos + low * sin);
      }
    }
  }
}

void rope_tables(const RopeTablesArgs& a) {
  for (int64_t i = 0; i < a.tokens * a.half; ++i) {
    const double angle = double{a.inverse_frequency[i % a.half]} * a.positions[i / a.half];
    a.cos[i] = static_cast<float>(a.magnitude * std::cos(angle));
    a.sin[i] = static_cast<float>(a.magnitude * std::sin(angle));
  }
}

}  // namespace pewter::ref
