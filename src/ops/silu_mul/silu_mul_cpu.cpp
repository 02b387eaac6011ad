// One pass over memory in each direction; the exponential hides behind it out of cache.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/silu_mul/silu_mul_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// (these two must come first: the rest is compiled once per target)
#include "ops/kernels.h"
#include "ops/parallel_rows.h"
#include "ops/silu_mul/silu_mul.h"
#include "ops/simd/math-inl.h"
#include "ops/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {
namespace {

template <typename T>
void silu_mul_run(const T* gate, const T* up, T* y, int64_t n) {
  const VF32 one = hn::Set(F32(), 1.0f);
  for_row(gate, n, 0, [&](VF32 g, int64_t i) {
    const VF32 silu = hn::Div(g, hn::Add(one, exp_f32(hn::Neg(g))));
    store_row(hn::Mul(silu, load_row(up, i, n)), y, i, n);
  });
}

template <typename T>
void silu_mul_backward_run(const T* gate, const T* up, const T* dy, T* dgate, T* dup, int64_t n) {
  const VF32 one = hn::Set(F32(), 1.0f);
  for_row(gate, n, 0, [&](VF32 g, int64_t i) {
    const VF32 s = sigmoid_f32(g), vdy = load_row(dy, i, n);
    if (dgate) {
      const VF32 slope = hn::Mul(s, mul_add(g, hn::Sub(one, s), one));
      store_row(hn::Mul(hn::Mul(vdy, load_row(up, i, n)), slope), dgate, i, n);
    }
    if (dup) store_row(hn::Mul(vdy, hn::Mul(g, s)), dup, i, n);
  });
}

void silu_mul_all(const SiluMulArgs& a) {
  with_float_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    cpu::parallel_rows(a.at, [&](const int64_t(&o)[3], int64_t n) {
      silu_mul_run(static_cast<const T*>(a.gate) + o[0], static_cast<const T*>(a.up) + o[1],
                   static_cast<T*>(a.y) + o[2], n);
    });
  });
}

void silu_mul_backward_all(const SiluMulBackwardArgs& a) {
  with_float_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    cpu::parallel_rows(a.at, [&](const int64_t(&o)[3], int64_t n) {
      silu_mul_backward_run(static_cast<const T*>(a.gate) + o[0],
                            static_cast<const T*>(a.up) + o[1], static_cast<const T*>(a.dy) + o[2],
                            a.dgate ? static_cast<T*>(a.dgate) + o[2] : nullptr,
                            a.dup ? static_cast<T*>(a.dup) + o[2] : nullptr, n);
    });
  });
}

}  // namespace
}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pewter {
HWY_EXPORT(silu_mul_all);
HWY_EXPORT(silu_mul_backward_all);
void cpu::silu_mul(const SiluMulArgs& args) { HWY_DYNAMIC_DISPATCH(silu_mul_all)(args); }
void cpu::silu_mul_backward(const SiluMulBackwardArgs& args) {
  HWY_DYNAMIC_DISPATCH(silu_mul_backward_all)(args);
}
}  // namespace pewter
#endif
