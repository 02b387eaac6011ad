// Dimensions that lie one behind the other are merged first, so that most copies are a few long
// rows; a row of equal dtypes and unit stride is memcpy, others a plain loop over one element type.
#include <cstring>

#include "copy.h"
#include "ops/kernels.h"
#include "ops/parallel_rows.h"

namespace pewter::cpu {
namespace {

template <typename To, typename From>
To converted(From x) {
  if constexpr (std::is_same_v<To, From>)
    return x;
  else if constexpr (std::is_integral_v<From> && std::is_integral_v<To>)
    return to_integer<To>(x);
  else if constexpr (std::is_integral_v<From>)
    return from_float<To>(static_cast<float>(x));
  else if constexpr (std::is_integral_v<To>)
    return to_integer<To>(to_float(x));
  else
    return from_float<To>(to_float(x));
}

template <typename Fn>
void with_type(DType dtype, Fn&& fn) {
  if (dtype == DType::i32) return fn(int32_t{});
  if (dtype == DType::u8) return fn(uint8_t{});
  with_float_type(dtype, fn);
}

template <typename To, typename From>
void copy_row(const From* x, To* y, int64_t n, int64_t xs, int64_t ys) {
  if (std::is_same_v<To, From> && xs == 1 && ys == 1) {
    std::memcpy(static_cast<void*>(y), x, static_cast<size_t>(n) * sizeof(From));
    return;
  }
  for (int64_t i = 0; i < n; ++i) y[i * ys] = converted<To>(x[i * xs]);
}

template <typename To, typename From>
void copy_rows(const CopyArgs& a, const Strided<2>& at) {
  const auto* x = static_cast<const From*>(a.x);
  auto* y = static_cast<To*>(a.y);
  parallel_rows(at, [&](const int64_t(&o)[2], int64_t n) {
    copy_row(x + o[0], y + o[1], n, at.row_stride(0), at.row_stride(1));
  });
}

}  // namespace

void copy(const CopyArgs& a) {
  Strided<2> at;
  for (int d = 0; d < a.rank; ++d) at.push(a.sizes[d], {a.x_strides[d], a.y_strides[d]});
  with_type(a.from, [&](auto from) {
    with_type(a.to, [&](auto to) { copy_rows<decltype(to), decltype(from)>(a, at); });
  });
}

void fill(const FillArgs& a) {
  // A copy from one element with strides of zero.
  with_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    T value;
    if constexpr (std::is_integral_v<T>)
      value = to_integer<T>(a.value);
    else
      value = from_float<T>(static_cast<float>(a.value));
    CopyArgs c{&value, a.y, a.dtype, a.dtype, a.rank, {}, {}, {}};
    for (int d = 0; d < a.rank; ++d) {
      if (a.sizes[d] == 0) return;
      c.sizes[d] = a.sizes[d];
      c.y_strides[d] = a.strides[d];
    }
    copy(c);
  });
}

}  // namespace pewter::cpu
