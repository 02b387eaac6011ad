// The definition: every element by its index, through double.
#include "copy.h"
#include "ops/kernels.h"

namespace pewter::ref {
namespace {

// visit(x_offset, y_offset) for every element in row-major order.
template <typename Visit>
void for_each(int rank, const int64_t* sizes, const int64_t* xs, const int64_t* ys, Visit&& visit) {
  int64_t n = 1;
  for (int d = 0; d < rank; ++d) n *= sizes[d];
  for (int64_t i = 0; i < n; ++i) {
    int64_t rest = i, x = 0, y = 0;
    for (int d = rank - 1; d >= 0; --d) {
      x += rest % sizes[d] * xs[d];
      y += rest % sizes[d] * ys[d];
      rest /= sizes[d];
    }
    visit(x, y);
  }
}

void store_any(DType dtype, void* data, int64_t i, double value) {
  if (dtype == DType::i32) {
    static_cast<int32_t*>(data)[i] = to_integer<int32_t>(value);
  } else if (dtype == DType::u8) {
    static_cast<uint8_t*>(data)[i] = to_integer<uint8_t>(value);
  } else {
    store_element(dtype, data, i, value);
  }
}

double load_any(DType dtype, const void* data, int64_t i) {
  if (dtype == DType::u8) return static_cast<const uint8_t*>(data)[i];
  return load_element(dtype, data, i);
}

}  // namespace

void copy(const CopyArgs& a) {
  for_each(a.rank, a.sizes, a.x_strides, a.y_strides,
           [&](int64_t x, int64_t y) { store_any(a.to, a.y, y, load_any(a.from, a.x, x)); });
}

void fill(const FillArgs& a) {
  for_each(a.rank, a.sizes, a.strides, a.strides,
           [&](int64_t, int64_t y) { store_any(a.dtype, a.y, y, a.value); });
}

}  // namespace pewter::ref
