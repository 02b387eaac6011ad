// Comparing with the reference. A tolerance is always built from what bounds the error: the unit
// roundoff of the dtype, the number of roundings on the way, and the size of the terms summed.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "pewter/ops.h"

namespace pewter::test {

// Half the distance from 1 to the next number: the largest relative error of one rounding.
inline double unit_roundoff(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return 0x1p-11;
    case DType::bf16:
      return 0x1p-8;
    default:
      return 0x1p-24;
  }
}

// Smallest positive normal: below it rounding is absolute, not relative.
inline double smallest_normal(DType dtype) { return dtype == DType::f16 ? 0x1p-14 : 0x1p-126; }

// What `roundings` f32 operations on terms of total magnitude `magnitude`, then one rounding of
// `value` to `dtype`, may be off by.
inline double rounding_bound(DType dtype, double roundings, double magnitude, double value) {
  return roundings * 0x1p-24 * magnitude + unit_roundoff(dtype) * std::abs(value) * 1.01 +
         unit_roundoff(dtype) * smallest_normal(dtype);
}

// Where two tensors of one shape differ by more than bound(i, expected[i]); equal infinities and
// NaNs match.
struct Difference {
  size_t bad = 0, worst = 0;  // how many elements; which of them most
  double actual = 0, expected = 0, bound = 0;
};

template <typename Bound>
Difference difference(const Tensor& actual, const Tensor& expected, Bound&& bound) {
  const auto a = actual.to_vector<double>(), e = expected.to_vector<double>();
  Difference d;
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == e[i] || (std::isnan(a[i]) && std::isnan(e[i]))) continue;
    const double allowed = bound(i, e[i]), excess = std::abs(a[i] - e[i]) / allowed;
    if (excess <= 1) continue;
    ++d.bad;
    if (std::isnan(excess) || excess > most) {
      most = excess;
      d = {d.bad, i, a[i], e[i], allowed};
    }
  }
  return d;
}

// Notes that the running test is about `dtype`; tools/support_matrix.py reads it from the test's
// XML. Comparing does it for the dtype compared, random_blocks() for quantised operands.
inline void covers(DType dtype) {
  ::testing::Test::RecordProperty("dtype_" + std::string(to_string(dtype)), 1);
}

// Element by element |actual - expected| <= bound(i, expected). Reports the worst offender.
template <typename Bound>
void expect_close(const Tensor& actual, const Tensor& expected, Bound&& bound) {
  ASSERT_EQ(actual.shape().to_string(), expected.shape().to_string());
  if (actual.device().kind() != DeviceKind::ref) covers(actual.dtype());
  const Difference d = difference(actual, expected, bound);
  EXPECT_EQ(d.bad, 0u) << "worst: element " << d.worst << " is " << d.actual << ", reference "
                       << d.expected << ", bound " << d.bound;
}

// The same bits, NaN payloads aside (0 and -0 differ). Of two dtypes, the same numbers.
inline void expect_same_bits(const Tensor& a, const Tensor& b) {
  expect_close(a, b, [](size_t, double) { return 0.0; });
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();  // exact for every dtype
  size_t signs = 0, first = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] != 0 || y[i] != 0 || std::signbit(x[i]) == std::signbit(y[i])) continue;
    if (signs++ == 0) first = i;
  }
  EXPECT_EQ(signs, 0u) << "elements are 0 in one and -0 in the other; the first is " << first;
}

// What the Error that `call` must throw says; it must have this code.
inline std::string message_of(ErrorCode code, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

// What `call` fails with, "none" if it does not.
template <typename Call>
std::string code_of(Call&& call) {
  try {
    call();
  } catch (const Error& e) {
    return std::string(to_string(e.code()));
  }
  return "none";
}

// The same numbers on another device.
inline Tensor on_ref(const Tensor& t) {
  Tensor c = to_device(t, Device(DeviceKind::ref));
  return c;
}

// The same numbers there, kept in f32: a 16-bit result must be held to a reference that was not
// itself rounded to 16 bits, or the two may differ by a whole unit while both are right.
inline Tensor unrounded_on_ref(const Tensor& t) { return cast(on_ref(t), f32); }

}  // namespace pewter::test
