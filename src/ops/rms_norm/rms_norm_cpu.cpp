// Two sweeps over a row that the first brought into cache; nothing is kept for the backward pass,
// which forms the root again from x, of which it needs every element anyway.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/rms_norm/rms_norm_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// (these two must come first: the rest is compiled once per target)
#include <algorithm>
#include <cmath>

#include "device/cpu/thread_pool.h"
#include "ops/kernels.h"
#include "ops/parallel_rows.h"
#include "ops/rms_norm/rms_norm.h"
#include "ops/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {
namespace {

float inverse_rms(float sum_of_squares, int64_t columns, float eps) {
  return 1.0f / std::sqrt(sum_of_squares / static_cast<float>(columns) + eps);
}

template <typename T>
void rms_norm_row(const T* x, const T* weight, T* y, int64_t n, float eps) {
  const F32 d;
  const VF32 squares = sum_row(x, n, [](VF32 v, int64_t) { return hn::Mul(v, v); });
  const VF32 r = hn::Set(d, inverse_rms(hn::GetLane(squares), n, eps));
  for_row(x, n, 0, [&](VF32 v, int64_t i) {
    store_row(hn::Mul(hn::Mul(v, r), load_row(weight, i, n)), y, i, n);
  });
}

template <typename T>
void rms_norm_backward_row(const RmsNormBackwardArgs& a, const T* x, const T* dy, T* dx,
                           float* dweight) {
  const F32 d;
  const int64_t n = a.columns;
  const T* weight = static_cast<const T*>(a.weight);
  const VF32 squares = sum_row(x, n, [](VF32 v, int64_t) { return hn::Mul(v, v); });
  const float r = inverse_rms(hn::GetLane(squares), n, a.eps);
  const VF32 vr = hn::Set(d, r);
  if (dx) {
    const VF32 dot = sum_row(x, n, [&](VF32 v, int64_t i) {
      return hn::Mul(v, hn::Mul(load_row(dy, i, n), load_row(weight, i, n)));
    });
    const VF32 pull = hn::Set(d, hn::GetLane(dot) / static_cast<float>(n) * r * r);
    for_row(x, n, 0, [&](VF32 v, int64_t i) {
      const VF32 scaled = hn::Mul(load_row(dy, i, n), load_row(weight, i, n));
      store_row(hn::Mul(vr, neg_mul_add(v, pull, scaled)), dx, i, n);
    });
  }
  if (dweight) {
    for_row(x, n, 0, [&](VF32 v, int64_t i) {
      const VF32 term = hn::Mul(hn::Mul(v, vr), load_row(dy, i, n));
      store_row(hn::Add(load_row(dweight, i, n), term), dweight, i, n);
    });
  }
}

void rms_norm_all(const RmsNormArgs& a) {
  with_float_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    cpu::parallel_ranges(a.rows, cpu::kElementGrain / a.columns + 1, [&](int64_t r, int64_t end) {
      for (; r < end; ++r) {
        rms_norm_row(static_cast<const T*>(a.x) + r * a.columns, static_cast<const T*>(a.weight),
                     static_cast<T*>(a.y) + r * a.columns, a.columns, a.eps);
      }
    });
  });
}

void rms_norm_backward_all(const RmsNormBackwardArgs& a) {
  with_float_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    cpu::parallel_for((a.rows + a.chunk - 1) / a.chunk, [&](int64_t c) {
      float* dweight = a.partial ? a.partial + c * a.columns : nullptr;
      if (dweight) std::fill_n(dweight, a.columns, 0.0f);
      const int64_t end = std::min((c + 1) * a.chunk, a.rows);
      for (int64_t r = c * a.chunk; r < end; ++r) {
        const int64_t at = r * a.columns;
        rms_norm_backward_row(a, static_cast<const T*>(a.x) + at, static_cast<const T*>(a.dy) + at,
                              a.dx ? static_cast<T*>(a.dx) + at : nullptr, dweight);
      }
    });
  });
}

}  // namespace
}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pewter {
HWY_EXPORT(rms_norm_all);
HWY_EXPORT(rms_norm_backward_all);
void cpu::rms_norm(const RmsNormArgs& args) { HWY_DYNAMIC_DISPATCH(rms_norm_all)(args); }
void cpu::rms_norm_backward(const RmsNormBackwardArgs& args) {
  HWY_DYNAMIC_DISPATCH(rms_norm_backward_all)(args);
}
}  // namespace pewter
#endif
