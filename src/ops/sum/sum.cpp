#include "sum.h"

#include "ops/kernels.h"

namespace pewter {
namespace {

constexpr Kernels<SumArgs> kSum{"sum", cpu::sum, ref::sum};

// Runs over a's index space; dimensions where `y` has size 1 (or none) and a more are summed.
void run_sum(const Tensor& a, const Tensor& b, const Tensor& y) {
  if (y.numel() == 0) return;
  SumArgs args{a.data(), b.defined() ? b.data() : nullptr, y.data(), a.dtype(), y.dtype(), {}, {},
               1};
  for (int i = a.rank(); i >= 1; --i) {
    const bool b_has = b.defined() && i <= b.rank() && b.size(-i) != 1;
    const int64_t strides[2] = {a.strides()[-i], b_has ? b.strides()[-i] : 0};
    const bool kept = i <= y.rank() && y.size(-i) == a.size(-i);
    (kept ? args.kept : args.summed).push(a.size(-i), strides);
    if (!kept) args.terms *= a.size(-i);
  }
  run(kSum, y.device(), args);
}

}  // namespace

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  Tensor y = empty(shape, {x.dtype(), x.device()});
  run_sum(x, {}, y);
  return y;
}

Tensor product_sum_to(const Tensor& a, const Tensor& b, const Shape& shape) {
  if (a.shape() == shape) return mul(a, b);
  Tensor y = empty(shape, {a.dtype(), a.device()});
  run_sum(a, b, y);
  return y;
}

Tensor sum(const Tensor& x) {
  check_floating("sum", "x", x);
  Tensor y = empty({1}, {f32, x.device()});
  run_sum(x, {}, y.reshape(Shape()));
  if (!wants_grad({x})) return y;
  record(y, "sum", {x}, [shape = x.shape(), dtype = x.dtype()](const Tensor& g) {
    return std::vector{cast(contiguous(g.reshape(Shape()).expand(shape)), dtype)};
  });
  return y;
}

}  // namespace pewter
