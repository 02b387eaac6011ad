#include <cmath>

#include "ops/kernels.h"
#include "silu_mul.h"

namespace pewter::ref {

void silu_mul(const SiluMulArgs& a) {
  Walk<3> at(a.at, a.at.rank, 0);
  for (int64_t i = 0, n = a.at.numel(); i < n; ++i, at.next()) {
    const double gate = load_element(a.dtype, a.gate, at[0]);
    const double up = load_element(a.dtype, a.up, at[1]);
    store_element(a.dtype, a.y, at[2], gate / (1 + std::exp(-gate)) * up);
  }
}

void silu_mul_backward(const SiluMulBackwardArgs& a) {
  Walk<3> at(a.at, a.at.rank, 0);
  for (int64_t i = 0, n = a.at.numel(); i < n; ++i, at.next()) {
    const double gate = load_element(a.dtype, a.gate, at[0]);
    const double up = load_element(a.dtype, a.up, at[1]);
    const double dy = load_element(a.dtype, a.dy, at[2]);
    const double s = 1 / (1 + std::exp(-gate));
    if (a.dgate) store_element(a.dtype, a.dgate, at[2], dy * up * s * (1 + gate * (1 - s)));
    if (a.dup) store_element(a.dtype, a.dup, at[2], dy * gate * s);
  }
}

}  // namespace pewter::ref
