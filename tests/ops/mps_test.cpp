// mps::matmul and its like, on a Metal device: the requirements inherited from an integration that
// failed at each of them.
#include "pewter/mps.h"

#include <thread>

#include "device/metal/mps_objects.h"
#include "ops/matmul/matmul_mps.h"
#include "support/device_test.h"
#include "support/gradcheck.h"
#include "support/metal_sim.h"
#include "support/products.h"

namespace pewter::test {
namespace {

MatmulOptions on_ref(MatmulOptions o) {
  if (o.c.defined()) o.c = pewter::test::on_ref(o.c);
  return o;
}

// (K + 3) 2^-24 sum |a||b|, and the rounding of each result.
void expect_product(const Tensor& y, const Tensor& a, const Tensor& b, const MatmulOptions& o) {
  MatmulOptions sizes = on_ref(o);
  sizes.alpha = std::abs(o.alpha), sizes.beta = std::abs(o.beta);
  if (o.beta != 0) sizes.c = magnitude(o.c);
  sizes.out = f32, sizes.out_given = true;
  const auto total = matmul(magnitude(a), magnitude(b), sizes).to_vector<double>();
  const double k = static_cast<double>(a.size(o.transpose_a && a.rank() > 1 ? -2 : -1));
  const Tensor expected = matmul(pewter::test::on_ref(a), pewter::test::on_ref(b), on_ref(o));
  expect_close(y, expected, [&](size_t i, double e) {
    return rounding_bound(y.dtype(), k + 3, total[i], 2 * e);
  });
}

void expect_matches(const Tensor& a, const Tensor& b, const MatmulOptions& o = {}) {
  const Tensor y = mps::matmul(a, b, o);
  EXPECT_EQ(y.device(), a.device());
  EXPECT_TRUE(y.is_contiguous());
  expect_product(y, a, b, o);
}

// The swap of these two made every number wrong once, and nothing said so.
TEST(Mps, DtypeConstants) {
  EXPECT_EQ(static_cast<uint32_t>(metal::mps_type(f16)), 268435472u);
  EXPECT_EQ(static_cast<uint32_t>(metal::mps_type(f32)), 268435488u);
  EXPECT_FALSE(metal::is_mps_type(bf16));
}

METAL_TEST(MpsMatmul, MatchesReference) {
  for (DType dtype : {f32, f16}) {
    for (int64_t n : {64, 128}) {
      expect_matches(randn({n, n}, {dtype, device}, 1), randn({n, n}, {dtype, device}, 2));
    }
  }
}

METAL_TEST(MpsMatmul, OddSizes) {
  const int64_t sizes[] = {1, 2, 3, 7, 16, 17, 33, 65};
  for (DType dtype : {f32, f16}) {
    for (int64_t m : sizes) {
      for (int64_t n : sizes) {
        const int64_t k = (m * 7 + n * 3) % 41 + 1;
        expect_matches(randn({m, k}, {dtype, device}, 1), randn({k, n}, {dtype, device}, 2));
      }
    }
  }
}

METAL_TEST(MpsMatmul, Transposes) {
  for (DType dtype : {f32, f16}) {
    for (int which = 0; which < 4; ++which) {
      const bool ta = (which & 1) != 0, tb = (which & 2) != 0;
      const Tensor a = randn(ta ? Shape{45, 31} : Shape{31, 45}, {dtype, device}, 1);
      const Tensor b = randn(tb ? Shape{17, 45} : Shape{45, 17}, {dtype, device}, 2);
      expect_matches(a, b, {.transpose_a = ta, .transpose_b = tb});
      expect_matches(ta ? a.transpose(0, 1) : a, tb ? b.transpose(0, 1) : b);
    }
  }
}

METAL_TEST(MpsMatmul, AlphaAndBeta) {
  for (DType dtype : {f32, f16}) {
    const Tensor a = randn({13, 29}, {dtype, device}, 1), b = randn({29, 21}, {dtype, device}, 2);
    const Tensor c = randn({13, 21}, {dtype, device}, 3), row = randn({21}, {dtype, device}, 4);
    expect_matches(a, b, {.alpha = 0.5f, .beta = -2, .c = c});
    expect_matches(a, b, {.beta = 1, .c = row.reshape({1, 21})});  // broadcast
    expect_matches(a, b, {.beta = 1, .c = row.reshape({1, 21}).expand({13, 21})});
    // c is only read, and not even that when beta is 0.
    const Tensor poison = full({13, 21}, NAN, {dtype, device});
    expect_same_bits(mps::matmul(a, b, {.beta = 0, .c = poison}), mps::matmul(a, b));
    expect_same_bits(c, randn({13, 21}, {dtype, device}, 3));
  }
  const Tensor a = randn({9, 20}, {f16, device}, 1), b = randn({20, 5}, {f16, device}, 2);
  expect_matches(a, b, {.out = f32, .out_given = true});
}

// Views reach MPS as they are: one product each, no copy.
METAL_TEST(MpsMatmul, OffsetsAndRowStridesAreNotCopied) {
  for (DType dtype : {f32, f16}) {
    const Tensor a = randn({40, 50}, {dtype, device}, 1), b = randn({60, 70}, {dtype, device}, 2);
    const Tensor part_a = a.slice(0, 3, 30).slice(1, 5, 38),
                 part_b = b.slice(0, 7, 40).slice(1, 9, 61);
    const Tensor every_other = a.slice(0, 1, 40, 3).slice(1, 0, 33);
    if (is_metal_sim(device)) reset_sim_counters();
    const Tensor y = mps::matmul(part_a, part_b), z = mps::matmul(every_other, part_b);
    const Tensor t = mps::matmul(part_b.transpose(0, 1), part_a, {.transpose_b = true});
    if (is_metal_sim(device)) {
      EXPECT_EQ(sim_counters().mps_encodes, 3u);
      EXPECT_EQ(sim_counters().blits, 0u);
    }
    expect_product(y, part_a, part_b, {});
    expect_product(z, every_other, part_b, {});
    expect_product(t, part_b.transpose(0, 1), part_a, {.transpose_b = true});
  }
}

METAL_TEST(MpsMatmul, NonContiguousOperands) {
  for (DType dtype : {f32, f16}) {
    const Tensor x = randn({40, 60}, {dtype, device}, 1), w = randn({30, 20}, {dtype, device}, 2);
    expect_matches(x.slice(0, 0, 40, 2).slice(1, 0, 60, 2), w);  // steps along both dimensions
    expect_matches(randn({1, 30}, {dtype, device}, 3).expand({11, 30}), w);
    expect_matches(randn({9, 1}, {dtype, device}, 4).expand({9, 30}), w);
    const Tensor cube = randn({6, 5, 30}, {dtype, device}, 5);
    expect_matches(cube.transpose(0, 1), w);  // batch and rows changed places
    expect_matches(randn({4, 30, 5}, {dtype, device}, 6).transpose(0, 1).transpose(1, 2),
                   randn({30, 4, 20}, {dtype, device}, 7));
  }
}

METAL_TEST(MpsMatmul, Batches) {
  for (DType dtype : {f32, f16}) {
    const auto r = [&](const Shape& s, uint64_t seed) { return randn(s, {dtype, device}, seed); };
    expect_matches(r({5, 9, 7}, 1), r({5, 7, 6}, 2));
    expect_matches(r({5, 9, 7}, 1), r({5, 6, 7}, 2), {.transpose_b = true});
    expect_matches(r({5, 7, 9}, 1), r({5, 7, 6}, 2), {.transpose_a = true});
    expect_matches(r({3, 1, 5, 7}, 1), r({4, 7, 6}, 2));  // broadcast
    expect_matches(r({5, 7}, 1), r({2, 3, 7, 6}, 2));
    expect_matches(r({2, 5, 7}, 1), r({7, 6}, 2));
    expect_matches(r({8, 9, 7}, 1).slice(0, 1, 8, 2), r({4, 7, 6}, 2));
    expect_matches(r({4, 1, 7}, 1), r({4, 7, 1}, 2));
    expect_matches(r({7}, 1), r({3, 7, 6}, 2));
    expect_matches(r({3, 5, 7}, 1), r({7}, 2));
    expect_matches(r({3, 5, 7}, 1), r({3, 7, 2}, 2), {.alpha = 2, .beta = -1, .c = r({5, 1}, 3)});
  }
}

METAL_TEST(MpsMatmul, ZeroSizes) {
  const auto z = [&](const Shape& s) { return zeros(s, {f32, device}); };
  EXPECT_EQ(mps::matmul(z({0, 4}), z({4, 3})).shape().to_string(), "[0, 3]");
  EXPECT_EQ(mps::matmul(z({2, 4}), z({4, 0})).shape().to_string(), "[2, 0]");
  EXPECT_EQ(mps::matmul(z({0, 2, 4}), z({4, 3})).shape().to_string(), "[0, 2, 3]");
  const Tensor c = randn({2, 3}, {f32, device}, 1);
  expect_same_bits(mps::matmul(z({2, 0}), z({0, 3}), {.beta = 1, .c = c}), c);
  expect_same_bits(mps::matmul(z({2, 0}), z({0, 3}), {.alpha = INFINITY}), z({2, 3}));
}

METAL_TEST(MpsMatmul, RejectsBadArguments) {
  const auto code = [&](const Tensor& a, const Tensor& b, const MatmulOptions& o = {}) {
    return code_of([&] { mps::matmul(a, b, o); });
  };
  const auto z = [&](const Shape& s, DType dtype = f32) { return zeros(s, {dtype, device}); };
  const Tensor a = z({4, 8}), b = z({8, 3});
  EXPECT_EQ(code(a, z({7, 3})), "shape");
  EXPECT_EQ(code(z({2, 4, 8}), z({3, 8, 3})), "shape");
  EXPECT_EQ(code(z({}), b), "shape");
  EXPECT_EQ(code(a, z({8, 3}, f16)), "dtype");
  EXPECT_EQ(code(z({4, 8}, bf16), z({8, 3}, bf16)), "dtype");
  EXPECT_EQ(code(z({4, 8}, i32), z({8, 3}, i32)), "dtype");
  EXPECT_EQ(code(a, random_blocks({3, 32}, DType::q4_0, device), {.transpose_b = true}), "shape");
  EXPECT_EQ(code(z({4, 32}), random_blocks({3, 32}, DType::q4_0, device), {.transpose_b = true}),
            "dtype");
  EXPECT_EQ(code(a, b, {.out = f16, .out_given = true}), "dtype");
  EXPECT_EQ(code(a, zeros({8, 3}, {f32, "cpu"})), "device");
  EXPECT_EQ(code(zeros({4, 8}, {f32, "cpu"}), zeros({8, 3}, {f32, "cpu"})), "device");
  EXPECT_EQ(code(a, b, {.beta = 1}), "argument");
  EXPECT_EQ(code(a, b, {.beta = 1, .c = z({5, 3})}), "shape");
  EXPECT_EQ(code(a, b, {.beta = 1, .c = zeros({4, 3}, {f32, "cpu"})}), "device");
  EXPECT_EQ(code(Tensor(), b), "argument");
  expect_matches(randn({4, 8}, {f32, device}), randn({8, 3}, {f32, device}));  // it still works
}

TEST(MpsMatmul, MessagesSayWhy) {
  const Tensor a = zeros({2, 2}, {f32, "cpu"});
  try {
    mps::matmul(a, a);
    FAIL() << "expected an error";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "[mps::matmul] a is on cpu; MPS runs on metal and metal-sim");
  }
}

// MPS's byte offsets overflow at 2^31: a band of NaN, and no word of it.
METAL_TEST(MpsMatmul, RefusesProductsThatMpsComputesWrong) {
  MatmulArgs args{};
  args.a.dtype = args.b.dtype = args.y_dtype = f32;
  args.m = args.n = args.k = 13376;
  EXPECT_FALSE(mps_problem(args));
  args.m = args.n = args.k = 13378;
  ASSERT_TRUE(mps_problem(args));
  EXPECT_EQ(mps_problem(args)->code, ErrorCode::argument);
  args.a.dtype = args.b.dtype = args.y_dtype = f16;
  EXPECT_FALSE(mps_problem(args));
  args.m = args.n = args.k = int64_t{1} << 62;
  EXPECT_TRUE(mps_problem(args));
  const Tensor a = empty({1, 32768}, {f32, device}), b = empty({32768, 8192}, {f32, device});
  EXPECT_EQ(code_of([&] { mps::matmul(a, b); }), "argument");
}

// Batch indices above 65,535 wrapped on some systems.
METAL_TEST(MpsMatmul, LargeBatchesAreCut) {
  const int64_t n = 70000;
  const Tensor a = randn({n, 1, 2}, {f32, device}, 1), b = randn({n, 2, 1}, {f32, device}, 2);
  if (is_metal_sim(device)) reset_sim_counters();
  const Tensor y = mps::matmul(a, b);
  if (is_metal_sim(device)) {
    EXPECT_EQ(sim_counters().mps_encodes, 3u);
  }
  expect_product(y, a, b, {});
}

METAL_TEST(MpsMatmul, GradientMatchesProducts) {
  for (DType dtype : {f32, f16}) {
    for (bool batched : {false, true}) {
      const auto shape = [&](int64_t m, int64_t n) {
        return batched ? Shape{3, m, n} : Shape{m, n};
      };
      Tensor a = randn(shape(6, 9), {dtype, device}, 1), b = randn(shape(9, 4), {dtype, device}, 2);
      const Tensor g = randn(shape(6, 4), {dtype, device}, 3);
      for (Tensor* t : {&a, &b}) t->set_requires_grad();
      backward(mps::matmul(a, b), g);
      expect_product(a.grad(), g, b.detach(), {.transpose_b = true});
      expect_product(b.grad(), a.detach(), g, {.transpose_a = true});
    }
  }
}

// The op itself goes through MPS, and says what is missing where MPS cannot.
METAL_TEST(Matmul, MatchesReferenceThroughMps) {
  for (DType dtype : {f32, f16}) {
    const Tensor a = randn({45, 70}, {dtype, device}, 1), b = randn({50, 70}, {dtype, device}, 2);
    const MatmulOptions o{.alpha = -0.75f, .transpose_b = true};
    if (is_metal_sim(device)) reset_sim_counters();
    const Tensor y = matmul(a, b, o);
    if (is_metal_sim(device)) {
      EXPECT_EQ(sim_counters().mps_encodes, 1u);
    }
    expect_product(y, a, b, o);
  }
  const Tensor narrow = zeros({4, 4}, {bf16, device});
  EXPECT_EQ(code_of([&] { matmul(narrow, narrow); }), "device");
  EXPECT_EQ(code_of([&] { softmax(narrow); }), "device");
  EXPECT_EQ(code_of([&] { gelu(narrow); }), "device");
  EXPECT_EQ(code_of([&] { cast(narrow, f32); }), "device");
}

METAL_TEST(MpsMatvec, MatchesReference) {
  for (DType dtype : {f32, f16}) {
    const auto r = [&](const Shape& s, uint64_t seed) { return randn(s, {dtype, device}, seed); };
    const auto expect = [&](const Tensor& a, const Tensor& x, MatmulOptions o = {}) {
      const Tensor y = mps::matvec(a, x, o);
      Shape column = y.shape();
      std::vector<int64_t> sizes(column.begin(), column.end());
      sizes.push_back(1);
      std::vector<int64_t> x_sizes(x.shape().begin(), x.shape().end());
      x_sizes.push_back(1);
      if (o.c.defined()) o.c = o.c.reshape(Shape(sizes));
      expect_product(y.reshape(Shape(sizes)), a, x.reshape(Shape(x_sizes)), o);
    };
    expect(r({31, 17}, 1), r({17}, 2));
    expect(r({17, 31}, 1), r({17}, 2), {.transpose_a = true});
    expect(r({31, 17}, 1), r({17}, 2), {.alpha = -2, .beta = 0.5f, .c = r({31}, 3)});
    expect(r({40, 50}, 1).slice(0, 3, 30).slice(1, 5, 22), r({34}, 2).slice(0, 0, 34, 2));
    expect(r({5, 8, 6}, 1), r({5, 6}, 2));
    expect(r({8, 6}, 1), r({5, 6}, 2));
    expect(r({5, 8, 6}, 1), r({6}, 2));
  }
  EXPECT_EQ(code_of([&] {
              mps::matvec(zeros({3, 4}, {f32, device}), zeros({5}, {f32, device}));
            }),
            "shape");
  EXPECT_EQ(code_of([&] {
              mps::matvec(zeros({3}, {f32, device}), zeros({3}, {f32, device}));
            }),
            "shape");
}

METAL_TEST(MpsSoftmax, MatchesReference) {
  for (DType dtype : {f32, f16}) {
    const Tensor x = randn({6, 10, 33}, {dtype, device}, 1);
    for (const Tensor& view : {x, x.slice(2, 3, 20), x.slice(1, 1, 9, 2), x.transpose(0, 1),
                               x.transpose(1, 2), x.slice(0, 2, 3)}) {
      const double columns = static_cast<double>(view.size(-1));
      const Tensor expected = softmax(unrounded_on_ref(view));
      expect_close(mps::softmax(view), expected,
                   [&](size_t, double e) { return rounding_bound(dtype, columns + 8, e, e); });
      auto logs = expected.to_vector<double>();
      std::vector<float> values;
      for (double p : logs) values.push_back(static_cast<float>(std::log(p)));
      expect_close(
          mps::log_softmax(view), from_values(values, view.shape(), {f32, Device(DeviceKind::ref)}),
          [&](size_t, double e) { return rounding_bound(dtype, columns + 8, 2 + std::abs(e), e); });
    }
  }
}

METAL_TEST(MpsSoftmax, GradientMatchesFiniteDifference) {
  Tensor x = randn({3, 17}, {f32, device});
  x.set_requires_grad();
  const auto either = [](const std::vector<Tensor>& in) {
    return in[0].device().kind() == DeviceKind::ref ? softmax(in[0]) : mps::softmax(in[0]);
  };
  expect_gradients(either, {x}, device);
}

METAL_TEST(MpsSoftmax, RejectsBadArguments) {
  EXPECT_EQ(code_of([&] { mps::softmax(zeros({3, 0}, {f32, device})); }), "shape");
  EXPECT_EQ(code_of([&] { mps::softmax(zeros({3}, {bf16, device})); }), "dtype");
  EXPECT_EQ(code_of([&] { mps::log_softmax(zeros({3}, {i32, device})); }), "dtype");
  EXPECT_EQ(code_of([&] { mps::softmax(zeros({3}, {f32, "cpu"})); }), "device");
  EXPECT_EQ(code_of([&] { mps::softmax(Tensor()); }), "argument");
}

}  // namespace
}  // namespace pewter::test
