// Copies, conversions and views: every result is exact, so each is compared to the bit.
#include "ops/copy/copy.h"

#include "support/device_test.h"
#include "support/gradcheck.h"
#include "support/products.h"

namespace pewter::test {
namespace {

constexpr DType kPlain[] = {f32, f16, bf16, i32, DType::u8};

// Small whole numbers, which every plain dtype holds exactly.
Tensor numbers(const Shape& shape, DType dtype, Device device) {
  std::vector<int32_t> values(static_cast<size_t>(shape.numel()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int32_t>(i * 37 % 101);
  return cast(from_values(values, shape, {i32, device}), dtype);
}

std::string name(ErrorCode code) { return std::string(to_string(code)); }

DEVICE_TEST(Copy, MatchesReference) {
  for (DType from : kPlain) {
    for (DType to : kPlain) {
      const Tensor x = is_floating(from) && is_floating(to) ? randn({3, 5, 300}, {from, device})
                                                            : numbers({3, 5, 300}, from, device);
      const Tensor y = cast(x, to);
      EXPECT_EQ(y.dtype(), to);
      EXPECT_EQ(y.device(), device);
      expect_same_bits(y, cast(on_ref(x), to));
    }
  }
  const Tensor filled = full({3, 70}, 2.7, {i32, device});
  expect_same_bits(filled, full({3, 70}, 2, {f32, device}));
}

// Through host memory, to the device and back, nothing changes: blocks of quantised dtypes too.
DEVICE_TEST(Copy, ToDeviceKeepsTheBits) {
  const Device host(DeviceKind::ref);
  for (DType dtype : kPlain) {
    const Tensor x = numbers({4, 9}, dtype, device).transpose(0, 1);
    expect_same_bits(to_device(to_device(x, host), device), x);
  }
  for (DType dtype : kQuantised) {
    const auto bytes = random_block_bytes(dtype, 512, 3);
    const Tensor there = to_device(from_bytes(bytes, {2, 256}, {dtype, host}), device);
    const Tensor back = to_device(there, host);
    EXPECT_EQ(std::memcmp(back.data(), bytes.data(), bytes.size()), 0);
  }
}

DEVICE_TEST(Copy, OddSizes) {
  for (int64_t n = 0; n <= 70; ++n) {
    const Tensor x = randn({3, n}, {f32, device}, n);
    for (DType dtype : {f32, f16, bf16}) {
      expect_same_bits(cast(x, dtype), cast(on_ref(x), dtype));
      expect_same_bits(contiguous(x.transpose(0, 1)), x.transpose(0, 1));
    }
  }
  const Tensor scalar = full(Shape(), 3, {f32, device});
  EXPECT_EQ(cast(scalar, i32).item<int32_t>(), 3);
  fill_(empty({0, 4}, {f32, device}), 1);
}

DEVICE_TEST(Copy, ExtremeValues) {
  const float inf = INFINITY;
  const std::vector<float> values = {NAN,       -inf,         inf,          0,       -0.0f,
                                     65504,     65520,        65519,        -65520,  0x1p-24f,
                                     0x1p-25f,  0x1.8p-25f,   1e38f,        3.4e38f, -3.4e38f,
                                     0x1p-140f, 1 + 0x1p-11f, 1 + 0x1.8p-8f};
  const auto n = static_cast<int64_t>(values.size());
  const Tensor x = from_values(values, {n}, {f32, device});
  for (DType dtype : {f16, bf16}) {
    expect_same_bits(cast(x, dtype), from_values(values, {n}, {dtype, device}));
    expect_same_bits(cast(x, dtype), cast(on_ref(x), dtype));
  }
  EXPECT_TRUE(std::signbit(cast(x, f16).to_vector<float>()[4]));
}

// Integers: towards zero; what does not fit is the nearest that does; NaN is 0.
DEVICE_TEST(Copy, IntegersSaturate) {
  const std::vector<float> values = {NAN, -INFINITY, INFINITY, 3e9f, -3e9f, 2.9f, -2.9f, 255.5f};
  const std::vector<int32_t> as_i32 = {0, INT32_MIN, INT32_MAX, INT32_MAX, INT32_MIN, 2, -2, 255};
  const std::vector<int32_t> as_u8 = {0, 0, 255, 255, 0, 2, 0, 255};
  const Tensor x = from_values(values, {8}, {f32, device});
  for (const Tensor& from : {x, on_ref(x)}) {
    EXPECT_EQ(cast(from, i32).to_vector<int32_t>(), as_i32);
    EXPECT_EQ(cast(from, DType::u8).to_vector<int32_t>(), as_u8);
    EXPECT_EQ(cast(cast(from, i32), DType::u8).to_vector<int32_t>(), as_u8);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(full({1}, values[i], {i32, device}).item<int32_t>(), as_i32[i]);
    EXPECT_EQ(full({1}, values[i], {DType::u8, device}).item<int32_t>(), as_u8[i]);
  }
}

DEVICE_TEST(Copy, Strided) {
  const Tensor whole = numbers({6, 7, 8}, f32, device);
  const Tensor views[] = {whole.transpose(0, 2), whole.slice(1, 1, 6, 2),
                          whole.slice(2, 3, 4).transpose(0, 1),
                          whole.slice(0, 2, 3).expand({4, 7, 8}),
                          whole.slice(2, 1, 8, 3).slice(0, 1, 6, 2).transpose(1, 2)};
  for (const Tensor& x : views) {
    const Tensor plain = from_values(x.to_vector<float>(), x.shape(), {f32, device});
    EXPECT_TRUE(contiguous(x).is_contiguous());
    expect_same_bits(contiguous(x), plain);
    expect_same_bits(cast(x, bf16), cast(plain, bf16));
    // Written through a view, the elements between stay as they were.
    const Tensor around = full({9, 9, 9}, -1, {f32, device});
    const Tensor out = around.transpose(0, 2)
                           .slice(0, 1, 1 + x.size(0))
                           .slice(1, 0, x.size(1))
                           .slice(2, 1, 1 + x.size(2));
    copy_(out, x);
    expect_same_bits(out, plain);
    const auto sum_of = [](const Tensor& t) { return sum(t).item<float>(); };
    EXPECT_EQ(sum_of(around) - sum_of(plain), -static_cast<float>(9 * 9 * 9 - x.numel()));
    fill_(out, -1);
    expect_same_bits(around, full({9, 9, 9}, -1, {f32, device}));
  }
}

DEVICE_TEST(Copy, Repeatable) {
  const Tensor x = randn({301, 700}, {f32, device}).transpose(0, 1);
  const Tensor y = cast(x, f16);
  for (int threads : {1, 2, 5}) {
    const Threads set(threads);
    expect_same_bits(cast(x, f16), y);
  }
  EXPECT_TRUE(same_tensor(contiguous(y), y));
  EXPECT_TRUE(same_tensor(cast(y, f16), y));
}

// The gradient of every view and copy is the way back, exactly.
DEVICE_TEST(Copy, GradientMatchesFiniteDifference) {
  const auto leaf = [&](const Shape& shape) {
    Tensor x = randn(shape, {f32, device}, 4);
    x.set_requires_grad();
    return x;
  };
  expect_gradients([](const auto& in) { return contiguous(in[0].transpose(0, 1)); }, {leaf({3, 5})},
                   device, 2);
  expect_gradients([](const auto& in) { return in[0].slice(1, 1, 7, 2).slice(0, 1, 3); },
                   {leaf({4, 7})}, device, 2);
  expect_gradients(
      [](const auto& in) {
        return in[0].reshape({2, -1}).transpose(0, 1);
      },
      {leaf({3, 4})}, device, 2);
  // Casts round the gradient too, and only once.
  const Tensor x = leaf({40}), g = cast(randn({40}, {f32, device}, 9), bf16);
  backward(cast(x, bf16), g);
  expect_same_bits(x.grad(), g);
  EXPECT_EQ(x.grad().dtype(), f32);
  EXPECT_FALSE(cast(x, i32).requires_grad());
}

DEVICE_TEST(Copy, RejectsBadArguments) {
  const Tensor x = zeros({2, 3}, {f32, device});
  const Tensor w = random_blocks({2, 32}, DType::q4_0, device);
  const std::string argument = name(ErrorCode::argument), shape = name(ErrorCode::shape),
                    dtype = name(ErrorCode::dtype), wrong_device = name(ErrorCode::device);
  EXPECT_EQ(code_of([&] { copy_(Tensor(), x); }), argument);
  EXPECT_EQ(code_of([&] { copy_(x, Tensor()); }), argument);
  EXPECT_EQ(code_of([&] { copy_(x, zeros({3, 2}, {f32, device})); }), shape);
  EXPECT_EQ(code_of([&] { copy_(x, on_ref(x)); }), wrong_device);
  EXPECT_EQ(code_of([&] { copy_(w, w); }), dtype);
  const Tensor shared = zeros({1, 3}, {f32, device}).expand({2, 3});
  EXPECT_EQ(code_of([&] { copy_(shared, x); }), argument);
  EXPECT_EQ(code_of([&] { fill_(shared, 1); }), argument);
  EXPECT_EQ(code_of([&] { fill_(shared.slice(0, 0, 1), 1); }), "none");
  EXPECT_EQ(code_of([&] { fill_(Tensor(), 1); }), argument);
  EXPECT_EQ(code_of([&] { fill_(w, 1); }), dtype);
  EXPECT_EQ(code_of([&] { cast(Tensor(), f16); }), argument);
  EXPECT_EQ(code_of([&] { cast(x, DType::q4_0); }), dtype);
  EXPECT_EQ(code_of([&] { contiguous(Tensor()); }), argument);
  EXPECT_EQ(code_of([&] { to_device(Tensor(), device); }), argument);
  EXPECT_EQ(code_of([&] { x.slice(2, 0, 1); }), shape);
  EXPECT_EQ(code_of([&] { x.slice(0, 0, 3); }), shape);
  EXPECT_EQ(code_of([&] { x.slice(0, 2, 1); }), shape);
  EXPECT_EQ(code_of([&] { x.slice(0, -1, 1); }), shape);
  EXPECT_EQ(code_of([&] { x.slice(0, 0, 1, 0); }), shape);
  EXPECT_EQ(code_of([&] { w.slice(0, 0, 1); }), dtype);
  EXPECT_EQ(code_of([&] { x.expand({2, 4}); }), shape);
  EXPECT_EQ(code_of([&] { x.expand({3}); }), shape);
  EXPECT_EQ(code_of([&] { w.expand({2, 32}); }), dtype);
  Tensor leaf = zeros({1}, {f32, device});
  leaf.set_requires_grad();
  EXPECT_EQ(code_of([&] { leaf.expand({3}); }), argument);
}

}  // namespace
}  // namespace pewter::test
