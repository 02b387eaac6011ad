// Dimensions that lie one behind the other are merged first, so that most copies are a few long
// rows; a row of equal dtypes and unit stride is memcpy, others a plain loop over one element type.
#include <cstring>

#include "copy.h"
#include "device/cpu/thread_pool.h"
#include "ops/kernels.h"

namespace pewter::cpu {
namespace {

// Drops sizes of 1 and merges neighbours that both operands hold contiguously.
CopyArgs merged(const CopyArgs& a) {
  CopyArgs m = a;
  m.rank = 0;
  for (int d = 0; d < a.rank; ++d) {
    if (a.sizes[d] == 1) continue;
    const int last = m.rank - 1;
    if (last >= 0 && m.x_strides[last] == a.sizes[d] * a.x_strides[d] &&
        m.y_strides[last] == a.sizes[d] * a.y_strides[d]) {
      m.sizes[last] *= a.sizes[d];
      m.x_strides[last] = a.x_strides[d];
      m.y_strides[last] = a.y_strides[d];
    } else {
      m.sizes[m.rank] = a.sizes[d];
      m.x_strides[m.rank] = a.x_strides[d];
      m.y_strides[m.rank++] = a.y_strides[d];
    }
  }
  if (m.rank == 0) {
    m.sizes[0] = 1;
    m.x_strides[0] = m.y_strides[0] = 1;
    m.rank = 1;
  }
  return m;
}

template <typename To, typename From>
To converted(From x) {
  if constexpr (std::is_same_v<To, From>) return x;
  else if constexpr (std::is_integral_v<From> && std::is_integral_v<To>) return to_integer<To>(x);
  else if constexpr (std::is_integral_v<From>) return from_float<To>(static_cast<float>(x));
  else if constexpr (std::is_integral_v<To>) return to_integer<To>(to_float(x));
  else return from_float<To>(to_float(x));
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
void copy_rows(const CopyArgs& m) {
  const int inner = m.rank - 1;
  int64_t rows = 1;
  for (int d = 0; d < inner; ++d) rows *= m.sizes[d];
  parallel_ranges(rows, 8192 / m.sizes[inner] + 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t rest = row, x = 0, y = 0;
      for (int d = inner - 1; d >= 0; --d) {
        x += rest % m.sizes[d] * m.x_strides[d];
        y += rest % m.sizes[d] * m.y_strides[d];
        rest /= m.sizes[d];
      }
      copy_row(static_cast<const From*>(m.x) + x, static_cast<To*>(m.y) + y, m.sizes[inner],
               m.x_strides[inner], m.y_strides[inner]);
    }
  });
}

}  // namespace

void copy(const CopyArgs& args) {
  const CopyArgs m = merged(args);
  with_type(m.from, [&](auto from) {
    with_type(m.to, [&](auto to) { copy_rows<decltype(to), decltype(from)>(m); });
  });
}

void fill(const FillArgs& a) {
  // A copy from one element with strides of zero.
  with_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    T value;
    if constexpr (std::is_integral_v<T>) value = to_integer<T>(a.value);
    else value = from_float<T>(static_cast<float>(a.value));
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
