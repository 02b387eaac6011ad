// A head's two halves go through registers side by side: one read and one write of x. The tables
// are made once a step for all layers, so their cosines are libm's, in double.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/rope/rope_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// (these two must come first: the rest is compiled once per target)
#include <cmath>

#include "ops/kernels.h"
#include "ops/parallel_rows.h"
#include "ops/rope/rope.h"
#include "ops/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {
namespace {

template <typename T>
void rope_head(const T* x, T* y, const float* cos, const float* sin, int64_t half, float sign) {
  const VF32 vsign = hn::Set(F32(), sign);
  for_row(x, half, 0, [&](VF32 low, int64_t i) {
    const VF32 high = load_row(x + half, i, half);
    const VF32 c = load_row(cos, i, half), s = hn::Mul(vsign, load_row(sin, i, half));
    store_row(neg_mul_add(high, s, hn::Mul(low, c)), y, i, half);
    store_row(mul_add(low, s, hn::Mul(high, c)), y + half, i, half);
  });
}

void rope_all(const RopeArgs& a) {
  with_float_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    const int64_t per_token = a.heads * 2 * a.half;
    cpu::parallel_ranges(a.tokens.numel(), cpu::kElementGrain / per_token + 1,
                         [&](int64_t begin, int64_t end) {
                           Walk<3> token(a.tokens, a.tokens.rank, begin);
                           for (int64_t t = begin; t < end; ++t, token.next()) {
                             for (int64_t h = 0; h < a.heads; ++h) {
                               rope_head(static_cast<const T*>(a.x) + token[0] + h * a.head_stride,
                                         static_cast<T*>(a.y) + t * per_token + h * 2 * a.half,
                                         a.cos + token[1], a.sin + token[2], a.half, a.sign);
                             }
                           }
                         });
  });
}

}  // namespace
}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pewter {
HWY_EXPORT(rope_all);
void cpu::rope(const RopeArgs& args) { HWY_DYNAMIC_DISPATCH(rope_all)(args); }

void cpu::rope_tables(const RopeTablesArgs& a) {
  parallel_ranges(a.tokens, 512 / a.half + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * a.half; i < end * a.half; ++i) {
      const double angle = double{a.inverse_frequency[i % a.half]} * a.positions[i / a.half];
      a.cos[i] = static_cast<float>(a.magnitude * std::cos(angle));
      a.sin[i] = static_cast<float>(a.magnitude * std::sin(angle));
    }
  });
}
}  // namespace pewter
#endif
