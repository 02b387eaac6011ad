// Rows whose operands are contiguous or constant run as vectors; any other stride is a plain loop.
// Both do one IEEE operation an element, so an element's bits do not tell which it was.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/elementwise/elementwise_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// (these two must come first: the rest is compiled once per target)
#include "ops/elementwise/elementwise.h"
#include "ops/kernels.h"
#include "ops/parallel_rows.h"
#include "ops/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {
namespace {

struct Add {
  HWY_INLINE VF32 operator()(VF32 a, VF32 b) const { return hn::Add(a, b); }
  HWY_INLINE float operator()(float a, float b) const { return a + b; }
};
struct Sub {
  HWY_INLINE VF32 operator()(VF32 a, VF32 b) const { return hn::Sub(a, b); }
  HWY_INLINE float operator()(float a, float b) const { return a - b; }
};
struct Mul {
  HWY_INLINE VF32 operator()(VF32 a, VF32 b) const { return hn::Mul(a, b); }
  HWY_INLINE float operator()(float a, float b) const { return a * b; }
};
struct Scale {
  float factor;
  HWY_INLINE VF32 operator()(VF32 a, VF32) const { return hn::Mul(a, hn::Set(F32(), factor)); }
  HWY_INLINE float operator()(float a, float) const { return a * factor; }
};

template <typename T, typename Op>
void elementwise_row(const T* a, const T* b, T* y, int64_t n, int64_t as, int64_t bs, int64_t ys,
                     Op op) {
  const auto constant = [](const T* p) { return hn::Set(F32(), to_float(*p)); };
  if (ys == 1 && as == 1 && bs == 1) {
    for_row(a, n, 0, [&](VF32 va, int64_t i) { store_row(op(va, load_row(b, i, n)), y, i, n); });
  } else if (ys == 1 && as == 1 && bs == 0) {
    const VF32 vb = constant(b);
    for_row(a, n, 0, [&](VF32 va, int64_t i) { store_row(op(va, vb), y, i, n); });
  } else if (ys == 1 && as == 0 && bs == 1) {
    const VF32 va = constant(a);
    for_row(b, n, 0, [&](VF32 vb, int64_t i) { store_row(op(va, vb), y, i, n); });
  } else {
    for (int64_t i = 0; i < n; ++i) {
      y[i * ys] = from_float<T>(op(to_float(a[i * as]), to_float(b[i * bs])));
    }
  }
}

template <typename T, typename Op>
void elementwise_rows(const ElementwiseArgs& args, Op op) {
  const Strided<3>& at = args.at;
  const auto* a = static_cast<const T*>(args.a);
  const auto* b = static_cast<const T*>(args.b);
  auto* y = static_cast<T*>(args.y);
  const int64_t as = at.row_stride(0), bs = at.row_stride(1), ys = at.row_stride(2);
  cpu::parallel_rows(at, [&](const int64_t(&o)[3], int64_t n) {
    elementwise_row(a + o[0], b + o[1], y + o[2], n, as, bs, ys, op);
  });
}

void elementwise_all(const ElementwiseArgs& args) {
  with_float_type(args.dtype, [&](auto type) {
    using T = decltype(type);
    switch (args.op) {
      case ElementwiseOp::add:
        return elementwise_rows<T>(args, Add());
      case ElementwiseOp::sub:
        return elementwise_rows<T>(args, Sub());
      case ElementwiseOp::mul:
        return elementwise_rows<T>(args, Mul());
      case ElementwiseOp::scale:
        return elementwise_rows<T>(args, Scale{args.factor});
    }
  });
}

}  // namespace
}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pewter {
HWY_EXPORT(elementwise_all);
void cpu::elementwise(const ElementwiseArgs& args) { HWY_DYNAMIC_DISPATCH(elementwise_all)(args); }
}  // namespace pewter
#endif
