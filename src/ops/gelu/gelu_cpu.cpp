// The normal tail is exp(-x^2/2) times a polynomial in 1 / (1 + 0.35 |x|), fitted for relative
// error (least squares with weights raised where the error was largest), so that gelu is accurate
// where Phi is tiny and not only where it is near 1.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/gelu/gelu_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// (these two must come first: the rest is compiled once per target)
#include "device/cpu/thread_pool.h"
#include "ops/gelu/gelu.h"
#include "ops/kernels.h"
#include "ops/parallel_rows.h"
#include "ops/simd/math-inl.h"
#include "ops/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {
namespace {

HWY_INLINE VF32 set(float x) { return hn::Set(F32(), x); }

struct Normal {
  VF32 bell;   // exp(-x^2 / 2)
  VF32 below;  // Phi(x)
};

HWY_INLINE Normal normal(VF32 x) {
  const VF32 a = hn::Min(hn::Abs(x), set(15.0f));  // Phi(-15) is below every f32
  // The square's rounding error, from a's upper half, whose square is exact: at |x| = 14 it would
  // move the exponential by 100 units in the last place.
  const hn::RebindToUnsigned<F32> du;
  const VF32 upper = hn::BitCast(F32(), hn::And(hn::BitCast(du, a), hn::Set(du, 0xfffff000u)));
  const VF32 square = hn::Mul(a, a);
  const VF32 lost = hn::Add(hn::Sub(hn::Mul(upper, upper), square),
                            hn::Mul(hn::Sub(a, upper), hn::Add(a, upper)));
  const VF32 e = exp_f32(hn::Mul(square, set(-0.5f)));
  const VF32 bell = hn::Sub(e, hn::Mul(e, hn::Mul(lost, set(0.5f))));
  const VF32 t = hn::Div(set(1.0f), mul_add(a, set(0.35f), set(1.0f)));
  VF32 p = set(-0.0291582232f);
  for (float c : {0.144032533f, -0.25584227f, 0.159323333f, -0.0232147824f, 0.105553493f,
                  0.119821047f, 0.139863547f, 0.139621305f}) {
    p = mul_add(p, t, set(c));
  }
  const VF32 tail = hn::Mul(bell, hn::Mul(p, t));
  return {bell, hn::IfThenElse(hn::Lt(x, hn::Zero(F32())), tail, hn::Sub(set(1.0f), tail))};
}

// 2 u(x), and the sigmoid of it.
HWY_INLINE VF32 twice_u(VF32 x) {
  const VF32 cubic = mul_add(hn::Mul(x, x), set(0.044715f), set(1.0f));
  return hn::Mul(hn::Mul(x, set(1.5957691f)), cubic);
}

HWY_INLINE VF32 gelu_value(VF32 x, bool tanh_approximation) {
  if (!tanh_approximation) return hn::Mul(x, normal(x).below);
  return hn::Div(x, hn::Add(set(1.0f), exp_f32(hn::Neg(twice_u(x)))));
}

HWY_INLINE VF32 gelu_slope(VF32 x, bool tanh_approximation) {
  if (!tanh_approximation) {
    const Normal at = normal(x);
    return mul_add(hn::Mul(x, set(0.39894228f)), at.bell, at.below);
  }
  const VF32 s = sigmoid_f32(twice_u(x));
  const VF32 slope = mul_add(hn::Mul(x, x), set(1.5957691f * 3 * 0.044715f), set(1.5957691f));
  const VF32 rest = hn::Mul(hn::Mul(x, hn::Sub(set(1.0f), s)), slope);
  return mul_add(s, rest, s);
}

template <typename T>
void gelu_run(const T* x, const T* dy, T* y, int64_t n, bool tanh_approximation) {
  if (!dy) {
    for_row(x, n, 0,
            [&](VF32 v, int64_t i) { store_row(gelu_value(v, tanh_approximation), y, i, n); });
  } else {
    for_row(x, n, 0, [&](VF32 v, int64_t i) {
      store_row(hn::Mul(load_row(dy, i, n), gelu_slope(v, tanh_approximation)), y, i, n);
    });
  }
}

void gelu_all(const GeluArgs& a) {
  with_float_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    cpu::parallel_ranges(a.n, cpu::kElementGrain / 2, [&](int64_t begin, int64_t end) {
      gelu_run(static_cast<const T*>(a.x) + begin,
               a.dy ? static_cast<const T*>(a.dy) + begin : nullptr, static_cast<T*>(a.y) + begin,
               end - begin, a.tanh_approximation);
    });
  });
}

}  // namespace
}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pewter {
HWY_EXPORT(gelu_all);
void cpu::gelu(const GeluArgs& args) { HWY_DYNAMIC_DISPATCH(gelu_all)(args); }
}  // namespace pewter
#endif
