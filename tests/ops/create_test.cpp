// New tensors: values arrive as they are given, rounded to nearest even where the dtype is
// narrower.
#include "support/device_test.h"
#include "support/gradcheck.h"
#include "support/products.h"

namespace pewter::test {
namespace {

template <typename T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

DEVICE_TEST(Create, MatchesReference) {
  const Device ref(DeviceKind::ref);
  const auto values = randn({4099}, {f32, ref}).to_vector<float>();
  for (DType dtype : {f32, f16, bf16}) {
    const Tensor x = from_values(values, {4099}, {dtype, device});
    EXPECT_EQ(x.device(), device);
    EXPECT_EQ(x.dtype(), dtype);
    EXPECT_TRUE(x.is_contiguous());
    expect_same_bits(x, from_values(values, {4099}, {dtype, ref}));
    expect_same_bits(x, cast(from_values(values, {4099}, {f32, device}), dtype));
    expect_same_bits(zeros({3, 5}, {dtype, device}), zeros({3, 5}, {dtype, ref}));
    expect_same_bits(full({3, 5}, 0.1, {dtype, device}), full({3, 5}, 0.1, {dtype, ref}));
  }
  covers(i32), covers(DType::u8);
  const std::vector<int32_t> whole = {INT32_MIN, -1, 0, 1, INT32_MAX};
  EXPECT_EQ(from_values(whole, {5}, {i32, device}).to_vector<int32_t>(), whole);
  const std::vector<uint8_t> small = {0, 1, 127, 128, 255};
  EXPECT_EQ(from_bytes(bytes_of(small), {5}, {DType::u8, device}).to_vector<uint8_t>(), small);
  for (DType dtype : kQuantised) {
    const auto blocks = random_block_bytes(dtype, 3 * 256, 1);
    const Tensor there = from_bytes(blocks, {3, 256}, {dtype, device});
    const Tensor expected = cast(from_bytes(blocks, {3, 256}, {dtype, ref}), f32);
    expect_same_bits(cast(there, f32), expected);
  }
}

DEVICE_TEST(Create, OddSizes) {
  for (int64_t n = 0; n <= 40; ++n) {
    const std::vector<float> values(static_cast<size_t>(3 * n), 2.5f);
    expect_same_bits(from_values(values, {3, n}, {f32, device}), full({3, n}, 2.5, {f32, device}));
  }
  EXPECT_EQ(full(Shape(), 7, {f32, device}).item<float>(), 7);
  EXPECT_EQ(zeros({1, 1, 1, 1, 1, 1}, {f32, device}).rank(), kMaxRank);
  EXPECT_EQ(empty({0}, {f32, device}).numel(), 0);
}

DEVICE_TEST(Create, ExtremeValues) {
  const std::vector<float> values = {NAN, INFINITY, -INFINITY, -0.0f, 0x1p-149f, 3.4e38f};
  const auto back = from_values(values, {6}, {f32, device}).to_vector<float>();
  EXPECT_EQ(std::memcmp(back.data(), values.data(), 6 * sizeof(float)), 0);
  const auto half = from_values(values, {6}, {f16, device}).to_vector<float>();
  EXPECT_TRUE(std::isnan(half[0]));
  EXPECT_TRUE(std::signbit(half[3]));
  EXPECT_EQ(half[5], INFINITY);
  EXPECT_TRUE(std::isinf(full({1}, 1e300, {f32, device}).item<float>()));
  EXPECT_TRUE(std::isnan(full({1}, NAN, {bf16, device}).item<float>()));
}

DEVICE_TEST(Create, Repeatable) {
  const Tensor a = full({1000}, 3, {f32, device});
  const void* memory = a.data();
  const Tensor b = full({1000}, 4, {f32, device});
  EXPECT_NE(b.data(), memory);
  expect_same_bits(a, full({1000}, 3, {f32, device}));
}

DEVICE_TEST(Create, RejectsBadArguments) {
  const auto expect_error = [](ErrorCode code, const std::string& told,
                               const std::function<void()>& call) {
    try {
      call();
      ADD_FAILURE() << "nothing was thrown: " << told;
    } catch (const Error& e) {
      EXPECT_EQ(to_string(e.code()), to_string(code)) << e.what();
      EXPECT_NE(std::string(e.what()).find(told), std::string::npos) << e.what();
    }
  };
  const std::vector<float> six(6), none;
  const std::vector<int32_t> whole(6);
  const auto shape = ErrorCode::shape, dtype = ErrorCode::dtype;
  expect_error(shape, "-3", [&] { empty({2, -3}, {f32, device}); });
  expect_error(shape, "2^63", [&] { empty({int64_t{1} << 40, int64_t{1} << 40}, {f32, device}); });
  expect_error(shape, "2^63 bytes", [&] { empty({int64_t{1} << 62}, {f32, device}); });
  expect_error(shape, "32", [&] { empty({1, 33}, {DType::q4_0, device}); });
  expect_error(shape, "rank 7", [&] { Shape{1, 1, 1, 1, 1, 1, 1}; });
  expect_error(shape, "[5]", [&] { from_values(six, {5}, {f32, device}); });
  expect_error(shape, "[7]", [&] { from_values(six, {7}, {f16, device}); });
  expect_error(shape, "[7]", [&] { from_values(whole, {7}, {i32, device}); });
  expect_error(shape, "24 bytes", [&] { from_bytes(bytes_of(six), {5}, {f32, device}); });
  expect_error(dtype, "i32", [&] { from_values(six, {6}, {i32, device}); });
  expect_error(dtype, "i32", [&] { from_values(none, {0}, {i32, device}); });
  expect_error(dtype, "q8_0", [&] { from_values(six, {6}, {DType::q8_0, device}); });
  expect_error(dtype, "f32", [&] { from_values(whole, {6}, {f32, device}); });
  expect_error(ErrorCode::out_of_memory, std::to_string(int64_t{1} << 60), [&] {
    empty({int64_t{1} << 58}, {f32, device});
  });
}

}  // namespace
}  // namespace pewter::test
