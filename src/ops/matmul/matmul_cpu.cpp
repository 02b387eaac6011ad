// The batched product: gemm for each member, then what alpha, beta and 16-bit results need.
#include <cmath>

#include "device/cpu/thread_pool.h"
#include "matmul_batch.h"
#include "ops/kernels.h"

namespace pewter::cpu {
namespace {

template <typename Y, typename C>
void finish_rows(const MatmulArgs& o, int64_t begin, int64_t end) {
  const auto* c = static_cast<const C*>(o.c.data);
  for (int64_t m = begin; m < end; ++m) {
    const float* sums = o.scratch + m * o.n;
    auto* y = static_cast<Y*>(o.y) + m * o.n;
    for (int64_t n = 0; n < o.n; ++n) {
      float value = o.alpha * sums[n];
      if (c) {
        const int64_t at = m * o.c.row_stride + n * o.c.column_stride;
        value = std::fma(o.beta, to_float(c[at]), value);
      }
      y[n] = from_float<Y>(value);
    }
  }
}

void finish(const MatmulArgs& o) {
  with_float_type(o.y_dtype, [&](auto y) {
    with_float_type(o.c.dtype, [&](auto c) {
      parallel_ranges(o.m, 8192 / (o.n + 1) + 1, [&](int64_t begin, int64_t end) {
        finish_rows<decltype(y), decltype(c)>(o, begin, end);
      });
    });
  });
}

void product(const MatmulArgs& o) {
  GemmTerm t;
  t.a = o.a;
  t.b = o.b;
  t.packed = o.packed;
  t.k = o.k;
  gemm(one_term(o.m, o.n, t, o.scratch ? o.scratch : static_cast<float*>(o.y)));
  if (o.scratch) finish(o);
}

}  // namespace

void matmul(const MatmulArgs& args) { for_each_member(args, product); }

}  // namespace pewter::cpu
