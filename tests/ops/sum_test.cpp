// The bound is the contract of src/ops/sum/sum.h: (1024 + 2) roundings of the terms' magnitude,
// then one to the dtype. Sums over broadcast dimensions are what backward passes are made of.
#include "ops/sum/sum.h"

#include "support/device_test.h"
#include "support/gradcheck.h"
#include "support/products.h"

namespace pewter::test {
namespace {

constexpr double kRoundings = 1024 + 2;

void expect_sum_to(const Tensor& x, const Shape& shape) {
  const Tensor y = sum_to(x, shape);
  EXPECT_EQ(y.device(), x.device());
  EXPECT_EQ(y.dtype(), x.dtype());
  const auto sizes = sum_to(magnitude(x), shape).to_vector<double>();
  expect_close(y, sum_to(unrounded_on_ref(x), shape), [&](size_t i, double e) {
    return rounding_bound(x.dtype(), kRoundings, sizes[i], 2 * e);
  });
}

void expect_sum(const Tensor& x) {
  const Tensor y = sum(x);
  EXPECT_EQ(y.shape(), Shape{1});
  EXPECT_EQ(y.dtype(), f32);
  const double size = sum(magnitude(x)).item<double>();
  expect_close(y, sum(on_ref(x)),
               [&](size_t, double e) { return rounding_bound(f32, kRoundings, size, 2 * e); });
}

DEVICE_TEST(Sum, MatchesReference) {
  for (DType dtype : {f32, f16, bf16}) {
    const Tensor x = randn({6, 70, 90}, {dtype, device});
    expect_sum(x);
    for (const Shape& shape : {Shape{90}, Shape{1, 90}, Shape{70, 90}, Shape{6, 1, 90},
                               Shape{6, 70, 1}, Shape{6, 1, 1}, Shape{70, 1}, Shape{1}, Shape()}) {
      SCOPED_TRACE(shape.to_string());
      expect_sum_to(x, shape);
    }
  }
}

DEVICE_TEST(Sum, ProductsMatchReference) {
  for (DType dtype : {f32, f16, bf16}) {
    const Tensor a = randn({6, 70, 90}, {dtype, device}, 1);
    for (const Shape& right : {Shape{6, 70, 90}, Shape{90}, Shape{70, 1}, Shape{6, 1, 90}}) {
      const Tensor b = randn(right, {dtype, device}, 2);
      for (const Shape& shape : {Shape{90}, Shape{6, 70, 1}, Shape{70, 90}, Shape{1}}) {
        SCOPED_TRACE(right.to_string() + " to " + shape.to_string());
        const auto sizes = product_sum_to(magnitude(a), magnitude(b), shape).to_vector<double>();
        expect_close(
            product_sum_to(a, b, shape),
            product_sum_to(unrounded_on_ref(a), unrounded_on_ref(b), shape),
            [&](size_t i, double e) { return rounding_bound(dtype, kRoundings, sizes[i], 2 * e); });
      }
    }
  }
}

// Whole numbers below 2^24 in all: every order gives the exact sum, so each term counts once.
DEVICE_TEST(Sum, OddSizes) {
  const auto counted = [&](int64_t rows, int64_t n) {
    std::vector<float> values(static_cast<size_t>(rows * n));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 7 % 5 + 1);
    return from_values(values, {rows, n}, {f32, device});
  };
  for (int64_t n = 0; n <= 70; ++n) {
    const Tensor x = counted(3, n);
    expect_same_bits(sum(x), sum(on_ref(x)));
    expect_same_bits(sum_to(x, {n}), sum_to(on_ref(x), {n}));
    expect_same_bits(sum_to(x, {3, 1}), sum_to(on_ref(x), {3, 1}));
  }
  for (int64_t n : {1023, 1024, 1025, 65535, 65536, 65537, 300001}) {
    expect_same_bits(sum(counted(3, n)), sum(on_ref(counted(3, n))));
    expect_same_bits(sum_to(counted(n, 3), {3}), sum_to(on_ref(counted(n, 3)), {3}));
  }
  EXPECT_EQ(sum(full(Shape(), 4, {f32, device})).item<float>(), 4);
  EXPECT_EQ(sum_to(zeros({0, 5}, {f32, device}), {5}).to_vector<float>(), std::vector<float>(5));
}

DEVICE_TEST(Sum, ExtremeValues) {
  const float inf = INFINITY;
  for (const std::vector<float>& values : std::vector<std::vector<float>>{
           {1, inf, 2}, {1, -inf, 2}, {inf, -inf, 0}, {NAN, 1, 2}, {-0.0f, 0, 0}}) {
    const Tensor x = from_values(values, {3}, {f32, device});
    expect_same_bits(sum(x), sum(on_ref(x)));
    const Tensor rows = x.expand({40, 3});  // 40 rows: the kernel that runs across columns
    expect_same_bits(sum_to(rows, {3}), sum_to(on_ref(contiguous(rows)), {3}));
  }
  // Past 65504 a sum of f16 terms is still a number: sums are f32's.
  EXPECT_EQ(sum(full({100}, 60000, {f16, device})).item<float>(), 6e6f);
  EXPECT_TRUE(std::isinf(sum_to(full({100}, 60000, {f16, device}), {1}).item<float>()));
}

DEVICE_TEST(Sum, Strided) {
  const Tensor whole = randn({12, 30, 20}, {f32, device});
  for (const Tensor& x : {whole.transpose(0, 2), whole.slice(1, 3, 30, 4), whole.slice(2, 5, 6),
                          whole.slice(0, 1, 2).expand({12, 30, 20})}) {
    expect_sum(x);
    for (const Shape& shape : {Shape{x.size(2)}, Shape{x.size(0), 1, 1}, Shape{x.size(1), 1}}) {
      expect_sum_to(x, shape);
    }
  }
}

DEVICE_TEST(Sum, Repeatable) {
  const Tensor x = randn({130, 2005}, {f32, device});
  const Tensor all = sum(x), rows = sum_to(x, {130, 1}), columns = sum_to(x, {2005});
  for (int threads : {1, 2, 5}) {
    const Threads set(threads);
    expect_same_bits(sum(x), all);
    expect_same_bits(sum_to(x, {130, 1}), rows);
    expect_same_bits(sum_to(x, {2005}), columns);
  }
  expect_same_bits(sum_to(x.slice(0, 77, 78), {1, 1}), rows.slice(0, 77, 78));
}

DEVICE_TEST(Sum, GradientMatchesFiniteDifference) {
  Tensor x = randn({3, 17}, {f32, device});
  x.set_requires_grad();
  expect_gradients([](const auto& in) { return sum(in[0]); }, {x}, device, 4);
  expect_gradients([](const auto& in) { return sum(mul(in[0], in[0])); }, {x}, device, 8);
  // In 16 bits the gradient is the one that came, rounded once.
  Tensor half = randn({4, 5}, {bf16, device});
  half.set_requires_grad();
  backward(sum(half), full({1}, 3, {f32, device}));
  EXPECT_EQ(half.grad().dtype(), bf16);
  expect_same_bits(half.grad(), full({4, 5}, 3, {bf16, device}));
}

DEVICE_TEST(Sum, RejectsBadArguments) {
  const auto expect_error = [](ErrorCode code, const Tensor& x) {
    try {
      sum(x);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code);
      EXPECT_EQ(std::string(e.what()).find("[sum] x is "), 0u) << e.what();
    }
  };
  expect_error(ErrorCode::argument, Tensor());
  expect_error(ErrorCode::dtype, zeros({3}, {i32, device}));
  expect_error(ErrorCode::dtype, random_blocks({2, 32}, DType::q4_0, device));
}

}  // namespace
}  // namespace pewter::test
