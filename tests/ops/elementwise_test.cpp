// One IEEE operation in f32 an element, rounded once: f32 results are the reference's to the bit,
// 16-bit ones are its f32 result rounded.
#include "support/device_test.h"
#include "support/gradcheck.h"
#include "support/products.h"

namespace pewter::test {
namespace {

using Binary = Tensor (*)(const Tensor&, const Tensor&);
constexpr Binary kBinary[] = {add, sub, mul};

void expect_matches(const Tensor& a, const Tensor& b) {
  for (Binary op : kBinary) {
    const Tensor y = op(a, b);
    EXPECT_EQ(y.device(), a.device());
    EXPECT_EQ(y.dtype(), a.dtype());
    // The reference rounds to double and then to f32, which gives what one rounding gives: 53 bits
    // are more than twice 24 and two (Figueroa 1995).
    expect_same_bits(y, cast(op(unrounded_on_ref(a), unrounded_on_ref(b)), a.dtype()));
  }
  const Tensor y = scale(a, -1.7);
  expect_same_bits(y, cast(scale(unrounded_on_ref(a), -1.7), a.dtype()));
}

DEVICE_TEST(Elementwise, MatchesReference) {
  for (DType dtype : {f32, f16, bf16}) {
    expect_matches(randn({5, 7, 300}, {dtype, device}), randn({5, 7, 300}, {dtype, device}, 1));
  }
}

// Against NumPy's rule written out: index by index, a size of 1 standing for every index.
DEVICE_TEST(Elementwise, Broadcasts) {
  const auto at = [](const Tensor& t, const std::vector<float>& values, const int64_t(&i)[3]) {
    int64_t offset = 0;
    for (int d = 0; d < t.rank(); ++d) {
      const int64_t index = i[3 - t.rank() + d];
      offset = offset * t.size(d) + (t.size(d) == 1 ? 0 : index);
    }
    return values[static_cast<size_t>(offset)];
  };
  const Shape shapes[] = {{3, 4, 5}, {4, 5}, {1, 5}, {5}, {1}, Shape(), {3, 1, 1}, {1, 4, 1}};
  for (const Shape& left : shapes) {
    for (const Shape& right : shapes) {
      const Tensor a = randn(left, {f32, device}, 1), b = randn(right, {f32, device}, 2);
      const Tensor y = sub(a, b);
      const auto va = a.to_vector<float>(), vb = b.to_vector<float>(), vy = y.to_vector<float>();
      const int64_t none[3] = {};
      size_t n = 0;
      int64_t sizes[3] = {1, 1, 1};
      for (int d = 0; d < y.rank(); ++d) sizes[3 - y.rank() + d] = y.size(d);
      ASSERT_EQ(vy.size(), static_cast<size_t>(sizes[0] * sizes[1] * sizes[2]));
      for (int64_t i = 0; i < sizes[0]; ++i) {
        for (int64_t j = 0; j < sizes[1]; ++j) {
          for (int64_t k = 0; k < sizes[2]; ++k) {
            const int64_t index[3] = {i, j, k};
            ASSERT_EQ(vy[n++], at(a, va, index) - at(b, vb, index))
                << left.to_string() << " - " << right.to_string();
          }
        }
      }
      ASSERT_EQ(at(y, vy, none), vy[0]);
    }
  }
}

DEVICE_TEST(Elementwise, OddSizes) {
  for (int64_t n = 1; n <= 70; ++n) {
    expect_matches(randn({3, n}, {f32, device}, n), randn({3, n}, {f32, device}, n + 1));
    expect_matches(randn({3, n}, {f32, device}, n), randn({n}, {f32, device}, n + 1));
    expect_matches(randn({3, n}, {bf16, device}, n), randn({3, 1}, {bf16, device}, n + 1));
  }
  const Tensor none = empty({0, 5}, {f32, device});
  EXPECT_EQ(add(none, zeros({5}, {f32, device})).shape(), (Shape{0, 5}));
  EXPECT_EQ(mul(none, zeros({1, 1}, {f32, device})).shape(), (Shape{0, 5}));
  EXPECT_EQ(scale(none, 2).numel(), 0);
  add_(none, none);
}

DEVICE_TEST(Elementwise, ExtremeValues) {
  const float inf = INFINITY;
  const std::vector<float> values = {NAN, inf,   -inf,   0,         -0.0f,
                                     1,   3e38f, -3e38f, 0x1p-149f, 0x1p-126f};
  const auto n = static_cast<int64_t>(values.size());
  for (DType dtype : {f32, f16, bf16}) {
    const Tensor a = from_values(values, {n, 1}, {dtype, device}),
                 b = from_values(values, {n}, {dtype, device});
    expect_matches(a, b);  // every pair
    expect_matches(b, b);
  }
  const Tensor zero = from_values(std::vector<float>{-0.0f}, {1}, {f32, device});
  EXPECT_TRUE(std::signbit(add(zero, zero).item<float>()));
  EXPECT_TRUE(std::signbit(scale(zero, 5).item<float>()));
}

DEVICE_TEST(Elementwise, Strided) {
  const Tensor whole = randn({9, 8, 10}, {f32, device}, 2);
  const Tensor other = randn({9, 8, 10}, {f32, device}, 1);
  const auto expect_same = [](const Tensor& a, const Tensor& b) {
    for (Binary op : kBinary) expect_same_bits(op(a, b), op(contiguous(a), contiguous(b)));
    expect_same_bits(scale(a, 0.3), scale(contiguous(a), 0.3));
    const Tensor sum_in_place = contiguous(a.transpose(0, 1)).transpose(0, 1);
    add_(sum_in_place, b.expand(a.shape()));
    expect_same_bits(sum_in_place, add(a, b));
  };
  expect_same(whole.transpose(0, 2), other.transpose(0, 2));
  expect_same(whole.transpose(0, 2), contiguous(other.transpose(0, 2)));
  expect_same(whole.slice(1, 1, 8, 3), other.slice(1, 0, 3));
  expect_same(whole.slice(2, 4, 5), other.slice(2, 0, 1));
  expect_same(whole.slice(2, 0, 10, 2), other.slice(0, 3, 4).slice(2, 1, 10, 2));
}

DEVICE_TEST(Elementwise, Repeatable) {
  const Tensor a = randn({130, 1003}, {f32, device}), b = randn({1003}, {f32, device}, 1);
  for (Binary op : kBinary) {
    const Tensor y = op(a, b);
    for (int threads : {1, 2, 5}) {
      const Threads set(threads);
      expect_same_bits(op(a, b), y);
    }
    expect_same_bits(op(a.slice(0, 63, 64), b), y.slice(0, 63, 64));
  }
}

DEVICE_TEST(Elementwise, GradientMatchesFiniteDifference) {
  const auto leaf = [&](const Shape& shape, uint64_t seed) {
    Tensor x = randn(shape, {f32, device}, seed);
    x.set_requires_grad();
    return x;
  };
  const std::pair<Shape, Shape> shapes[] = {
      {{3, 17}, {3, 17}}, {{4, 1, 6}, {5, 6}}, {{7}, {2, 1}}, {{2, 3}, {1}}, {Shape(), {5}}};
  for (const auto& [left, right] : shapes) {
    for (Binary op : kBinary) {
      expect_gradients([op](const auto& in) { return op(in[0], in[1]); },
                       {leaf(left, 1), leaf(right, 2)}, device, 8);
    }
  }
  expect_gradients([](const auto& in) { return scale(in[0], -2.5); }, {leaf({3, 7}, 1)}, device, 2);
  // One operand alone, and the same tensor as both.
  expect_gradients([](const auto& in) { return mul(in[0], in[1]); },
                   {leaf({3, 4}, 1), randn({4}, {f32, device}, 2)}, device, 4);
  expect_gradients([](const auto& in) { return mul(in[0], in[0]); }, {leaf({3, 4}, 1)}, device, 4);
}

DEVICE_TEST(Elementwise, RejectsBadArguments) {
  const auto code = [](const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& e) {
      return std::string(to_string(e.code()));
    }
    return std::string("none");
  };
  const Tensor x = zeros({3, 4}, {f32, device}), whole = zeros({3, 4}, {i32, device});
  for (Binary op : kBinary) {
    EXPECT_EQ(code([&] { op(Tensor(), x); }), "argument");
    EXPECT_EQ(code([&] { op(x, Tensor()); }), "argument");
    EXPECT_EQ(code([&] { op(x, zeros({3}, {f32, device})); }), "shape");
    EXPECT_EQ(code([&] { op(x, zeros({0, 4}, {f32, device})); }), "shape");
    EXPECT_EQ(code([&] { op(x, zeros({4}, {f16, device})); }), "dtype");
    EXPECT_EQ(code([&] { op(whole, whole); }), "dtype");
    EXPECT_EQ(code([&] { op(x, on_ref(x)); }), "device");
  }
  EXPECT_EQ(code([&] { scale(Tensor(), 1); }), "argument");
  EXPECT_EQ(code([&] { scale(whole, 1); }), "dtype");
  EXPECT_EQ(code([&] { add_(x, zeros({4}, {f32, device})); }), "shape");
  EXPECT_EQ(code([&] { add_(x, zeros({3, 4}, {bf16, device})); }), "dtype");
  EXPECT_EQ(code([&] { add_(x, Tensor()); }), "argument");
  EXPECT_EQ(code([&] { add_(zeros({4}, {f32, device}).expand({3, 4}), x); }), "argument");
  const Tensor none = zeros({3, 0}, {f32, device});
  EXPECT_EQ(code([&] { add_(none, none); }), "none");
  EXPECT_EQ(code([&] { add_(x, on_ref(x)); }), "device");
  try {
    sub(x, zeros({3}, {f32, device}));
    FAIL() << "expected an error";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "[sub] [3, 4] and [3] do not broadcast together");
  }
}

}  // namespace
}  // namespace pewter::test
