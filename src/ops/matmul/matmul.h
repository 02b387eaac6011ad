// y = alpha * op(a) op(b) + beta * c, batched. In f32: element (m, n) is the chain described in
// gemm.h, then alpha * sum, then fma(beta, c, .), then one rounding to y's dtype.
#pragma once

#include "ops/matmul/gemm.h"
#include "pewter/ops.h"

namespace pewter {

constexpr int kMaxBatchRank = kMaxRank - 2;

struct MatmulArgs {
  GemmMatrix a, b, c;  // of one member of the batch; c.data null: beta == 0
  void* y;             // contiguous
  DType y_dtype;
  float* scratch;  // [M, N] f32 when y is not filled by the product itself, else null
  int64_t m, n, k;
  float alpha, beta;
  const PackedWeight* packed;  // b = W^T, quantised
  const void* blocks;          // the same weight's bytes, for ref
  DType block_dtype;
  int32_t batch_rank;
  int64_t batch[kMaxBatchRank];
  int64_t a_strides[kMaxBatchRank], b_strides[kMaxBatchRank], c_strides[kMaxBatchRank];
};

namespace cpu {
void matmul(const MatmulArgs& args);
}
namespace metal {
class Encoder;
// a and b have a matrix layout (matmul_mps.h), c, where there is one, lies in y, and k > 0.
void matmul(Encoder& encoder, const MatmulArgs& args);
}  // namespace metal
namespace ref {
void matmul(const MatmulArgs& args);
}

// The public function: checks, result, gradient, through the kernels given; errors name kernels.op.
template <typename Args>
struct Kernels;
Tensor matmul_by(const Kernels<MatmulArgs>& kernels, const Tensor& a, const Tensor& b,
                 const MatmulOptions& options);

}  // namespace pewter
