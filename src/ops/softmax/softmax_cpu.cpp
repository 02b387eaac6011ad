// One row at a time, three sweeps over data that the first brought into cache. Written once;
// Highway compiles it for every instruction set and picks one at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/softmax/softmax_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// (these two must come first: the rest is compiled once per target)
#include "device/cpu/thread_pool.h"
#include "ops/kernels.h"
#include "ops/simd/math-inl.h"
#include "ops/simd/simd-inl.h"
#include "ops/softmax/softmax.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {
namespace {

template <typename T>
void softmax_row(const T* x, T* y, int64_t n) {
  const F32 d;
  VF32 max = hn::Set(d, -std::numeric_limits<float>::infinity());
  auto nan = hn::Zero(d);
  for_row(x, n, -std::numeric_limits<float>::infinity(), [&](VF32 v, int64_t) {
    max = hn::Max(max, v);
    nan = hn::IfThenElse(hn::IsNaN(v), v, nan);  // Max drops NaN on some targets
  });
  const VF32 top = hn::Add(hn::MaxOfLanes(d, max), hn::SumOfLanes(d, nan));
  VF32 sum = hn::Zero(d);
  for_row(x, n, -std::numeric_limits<float>::infinity(), [&](VF32 v, int64_t i) {
    const VF32 e = exp_f32(hn::Sub(v, top));
    const auto valid = hn::FirstN(d, static_cast<size_t>(n - i));
    sum = hn::Add(sum, hn::IfThenElseZero(valid, e));
    if constexpr (std::is_same_v<T, float>) store_row(e, y, i, n);
  });
  const VF32 total = hn::SumOfLanes(d, sum);
  if constexpr (std::is_same_v<T, float>) {
    for_row(y, n, 0, [&](VF32 e, int64_t i) { store_row(hn::Div(e, total), y, i, n); });
  } else {  // 16-bit results are rounded once, so the exponential is taken again
    for_row(x, n, 0, [&](VF32 v, int64_t i) {
      store_row(hn::Div(exp_f32(hn::Sub(v, top)), total), y, i, n);
    });
  }
}

template <typename T>
void softmax_backward_row(const T* y, const T* dy, T* dx, int64_t n) {
  const F32 d;
  VF32 dot = hn::Zero(d);
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto load_dy = [&](int64_t i) {
    return i + lanes <= n ? load_f32(dy + i) : load_f32_part(dy + i, static_cast<size_t>(n - i), 0);
  };
  for_row(y, n, 0, [&](VF32 v, int64_t i) { dot = mul_add(v, load_dy(i), dot); });
  const VF32 total = hn::SumOfLanes(d, dot);
  for_row(y, n, 0,
          [&](VF32 v, int64_t i) { store_row(hn::Mul(v, hn::Sub(load_dy(i), total)), dx, i, n); });
}

void softmax_all(const SoftmaxArgs& a) {
  with_float_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    const int64_t grain = 16384 / (a.columns + 1) + 1;
    cpu::parallel_ranges(a.rows, grain, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        softmax_row(static_cast<const T*>(a.x) + r * a.columns,
                    static_cast<T*>(a.y) + r * a.columns, a.columns);
      }
    });
  });
}

void softmax_backward_all(const SoftmaxBackwardArgs& a) {
  with_float_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    const int64_t grain = 16384 / (a.columns + 1) + 1;
    cpu::parallel_ranges(a.rows, grain, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t at = r * a.columns;
        softmax_backward_row(static_cast<const T*>(a.y) + at, static_cast<const T*>(a.dy) + at,
                             static_cast<T*>(a.dx) + at, a.columns);
      }
    });
  });
}

}  // namespace
}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pewter {
HWY_EXPORT(softmax_all);
HWY_EXPORT(softmax_backward_all);

void cpu::softmax(const SoftmaxArgs& args) { HWY_DYNAMIC_DISPATCH(softmax_all)(args); }
void cpu::softmax_backward(const SoftmaxBackwardArgs& args) {
  HWY_DYNAMIC_DISPATCH(softmax_backward_all)(args);
}
}  // namespace pewter
#endif
