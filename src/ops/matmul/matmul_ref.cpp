// The definition: a double sum for every element.
#include <vector>

#include "matmul_batch.h"
#include "ops/kernels.h"

namespace pewter::ref {
namespace {

double at(const GemmMatrix& x, int64_t i, int64_t j) {
  return load_element(x.dtype, x.data, i * x.row_stride + j * x.column_stride);
}

void product(const MatmulArgs& o) {
  std::vector<float> row(static_cast<size_t>(o.blocks ? o.k : 0));
  for (int64_t n = 0; n < o.n; ++n) {
    if (o.blocks && o.k > 0) {
      const auto* bytes = static_cast<const char*>(o.blocks) + n * byte_size(o.block_dtype, o.k);
      dequantise(o.block_dtype, bytes, o.k, row.data());
    }
    for (int64_t m = 0; m < o.m; ++m) {
      double sum = 0;
      for (int64_t k = 0; k < o.k; ++k) {
        sum += at(o.a, m, k) * (o.blocks ? row[static_cast<size_t>(k)] : at(o.b, k, n));
      }
      sum *= o.alpha;
      if (o.c.data) sum += double{o.beta} * at(o.c, m, n);
      store_element(o.y_dtype, o.y, m * o.n + n, sum);
    }
  }
}

}  // namespace

void matmul(const MatmulArgs& args) { for_each_member(args, product); }

}  // namespace pewter::ref
