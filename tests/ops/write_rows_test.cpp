// A copy to rows chosen at run time: exact but for the one rounding to out's dtype.
#include "support/device_test.h"
#include "support/gradcheck.h"
#include "support/products.h"

namespace pewter::test {
namespace {

Tensor starts(const std::vector<int32_t>& first, Device device) {
  return from_values(first, {static_cast<int64_t>(first.size())}, {i32, device});
}

DEVICE_TEST(WriteRows, MatchesReference) {
  for (DType to : {f32, f16, bf16}) {
    const Tensor out = full({2, 9, 3, 4}, 7, {to, device}), expected = on_ref(out);
    const Tensor src = randn({2, 3, 3, 4}, {f32, device}), first = starts({6, 0}, device);
    write_rows_(out, src, first);
    write_rows_(expected, on_ref(src), on_ref(first));
    expect_same_bits(out, expected);
    expect_same_bits(out.slice(0, 0, 1).slice(1, 6, 9), cast(src.slice(0, 0, 1), to));
    expect_same_bits(out.slice(0, 1, 2).slice(1, 0, 3), cast(src.slice(0, 1, 2), to));
    expect_same_bits(out.slice(0, 0, 1).slice(1, 0, 6), full({1, 6, 3, 4}, 7, {to, device}));
    expect_same_bits(out.slice(0, 1, 2).slice(1, 3, 9), full({1, 6, 3, 4}, 7, {to, device}));
  }
}

DEVICE_TEST(WriteRows, OddSizes) {
  for (int64_t n = 1; n <= 40; ++n) {
    const Tensor out = zeros({1, 3, n}, {f32, device}), src = randn({1, 1, n}, {f32, device}, n);
    write_rows_(out, src, starts({2}, device));
    expect_same_bits(out.slice(1, 2, 3), src);
    expect_same_bits(out.slice(1, 0, 2), zeros({1, 2, n}, {f32, device}));
  }
  const Tensor none = zeros({1, 3, 2}, {f32, device});
  write_rows_(none, zeros({1, 0, 2}, {f32, device}), starts({3}, device));
  expect_same_bits(none, zeros({1, 3, 2}, {f32, device}));
}

DEVICE_TEST(WriteRows, ExtremeValues) {
  const Tensor out = zeros({1, 1, 4}, {f16, device});
  write_rows_(
      out,
      from_values(std::vector<float>{NAN, -INFINITY, 65520, 0x1p-25f}, {1, 1, 4}, {f32, device}),
      starts({0}, device));
  expect_same_bits(
      out, from_values(std::vector<float>{NAN, -INFINITY, INFINITY, 0}, {1, 1, 4}, {f32, device}));
}

DEVICE_TEST(WriteRows, Strided) {
  const Tensor whole = zeros({5, 2, 8}, {f32, device});
  const Tensor out = whole.transpose(0, 1).slice(2, 1, 7, 2);
  const Tensor src = randn({3, 2, 2}, {f32, device}).transpose(0, 2);
  write_rows_(out, src, starts({0, 9, 3, 9}, device).slice(0, 0, 4, 2));
  const Tensor plain = zeros({2, 5, 3}, {f32, device});
  write_rows_(plain, contiguous(src), starts({0, 3}, device));
  expect_same_bits(out, plain);
  expect_same_bits(whole.slice(2, 0, 8, 2), zeros({5, 2, 4}, {f32, device}));
}

DEVICE_TEST(WriteRows, Repeatable) {
  const Tensor src = randn({3, 40, 200}, {f32, device}), first = starts({5, 0, 60}, device);
  const Tensor out = zeros({3, 100, 200}, {bf16, device});
  write_rows_(out, src, first);
  for (int threads : {1, 2, 5}) {
    const Threads set(threads);
    const Tensor again = zeros({3, 100, 200}, {bf16, device});
    write_rows_(again, src, first);
    expect_same_bits(again, out);
  }
}

DEVICE_TEST(WriteRows, RejectsBadArguments) {
  const Tensor out = zeros({2, 4, 3}, {f32, device}), src = full({2, 2, 3}, 1, {f32, device});
  EXPECT_THROW(write_rows_(Tensor(), src, starts({0, 0}, device)), Error);
  EXPECT_THROW(write_rows_(out, src, starts({0}, device)), Error);
  EXPECT_THROW(write_rows_(out, src, zeros({2}, {f32, device})), Error);
  EXPECT_THROW(write_rows_(out, zeros({2, 2, 2}, {f32, device}), starts({0, 0}, device)), Error);
  EXPECT_THROW(write_rows_(out, on_ref(src), starts({0, 0}, device)), Error);
  const Tensor shared = zeros({1, 4, 3}, {f32, device}).expand({2, 4, 3});
  EXPECT_THROW(write_rows_(shared, src, starts({0, 0}, device)), Error);
  // The second entry is wrong: nothing of the first is written.
  for (int32_t bad : {3, -1, INT32_MAX}) {
    EXPECT_THROW(write_rows_(out, src, starts({0, bad}, device)), Error);
  }
  expect_same_bits(out, zeros({2, 4, 3}, {f32, device}));
}

}  // namespace
}  // namespace pewter::test
