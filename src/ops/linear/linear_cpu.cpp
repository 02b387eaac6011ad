#include "device/cpu/thread_pool.h"
#include "linear.h"

namespace pewter {

GemmTerm forward_term(const WeightArgs& w, const float* x) {
  GemmTerm t;
  t.a = {x, DType::f32, w.k, 1};
  t.packed = w.packed;
  t.int16 = w.int16;
  t.b = {w.data, w.dtype, 1, w.k};
  t.k = w.k;
  return t;
}

GemmTerm input_grad_term(const WeightArgs& w, const float* dy) {
  GemmTerm t;
  t.a = {dy, DType::f32, w.n, 1};
  if (is_quantised(w.dtype)) {
    t.blocks = w.data;
    t.block_dtype = w.dtype;
  } else {
    t.b = {w.data, w.dtype, w.k, 1};
  }
  t.k = w.n;
  return t;
}

namespace cpu {

void linear(const LinearArgs& a) {
  gemm(one_term(a.m, a.w.n, forward_term(a.w, a.x), a.y, a.bias));
}

void linear_input_grad(const LinearInputGradArgs& a) {
  gemm(one_term(a.m, a.w.k, input_grad_term(a.w, a.dy), a.dx));
}

void linear_weight_grad(const LinearWeightGradArgs& a) {
  if (a.dw) {
    GemmTerm t;
    t.a = {a.dy, DType::f32, 1, a.n};
    t.b = {a.x, DType::f32, a.k, 1};
    t.k = a.m;
    gemm(one_term(a.n, a.k, t, a.dw));
  }
  if (a.db) {
    parallel_ranges(a.n, 1024, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) a.db[n] = 0;
      for (int64_t m = 0; m < a.m; ++m) {
        for (int64_t n = begin; n < end; ++n) a.db[n] += a.dy[m * a.n + n];
      }
    });
  }
}

}  // namespace cpu
}  // namespace pewter
