// The batched product: gemm for each member, then what alpha, beta and 16-bit results need.
#include <cmath>

#include "device/cpu/thread_pool.h"
#include "matmul_batch.h"
#include "ops/kernels.h"

namespace pewter::cpu {
namespace {

void finish(const MatmulArgs& o) {
  parallel_ranges(o.m, 8192 / (o.n + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m) {
      for (int64_t n = 0; n < o.n; ++n) {
        float value = o.alpha * o.scratch[m * o.n + n];
        if (o.c.data) {
          const double c = load_element(o.c.dtype, o.c.data,
                                        m * o.c.row_stride + n * o.c.column_stride);
          value = std::fma(o.beta, static_cast<float>(c), value);
        }
        store_element(o.y_dtype, o.y, m * o.n + n, value);
      }
    }
  });
}

void product(const MatmulArgs& o) {
  GemmArgs g{};
  g.m = o.m;
  g.n = o.n;
  g.n_terms = 1;
  g.terms[0].a = o.a;
  g.terms[0].b = o.b;
  g.terms[0].packed = o.packed;
  g.terms[0].k = o.k;
  g.c = o.scratch ? o.scratch : static_cast<float*>(o.y);
  g.c_stride = o.n;
  gemm(g);
  if (o.scratch) finish(o);
}

}  // namespace

void matmul(const MatmulArgs& args) { for_each_member(args, product); }

}  // namespace pewter::cpu
