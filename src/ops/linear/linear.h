// y = x W^T + bias, and its parts that other ops build on. x and y are f32 rows; W is any plain
// dtype, or quantised. The bits of an element do not depend on how many rows there are (gemm.h).
#pragma once

#include "ops/matmul/gemm.h"
#include "ops/matmul/packed_weight.h"
#include "pewter/ops.h"

namespace pewter {

// A weight [N, K] as kernels see it. Quantised ones have `packed` on the CPU.
struct WeightArgs {
  const void* data = nullptr;
  DType dtype = DType::f32;
  const PackedWeight* packed = nullptr;
  int64_t n = 0, k = 0;
  bool int16 = false;  // with `packed`: the product rounds x (ops/matmul/int16_gemm.h)
};
// Panels are made here if there are none: outside of any kernel, once.
WeightArgs weight_args(const Tensor& weight, Activations activations = Activations::f32);

struct LinearArgs {
  WeightArgs w;
  const float* x;     // [M, K]
  const float* bias;  // [N] or null
  float* y;           // [M, N]
  int64_t m;
};

// dx [M, K] = dy [M, N] W
struct LinearInputGradArgs {
  WeightArgs w;
  const float* dy;
  float* dx;
  int64_t m;
};

// dw [N, K] = dy^T x, and db [N] = column sums of dy, each summed in row order; either may be null.
struct LinearWeightGradArgs {
  const float *x, *dy;
  float *dw, *db;
  int64_t m, n, k;
};

// The base product as a term of a gemm: x W^T, or dy W.
GemmTerm forward_term(const WeightArgs& w, const float* x);
GemmTerm input_grad_term(const WeightArgs& w, const float* dy);

namespace cpu {
void linear(const LinearArgs& args);
void linear_input_grad(const LinearInputGradArgs& args);
void linear_weight_grad(const LinearWeightGradArgs& args);
}  // namespace cpu
namespace ref {
void linear(const LinearArgs& args);
void linear_input_grad(const LinearInputGradArgs& args);
void linear_weight_grad(const LinearWeightGradArgs& args);
// W as doubles, row-major; for references that are compositions.
std::vector<double> weight_values(const WeightArgs& w);
}  // namespace ref
}  // namespace pewter
