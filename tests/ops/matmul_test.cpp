#include "support/device_test.h"
#include "support/gradcheck.h"
#include "support/products.h"

namespace pewter::test {
namespace {

MatmulOptions on_ref(MatmulOptions o) {
  if (o.c.defined()) o.c = pewter::test::on_ref(o.c);
  return o;
}

// |error| <= (K + 3) 2^-24 sum |a||b| and the roundings of alpha, beta, c and of both results.
void expect_matches(const Tensor& a, const Tensor& b, Device device, MatmulOptions o = {}) {
  const Tensor y = matmul(to_device(a, device), to_device(b, device), o);
  EXPECT_EQ(y.device(), device);
  const Tensor expected = matmul(pewter::test::on_ref(a), pewter::test::on_ref(b), on_ref(o));
  MatmulOptions sizes = on_ref(o);
  sizes.alpha = std::abs(o.alpha), sizes.beta = std::abs(o.beta);
  if (o.beta != 0) sizes.c = magnitude(o.c);
  sizes.out = f32, sizes.out_given = true;
  const auto total = matmul(magnitude(a), magnitude(b), sizes).to_vector<double>();
  const double k = static_cast<double>(a.size(o.transpose_a && a.rank() > 1 ? -2 : -1));
  expect_close(y, expected, [&](size_t i, double e) {
    return rounding_bound(y.dtype(), k + 3, total[i], 2 * e);
  });
}

DEVICE_TEST(Matmul, MatchesReference) {
  for (DType dtype : {f32, f16, bf16}) {
    const auto r = [&](const Shape& s, uint64_t seed) { return randn(s, {dtype, device}, seed); };
    for (bool ta : {false, true}) {
      for (bool tb : {false, true}) {
        const Tensor a = ta ? r({70, 45}, 1) : r({45, 70}, 1);
        const Tensor b = tb ? r({50, 70}, 2) : r({70, 50}, 2);
        MatmulOptions o{.transpose_a = ta, .transpose_b = tb};
        expect_matches(a, b, device, o);
        o.alpha = -0.75f, o.beta = 1.25f, o.c = r({45, 50}, 3);
        expect_matches(a, b, device, o);
        o.c = r({50}, 4).reshape({1, 50});
        o.out = f32, o.out_given = true;
        expect_matches(a, b, device, o);
      }
    }
  }
}

DEVICE_TEST(Matmul, BroadcastsBatches) {
  const auto r = [&](const Shape& s, uint64_t seed) { return randn(s, {f32, device}, seed); };
  expect_matches(r({3, 1, 5, 7}, 1), r({4, 7, 6}, 2), device);
  expect_matches(r({5, 7}, 1), r({2, 3, 7, 6}, 2), device);
  expect_matches(r({2, 5, 7}, 1), r({7, 6}, 2), device);
  expect_matches(r({7}, 1), r({3, 7, 6}, 2), device);
  expect_matches(r({3, 5, 7}, 1), r({7}, 2), device);
  EXPECT_EQ(matmul(r({7}, 1), r({7}, 2)).rank(), 0);
  expect_matches(r({7}, 1), r({7}, 2), device);
}

DEVICE_TEST(Matmul, QuantisedMatchesReference) {
  for (DType dtype : kQuantised) {
    SCOPED_TRACE(std::string(to_string(dtype)));
    for (int64_t n : {1, 16, 37}) {
      const Tensor w = random_blocks({n, 512}, dtype, device);
      for (int64_t m : {1, 2, 3, 5, 8, 9, 40}) {
        expect_matches(randn({m, 512}, {f32, device}, 3), w, device, {.transpose_b = true});
      }
    }
  }
}

DEVICE_TEST(Matmul, OddSizes) {
  const int64_t sizes[] = {1, 2, 3, 5, 8, 11, 12, 13, 16, 17, 31, 33, 95, 97};
  for (int64_t m : sizes) {
    for (int64_t n : sizes) {
      const int64_t k = (m * 7 + n * 3) % 41 + 1;
      expect_matches(randn({m, k}, {f32, device}, 1), randn({k, n}, {f32, device}, 2), device);
    }
  }
  for (int64_t k : {255, 256, 257, 288, 289, 575, 577, 1025}) {
    expect_matches(randn({14, k}, {f32, device}, 1), randn({k, 35}, {f32, device}, 2), device);
    expect_matches(randn({1, k}, {f32, device}, 1), randn({k, 35}, {f32, device}, 2), device);
  }
}

DEVICE_TEST(Matmul, ZeroSizes) {
  const auto z = [&](const Shape& s) { return zeros(s, {f32, device}); };
  EXPECT_EQ(matmul(z({0, 4}), z({4, 3})).shape().to_string(), "[0, 3]");
  EXPECT_EQ(matmul(z({2, 4}), z({4, 0})).shape().to_string(), "[2, 0]");
  EXPECT_EQ(matmul(z({0, 2, 4}), z({4, 3})).shape().to_string(), "[0, 2, 3]");
  const Tensor c = randn({2, 3}, {f32, device}, 1);
  expect_same_bits(matmul(z({2, 0}), z({0, 3}), {.beta = 2, .c = c}), scale(c, 2));
  expect_same_bits(matmul(z({2, 0}), z({0, 3})), z({2, 3}));
}

DEVICE_TEST(Matmul, ExtremeValues) {
  const float inf = INFINITY, nan = NAN;
  for (int64_t n : {3, 40}) {  // edge tiles and whole ones
    std::vector<float> a(20 * 4, 1), b(static_cast<size_t>(4 * n), 1);
    a[0] = inf, a[5] = nan, a[8] = -inf, a[9] = inf, a[12] = 0, a[16] = 3e38f, a[17] = 3e38f;
    b[0] = inf, b[1] = 0, b[2] = -1;
    expect_matches(from_values(a, {20, 4}, {f32, device}), from_values(b, {4, n}, {f32, device}),
                   device);
  }
  // beta == 0 never reads c.
  const Tensor a = randn({4, 4}, {f32, device}, 1), c = full({4, 4}, NAN, {f32, device});
  expect_same_bits(matmul(a, a, {.beta = 0, .c = c}), matmul(a, a));
}

DEVICE_TEST(Matmul, PowersOfTwoAreExact) {
  const int64_t m = 67, k = 600, n = 130;
  std::vector<float> a(static_cast<size_t>(m * k)), b(static_cast<size_t>(k * n));
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(1 << (i * 7 % 5));
  for (size_t i = 0; i < b.size(); ++i) b[i] = i % 3 ? 1.0f : -2.0f;
  const Tensor x = from_values(a, {m, k}, {f32, device}), y = from_values(b, {k, n}, {f32, device});
  expect_same_bits(matmul(x, y), matmul(pewter::test::on_ref(x), pewter::test::on_ref(y)));
}

// (A B) v = A (B v): a check of every element of a product too large for the reference.
DEVICE_TEST(Matmul, LargeAgainstRandomVector) {
  const int64_t m = 515, k = 1100, n = 770;
  const Tensor a = randn({m, k}, {f32, device}, 1), b = randn({k, n}, {f32, device}, 2);
  const auto y = matmul(a, b).to_vector<double>();
  const auto av = a.to_vector<double>(), bv = b.to_vector<double>();
  const auto v = randn({n}, {f32, device}, 3).to_vector<double>();
  std::vector<double> bw(static_cast<size_t>(k)), size(static_cast<size_t>(k));
  for (int64_t i = 0; i < k * n; ++i) {
    bw[static_cast<size_t>(i / n)] += bv[static_cast<size_t>(i)] * v[static_cast<size_t>(i % n)];
    size[static_cast<size_t>(i / n)] +=
        std::abs(bv[static_cast<size_t>(i)] * v[static_cast<size_t>(i % n)]);
  }
  for (int64_t i = 0; i < m; ++i) {
    double left = 0, right = 0, total = 0;
    for (int64_t j = 0; j < n; ++j) {
      left += y[static_cast<size_t>(i * n + j)] * v[static_cast<size_t>(j)];
    }
    for (int64_t j = 0; j < k; ++j) {
      right += av[static_cast<size_t>(i * k + j)] * bw[static_cast<size_t>(j)];
      total += std::abs(av[static_cast<size_t>(i * k + j)]) * size[static_cast<size_t>(j)];
    }
    ASSERT_NEAR(left, right, static_cast<double>(k) * 0x1p-24 * total) << "row " << i;
  }
}

DEVICE_TEST(Matmul, Strided) {
  const Tensor big = randn({40, 3, 60}, {f32, device}, 1);
  const Tensor views[] = {
      big.slice(1, 1, 2).reshape({40, 60}),                  // rows contiguous, far apart
      big.slice(1, 0, 1).reshape({40, 60}).transpose(0, 1),  // columns contiguous
      big.slice(0, 3, 33, 3).slice(1, 2, 3).reshape({10, 60}).slice(1, 1, 60, 2),
      big.reshape({120, 60}).slice(0, 7, 47).slice(1, 3, 58),  // odd byte offset
  };
  for (const Tensor& a : views) {
    const Tensor b = randn({a.size(1), 33}, {f32, device}, 2);
    expect_same_bits(matmul(a, b), matmul(contiguous(a), b));
    const Tensor left = randn({13, a.size(0)}, {f32, device}, 3);
    expect_same_bits(matmul(left, a), matmul(left, contiguous(a)));
    expect_same_bits(matmul(a, b, {.beta = 1, .c = matmul(a, b).transpose(0, 1).transpose(0, 1)}),
                     matmul(a, b, {.beta = 1, .c = matmul(a, b)}));
    for (DType dtype : {f16, bf16}) {
      const Tensor narrow = cast(big, dtype).slice(1, 1, 2).reshape({40, 60});
      const Tensor right = randn({60, 9}, {dtype, device}, 4);
      expect_same_bits(matmul(narrow, right), matmul(contiguous(narrow), right));
    }
  }
}

DEVICE_TEST(Matmul, Repeatable) {
  for (DType dtype : {f32, f16, bf16}) {
    const Tensor a = randn({37, 600}, {dtype, device}, 1),
                 b = randn({600, 230}, {dtype, device}, 2);
    const Tensor y = matmul(a, b);
    for (int threads : {1, 2, 5}) {
      const Threads set(threads);
      expect_same_bits(matmul(a, b), y);
    }
    for (int64_t i : {0, 11, 36}) {
      expect_same_bits(matmul(a.slice(0, i, i + 1), b), y.slice(0, i, i + 1));
    }
    expect_same_bits(matmul(a.slice(0, 5, 19), b), y.slice(0, 5, 19));
    for (int64_t j : {0, 100, 225}) {
      expect_same_bits(matmul(a, b.slice(1, j, j + 5)), y.slice(1, j, j + 5));
    }
    expect_same_bits(matmul(b, a, {.transpose_a = true, .transpose_b = true}), y.transpose(0, 1));
  }
}

DEVICE_TEST(Matmul, QuantisedRepeatable) {
  for (DType dtype : kQuantised) {
    SCOPED_TRACE(std::string(to_string(dtype)));
    const int64_t n = 150, k = 768;
    const auto bytes = random_block_bytes(dtype, n * k, 5);
    const Tensor w = from_bytes(bytes, {n, k}, {dtype, device});
    const Tensor x = randn({37, k}, {f32, device}, 1);
    const MatmulOptions o{.transpose_b = true};
    const Tensor y = matmul(x, w, o);
    // The same chain as that of the dequantised weight.
    expect_same_bits(y, matmul(x, cast(w, f32), o));
    for (int threads : {1, 2, 5}) {
      const Threads set(threads);
      expect_same_bits(matmul(x, w, o), y);
      for (int64_t rows : {1, 2, 3, 4, 5, 7, 8, 9}) {
        expect_same_bits(matmul(x.slice(0, 3, 3 + rows), w, o), y.slice(0, 3, 3 + rows));
      }
    }
    const auto row = static_cast<size_t>(byte_size(dtype, k));
    for (int64_t first : {0, 17, 145}) {
      const auto part = std::span(bytes).subspan(static_cast<size_t>(first) * row, 5 * row);
      const Tensor few = from_bytes(part, {5, k}, {dtype, device});
      expect_same_bits(matmul(x, few, o), y.slice(1, first, first + 5));
      expect_same_bits(matmul(x.slice(0, 0, 1), few, o),
                       y.slice(0, 0, 1).slice(1, first, first + 5));
    }
  }
}

DEVICE_TEST(Matmul, GradientMatchesFiniteDifference) {
  const auto input = [&](const Shape& s, uint64_t seed) {
    Tensor t = randn(s, {f32, device}, seed);
    t.set_requires_grad();
    return t;
  };
  for (bool ta : {false, true}) {
    for (bool tb : {false, true}) {
      expect_gradients(
          [=](const auto& in) {
            return matmul(
                in[0], in[1],
                {.alpha = 0.5f, .beta = 2, .c = in[2], .transpose_a = ta, .transpose_b = tb});
          },
          {ta ? input({2, 4, 3}, 1) : input({2, 3, 4}, 1), tb ? input({5, 4}, 2) : input({4, 5}, 2),
           input({5}, 3)},
          device, 8);
    }
  }
  expect_gradients([](const auto& in) { return matmul(in[0], in[1]); },
                   {input({4}, 1), input({3, 4, 2}, 2)}, device, 8);
  const Tensor w = random_blocks({5, 256}, DType::q4_1, device);
  expect_gradients(
      [&](const auto& in) {
        return matmul(in[0], to_device(w, in[0].device()), {.transpose_b = true});
      },
      {input({3, 256}, 4)}, device, 64);
}

Tensor leaf(Tensor t) {
  t.set_requires_grad();
  return t;
}

// bf16 products may take numbers below 2^-126 for zero; what that costs is bounded, and f32 and f16
// products may not.
DEVICE_TEST(Matmul, SubnormalOperands) {
  const int64_t m = 13, k = 70, n = 37;
  const auto ones = [](const Shape& s) { return full(s, 1, {f32, Device(DeviceKind::ref)}); };
  const MatmulOptions wide{.out = f32, .out_given = true};
  for (const auto& [dtype, small] : {std::pair(f32, 0x1p-128), {f16, 0x1p-18}, {bf16, 0x1p-128}}) {
    const Tensor a = cast(scale(randn({m, k}, {f32, device}, 1), small), dtype);
    const Tensor b = randn({k, n}, {dtype, device}, 2);
    const Tensor x = magnitude(a), y = magnitude(b);
    const auto total = matmul(x, y).to_vector<double>();
    const auto sizes = add(matmul(x, ones({k, n})), matmul(ones({m, k}), y)).to_vector<double>();
    expect_close(matmul(a, b, wide), matmul(pewter::test::on_ref(a), pewter::test::on_ref(b), wide),
                 [&](size_t i, double e) {
                   const double flushed = dtype == bf16 ? 0x1p-126 * (sizes[i] + k) : 0;
                   return rounding_bound(f32, k + 1, total[i], e) + k * 0x1p-149 + flushed;
                 });
  }
}

// An operand that the batch repeats: its gradient is summed in f32 and rounded once.
DEVICE_TEST(Matmul, GradientOfBroadcastOperandIsSummedInF32) {
  for (DType dtype : {f32, f16, bf16}) {
    const Tensor a = leaf(full({512, 1, 1}, 1, {dtype, device}));
    const Tensor b = leaf(full({1, 1}, 1, {dtype, device}));
    const Tensor c = leaf(full({1}, 1, {dtype, device}));
    backward(matmul(a, b, {.beta = 1, .c = c}), full({512, 1, 1}, 1, {dtype, device}));
    EXPECT_EQ(b.grad().item<float>(), 512);
    EXPECT_EQ(c.grad().item<float>(), 512);
    EXPECT_EQ(b.grad().dtype(), dtype);
    expect_same_bits(a.grad(), full({512, 1, 1}, 1, {dtype, device}));
  }
}

DEVICE_TEST(Matmul, GradientOfEmptyBatchIsZero) {
  const Tensor a = leaf(zeros({0, 2, 3}, {f32, device}));
  const Tensor b = leaf(randn({3, 4}, {f32, device})), c = leaf(randn({1, 4}, {f32, device}));
  backward(matmul(a, b, {.beta = 1, .c = c}), zeros({0, 2, 4}, {f32, device}));
  EXPECT_EQ(a.grad().shape(), a.shape());
  expect_same_bits(b.grad(), zeros({3, 4}, {f32, device}));
  expect_same_bits(c.grad(), zeros({1, 4}, {f32, device}));
  const Tensor one = leaf(randn({1, 3, 4}, {f32, device}));
  backward(matmul(a, one), zeros({0, 2, 4}, {f32, device}));
  expect_same_bits(one.grad(), zeros({1, 3, 4}, {f32, device}));
}

// 1 + 2^-10 is no bf16 number; a gradient in f32 of bf16 operands keeps it.
DEVICE_TEST(Matmul, GradientOfWiderResultIsNotRoundedFirst) {
  const Tensor a = leaf(full({1, 1}, 1, {bf16, device}));
  const Tensor b = leaf(from_values(std::vector<float>{1, -1}, {1, 2}, {bf16, device}));
  backward(matmul(a, b, {.out = f32, .out_given = true}),
           from_values(std::vector<float>{1 + 0x1p-10f, 1}, {1, 2}, {f32, device}));
  EXPECT_EQ(a.grad().item<float>(), 0x1p-10f);
}

DEVICE_TEST(Matmul, RejectsBadArguments) {
  const Tensor a = zeros({4, 8}, {f32, device}), b = zeros({7, 3}, {f32, device});
  try {
    matmul(a, b);
    FAIL() << "expected an error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::shape);
    EXPECT_STREQ(e.what(), "[matmul] inner dimensions differ: a is [4, 8], b is [7, 3]");
  }
  const auto code = [&](const Tensor& x, const Tensor& y, const MatmulOptions& o = {}) {
    try {
      matmul(x, y, o);
    } catch (const Error& e) {
      return std::string(to_string(e.code()));
    }
    return std::string("none");
  };
  const std::string shape(to_string(ErrorCode::shape)), dtype(to_string(ErrorCode::dtype)),
      argument(to_string(ErrorCode::argument)), wrong_device(to_string(ErrorCode::device));
  const Tensor ok = zeros({8, 3}, {f32, device});
  EXPECT_EQ(code(Tensor(), ok), argument);
  EXPECT_EQ(code(a, Tensor()), argument);
  EXPECT_EQ(code(a, zeros({8, 3}, {f16, device})), dtype);
  EXPECT_EQ(code(zeros({4, 8}, {i32, device}), ok), dtype);
  EXPECT_EQ(code(a, zeros({8, 3}, {f32, Device(DeviceKind::ref)})), wrong_device);
  EXPECT_EQ(code(zeros({2, 4, 8}, {f32, device}), zeros({3, 8, 3}, {f32, device})), shape);
  EXPECT_EQ(code(a, ok, {.beta = 1}), argument);  // no c
  EXPECT_EQ(code(a, ok, {.beta = 1, .c = zeros({5, 3}, {f32, device})}), shape);
  EXPECT_EQ(code(a, ok, {.out = i32, .out_given = true}), dtype);
  const Tensor w = random_blocks({4, 32}, DType::q4_1, device);
  EXPECT_EQ(code(zeros({2, 32}, {f32, device}), w), dtype);  // quantised needs transpose_b
  EXPECT_EQ(code(a, w, {.transpose_b = true}), shape);
}

ALSO_ON_METAL(Matmul, BroadcastsBatches);
ALSO_ON_METAL(Matmul, OddSizes);
ALSO_ON_METAL(Matmul, ExtremeValues);
ALSO_ON_METAL(Matmul, PowersOfTwoAreExact);
ALSO_ON_METAL(Matmul, LargeAgainstRandomVector);

}  // namespace
}  // namespace pewter::test
