// Three sweeps over a row that the first brought into cache: mean, squared deviations, result. The
// deviations are taken about the mean itself, since sum(x^2) - n mean^2 cancels.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/layer_norm/layer_norm_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// (these two must come first: the rest is compiled once per target)
#include <algorithm>
#include <cmath>

#include "device/cpu/thread_pool.h"
#include "ops/kernels.h"
#include "ops/layer_norm/layer_norm.h"
#include "ops/parallel_rows.h"
#include "ops/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {
namespace {

struct Moments {
  VF32 mean, r;
};

template <typename T>
HWY_INLINE Moments moments(const T* x, int64_t n, float eps) {
  const F32 d;
  const auto count = static_cast<float>(n);
  const VF32 total = sum_row(x, n, [](VF32 v, int64_t) { return v; });
  const VF32 mean = hn::Set(d, hn::GetLane(total) / count);
  const VF32 squares = sum_row(x, n, [&](VF32 v, int64_t i) {
    const VF32 away = hn::Sub(v, mean);
    return hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(n - i)), hn::Mul(away, away));
  });
  return {mean, hn::Set(d, 1.0f / std::sqrt(hn::GetLane(squares) / count + eps))};
}

template <typename T>
void layer_norm_row(const T* x, const T* weight, const T* bias, T* y, int64_t n, float eps) {
  const Moments m = moments(x, n, eps);
  for_row(x, n, 0, [&](VF32 v, int64_t i) {
    const VF32 z = hn::Mul(hn::Sub(v, m.mean), m.r);
    const VF32 b = bias ? load_row(bias, i, n) : hn::Zero(F32());
    store_row(mul_add(z, load_row(weight, i, n), b), y, i, n);
  });
}

template <typename T>
void layer_norm_backward_row(const LayerNormBackwardArgs& a, const T* x, const T* dy, T* dx,
                             float* partial) {
  const F32 d;
  const int64_t n = a.columns;
  const T* weight = static_cast<const T*>(a.weight);
  const Moments m = moments(x, n, a.eps);
  const auto z_of = [&](VF32 v) { return hn::Mul(hn::Sub(v, m.mean), m.r); };
  const auto w_at = [&](int64_t i) { return hn::Mul(load_row(dy, i, n), load_row(weight, i, n)); };
  if (dx) {
    const auto count = static_cast<float>(n);
    const VF32 sum = sum_row(x, n, [&](VF32, int64_t i) { return w_at(i); });
    const VF32 dot = sum_row(x, n, [&](VF32 v, int64_t i) { return hn::Mul(w_at(i), z_of(v)); });
    const VF32 mean_w = hn::Set(d, hn::GetLane(sum) / count);
    const VF32 mean_wz = hn::Set(d, hn::GetLane(dot) / count);
    for_row(x, n, 0, [&](VF32 v, int64_t i) {
      const VF32 left = neg_mul_add(z_of(v), mean_wz, hn::Sub(w_at(i), mean_w));
      store_row(hn::Mul(m.r, left), dx, i, n);
    });
  }
  if (!partial) return;
  float *dweight = partial, *dbias = partial + n;
  for_row(x, n, 0, [&](VF32 v, int64_t i) {
    const VF32 g = load_row(dy, i, n);
    store_row(mul_add(g, z_of(v), load_row(dweight, i, n)), dweight, i, n);
    store_row(hn::Add(g, load_row(dbias, i, n)), dbias, i, n);
  });
}

void layer_norm_all(const LayerNormArgs& a) {
  with_float_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    cpu::parallel_ranges(a.rows, cpu::kElementGrain / a.columns + 1, [&](int64_t r, int64_t end) {
      for (; r < end; ++r) {
        layer_norm_row(static_cast<const T*>(a.x) + r * a.columns, static_cast<const T*>(a.weight),
                       static_cast<const T*>(a.bias), static_cast<T*>(a.y) + r * a.columns,
                       a.columns, a.eps);
      }
    });
  });
}

void layer_norm_backward_all(const LayerNormBackwardArgs& a) {
  with_float_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    cpu::parallel_for((a.rows + a.chunk - 1) / a.chunk, [&](int64_t c) {
      float* partial = a.partial ? a.partial + c * 2 * a.columns : nullptr;
      if (partial) std::fill_n(partial, 2 * a.columns, 0.0f);
      const int64_t end = std::min((c + 1) * a.chunk, a.rows);
      for (int64_t r = c * a.chunk; r < end; ++r) {
        const int64_t at = r * a.columns;
        layer_norm_backward_row(a, static_cast<const T*>(a.x) + at,
                                static_cast<const T*>(a.dy) + at,
                                a.dx ? static_cast<T*>(a.dx) + at : nullptr, partial);
      }
    });
  });
}

}  // namespace
}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pewter {
HWY_EXPORT(layer_norm_all);
HWY_EXPORT(layer_norm_backward_all);
void cpu::layer_norm(const LayerNormArgs& args) { HWY_DYNAMIC_DISPATCH(layer_norm_all)(args); }
void cpu::layer_norm_backward(const LayerNormBackwardArgs& args) {
  HWY_DYNAMIC_DISPATCH(layer_norm_backward_all)(args);
}
}  // namespace pewter
#endif
