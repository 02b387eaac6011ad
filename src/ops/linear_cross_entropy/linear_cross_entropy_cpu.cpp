// Blocks of rows: a product, the rows' losses, their gradients in the same memory, two more
// products.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/linear_cross_entropy/linear_cross_entropy_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// (these two must come first: the rest is compiled once per target)

#include <cmath>
#include <limits>

#include "ops/linear_cross_entropy/linear_cross_entropy.h"
#include "ops/simd/math-inl.h"
#include "ops/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {

// log p(target) of one row of logits; with `gradient` the row becomes weight * (p - onehot).
float log_prob_row(float* z, int64_t n, int64_t target, float weight, bool gradient) {
  const F32 d;
  const float lowest = -std::numeric_limits<float>::infinity();
  VF32 max = hn::Set(d, lowest), nan = hn::Zero(d);
  for_row(z, n, lowest, [&](VF32 v, int64_t) {
    max = hn::Max(max, v);
    nan = hn::IfThenElse(hn::IsNaN(v), v, nan);
  });
  const VF32 top = hn::Add(hn::MaxOfLanes(d, max), hn::SumOfLanes(d, nan));
  const float target_logit = z[target] - hn::GetLane(top);
  VF32 sum = hn::Zero(d);
  for_row(z, n, lowest, [&](VF32 v, int64_t i) {
    const VF32 e = exp_f32(hn::Sub(v, top));
    sum = hn::Add(sum, hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(n - i)), e));
    if (gradient) store_row(e, z, i, n);
  });
  const float total = hn::GetLane(hn::SumOfLanes(d, sum));
  if (gradient) {
    const VF32 factor = hn::Set(d, weight / total);
    for_row(z, n, 0, [&](VF32 e, int64_t i) { store_row(hn::Mul(e, factor), z, i, n); });
    z[target] -= weight;
  }
  return target_logit - std::log(total);
}

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <span>

#include "device/cpu/thread_pool.h"

namespace pewter {
HWY_EXPORT(log_prob_row);

namespace {

// dw += dz^T x, going on in row order from block to block.
void add_weight_grad(const LinearCrossEntropyArgs& a, int64_t rows) {
  GemmTerm t;
  t.a = {a.logits, DType::f32, 1, a.w.n};
  t.b = {a.rows, DType::f32, a.w.k, 1};
  t.k = rows;
  GemmArgs g = one_term(a.w.n, a.w.k, t, a.dw);
  g.accumulate = true;
  cpu::gemm(g);
}

// Losses of one block of rows into `losses`, their gradients where asked for.
void block(const LinearCrossEntropyArgs& a, std::span<const int64_t> rows, double* losses) {
  const auto n = static_cast<int64_t>(rows.size());
  const int64_t d = a.w.k;
  for (int64_t i = 0; i < n; ++i) std::copy_n(a.x + rows[i] * d, d, a.rows + i * d);
  cpu::gemm(one_term(n, a.w.n, forward_term(a.w, a.rows), a.logits));
  const bool gradient = a.dx || a.dw;
  cpu::parallel_for(n, [&](int64_t i) {
    const int64_t row = rows[i];
    const float weight = row_weight(a, row);
    const float log_prob = HWY_DYNAMIC_DISPATCH(log_prob_row)(a.logits + i * a.w.n, a.w.n,
                                                              a.targets[row], weight, gradient);
    losses[i] = -double{weight} * log_prob;
    if (a.log_probs) a.log_probs[row] = log_prob;
  });
  if (a.dx) {
    cpu::gemm(one_term(n, d, input_grad_term(a.w, a.logits), a.row_grads));
    for (int64_t i = 0; i < n; ++i) std::copy_n(a.row_grads + i * d, d, a.dx + rows[i] * d);
  }
  if (a.dw) add_weight_grad(a, n);
}

}  // namespace

void cpu::linear_cross_entropy(const LinearCrossEntropyArgs& a) {
  const std::vector<int64_t> rows = counted_rows(a);
  double total = 0;
  const std::span<const int64_t> all(rows);
  for (size_t at = 0; at < rows.size(); at += kLossRows) {
    const auto part = all.subspan(at, std::min<size_t>(kLossRows, rows.size() - at));
    double losses[kLossRows];
    block(a, part, losses);
    for (size_t i = 0; i < part.size(); ++i) total += losses[i];
  }
  if (a.loss) *a.loss = static_cast<float>(total);
}
}  // namespace pewter
#endif
