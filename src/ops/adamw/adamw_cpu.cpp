// One pass over parameter, gradient and both moments: the step is bound by memory.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/adamw/adamw_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// (these two must come first: the rest is compiled once per target)
#include <cmath>

#include "ops/adamw/adamw.h"
#include "ops/kernels.h"
#include "ops/parallel_rows.h"
#include "ops/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {
namespace {

void adamw_run(const AdamwArgs& a, int64_t begin, int64_t n) {
  const F32 d;
  const double lr = a.step[0], c1 = a.step[1], c2 = a.step[2];
  const auto set = [d](double x) { return hn::Set(d, static_cast<float>(x)); };
  const VF32 factor = set(a.step[3]), beta1 = set(a.options.beta1), beta2 = set(a.options.beta2);
  const VF32 rest1 = set(1.0 - a.options.beta1), rest2 = set(1.0 - a.options.beta2);
  const VF32 keep = set(1.0 - lr * a.options.weight_decay), rate = set(lr / c1);
  const VF32 inverse_c2 = set(1 / std::sqrt(c2)), eps = set(a.options.eps);
  float *param = a.param + begin, *m = a.m + begin, *v = a.v + begin;
  for_row(a.grad + begin, n, 0, [&](VF32 raw, int64_t i) {
    const VF32 g = hn::Mul(raw, factor);
    const VF32 vm = mul_add(beta1, load_row(m, i, n), hn::Mul(rest1, g));
    const VF32 vv = mul_add(beta2, load_row(v, i, n), hn::Mul(rest2, hn::Mul(g, g)));
    store_row(vm, m, i, n);
    store_row(vv, v, i, n);
    const VF32 denominator = mul_add(hn::Sqrt(vv), inverse_c2, eps);
    const VF32 update = hn::Div(hn::Mul(rate, vm), denominator);
    store_row(hn::Sub(hn::Mul(load_row(param, i, n), keep), update), param, i, n);
  });
}

void adamw_all(const AdamwArgs& a) {
  cpu::parallel_ranges(a.n, cpu::kElementGrain,
                       [&](int64_t begin, int64_t end) { adamw_run(a, begin, end - begin); });
}

// In eight chains, which the compiler makes vectors of. A square of an f32 is exact in double, and
// neither overflows there nor vanishes.
template <typename T>
double sum_of_squares(const T* x, int64_t n) {
  double sums[8] = {};
  const auto add = [&](int64_t i, int chain) {
    const double v = to_float(x[i]);
    sums[chain] += v * v;
  };
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int chain = 0; chain < 8; ++chain) add(i + chain, chain);
  }
  for (; i < n; ++i) add(i, 0);
  double sum = 0;
  for (double s : sums) sum += s;
  return sum;
}

void global_norm_all(const GlobalNormArgs& a) {
  const auto pieces = static_cast<int64_t>(a.pieces.size());
  cpu::parallel_ranges(pieces, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const NormPiece& p = a.pieces[static_cast<size_t>(i)];
      with_float_type(p.dtype, [&](auto type) {
        const auto* x = static_cast<const decltype(type)*>(p.data);
        a.partial[i] = sum_of_squares(x, p.n);
      });
    }
  });
  double sum = 0;
  for (int64_t i = 0; i < pieces; ++i) sum += a.partial[i];
  *a.norm = static_cast<float>(std::sqrt(sum));
}

}  // namespace
}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pewter {
HWY_EXPORT(adamw_all);
HWY_EXPORT(global_norm_all);
void cpu::adamw(const AdamwArgs& args) { HWY_DYNAMIC_DISPATCH(adamw_all)(args); }
void cpu::global_norm(const GlobalNormArgs& args) { HWY_DYNAMIC_DISPATCH(global_norm_all)(args); }
}  // namespace pewter
#endif
