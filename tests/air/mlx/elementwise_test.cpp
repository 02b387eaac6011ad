// Kernels of one element at a time: unary, binary, select, copies with conversion, arange, random
// bits. A thread of the v_ and vv_ forms does eight bytes' worth; the g forms take strides.
#include <bit>
#include <cstring>

#include "arrays.h"

namespace metal_sim::air::test {
namespace {

struct Unary {
  const char* name;
  double (*f)(double);
  float low, high;
  double ulps;  // of the library functions that MLX calls or writes out
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double sign(double x) { return (x > 0) - (x < 0); }
double square(double x) { return x * x; }
double reciprocal_root(double x) { return 1 / std::sqrt(x); }

// Expm1 stays where MLX's code subtracts no multiple of log(2): it takes that number's first 16
// bits only, and is off by 1.4e-6 of it for each.
const Unary kUnary[] = {{"Abs", std::fabs, -3, 3, 0},
                        {"Exp", std::exp, -5, 5, 2},
                        {"Log", std::log, 0.1f, 9, 2},
                        {"Log2", std::log2, 0.1f, 9, 2},
                        {"Log1p", std::log1p, -0.5f, 9, 4},
                        {"Sin", std::sin, -6, 6, 2},
                        {"Cos", std::cos, -6, 6, 2},
                        {"Tanh", std::tanh, -3, 3, 4},
                        {"Sqrt", std::sqrt, 0, 9, 1},
                        {"Rsqrt", reciprocal_root, 0.1f, 9, 3},
                        {"Sigmoid", sigmoid, -5, 5, 6},
                        {"Square", square, -3, 3, 1},
                        {"Erf", std::erf, -3, 3, 8},
                        {"Floor", std::floor, -9, 9, 0},
                        {"Round", std::nearbyint, -9, 9, 0},
                        {"ArcTan", std::atan, -3, 3, 2},
                        {"Sinh", std::sinh, -3, 3, 3},
                        {"Expm1", std::expm1, -0.34f, 0.34f, 2},
                        {"Sign", sign, -2, 2, 0},
                        {"ArcCosh", std::acosh, 1.1f, 9, 3}};

class MlxUnary : public MlxWith<Unary> {};

void check_unary(Kernel& kernel, const Unary& u, Dtype type) {
  auto x = Array::random(type, 1001, 11, u.low, u.high);
  Array out(type, x.size());
  const uint64_t threads = ceil_div(x.size(), 8 / x.width());
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, out.bytes())
               .bytes(2, uint32_t(x.size()))
               .threads({threads}, {64})
               .run(kernel));
  const auto wanted = [&](size_t i) { return u.f(x.at(i)); };
  // A zero of the function inside the range costs bits: an absolute part of one ulp of 1.
  expect_close(out, wanted, [&](size_t i) {
    return u.ulps == 0 ? 0
                       : 2 * u.ulps * 0x1p-24 * (std::abs(wanted(i)) + 0.25) +
                             1.01 * roundoff(type) * std::abs(wanted(i)) + tiny(type);
  });
}

TEST_P(MlxUnary, Float32) {
  check_unary(*kernel(std::string("vn_") + GetParam().name + "float32float32"), GetParam(),
              Dtype::f32);
}
INSTANTIATE_TEST_SUITE_P(All, MlxUnary, testing::ValuesIn(kUnary),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(Mlx, UnaryInNarrowTypes) {
  for (const Dtype type : {Dtype::f16, Dtype::bf16}) {
    for (const char* name : {"Abs", "Floor", "Square", "Sqrt"}) {
      const Unary* u = std::find_if(std::begin(kUnary), std::end(kUnary), [&](const Unary& one) {
        return one.name == std::string(name);
      });
      check_unary(*kernel(std::string("vn_") + name + long_name(type) + long_name(type)), *u, type);
    }
  }
}

struct Binary {
  const char* name;
  double (*f)(double, double);
  float low, high;
  double ulps;
};

double remainder(double a, double b) {
  const double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
double log_add_exp(double a, double b) { return std::log(std::exp(a) + std::exp(b)); }

const Binary kBinary[] = {
    {"Add", [](double a, double b) { return a + b; }, -3, 3, 1},
    {"Subtract", [](double a, double b) { return a - b; }, -3, 3, 1},
    {"Multiply", [](double a, double b) { return a * b; }, -3, 3, 1},
    {"Divide", [](double a, double b) { return a / b; }, 0.5f, 3, 2},
    {"Maximum", [](double a, double b) { return std::max(a, b); }, -3, 3, 0},
    {"Minimum", [](double a, double b) { return std::min(a, b); }, -3, 3, 0},
    {"Power", [](double a, double b) { return std::pow(a, b); }, 0.5f, 3, 4},
    {"LogAddExp", log_add_exp, -3, 3, 4},
    {"ArcTan2", [](double a, double b) { return std::atan2(a, b); }, 0.1f, 3, 2},
    {"Remainder", remainder, 0.5f, 3, 0}};

class MlxBinary : public MlxWith<Binary> {
 protected:
  void check(const Array& out, const Array& a, const Array& b,
             const std::function<size_t(size_t)>& ia, const std::function<size_t(size_t)>& ib) {
    const Binary& p = GetParam();
    const auto wanted = [&](size_t i) { return p.f(a.at(ia(i)), b.at(ib(i))); };
    expect_close(out, wanted,
                 [&](size_t i) { return p.ulps * 0x1p-24 * (2 * std::abs(wanted(i)) + 0.5); });
  }
};

TEST_P(MlxBinary, VectorAndVector) {
  const auto f = kernel(std::string("vvn_") + GetParam().name + "float32");
  auto a = Array::random(Dtype::f32, 1001, 12, GetParam().low, GetParam().high),
       b = Array::random(Dtype::f32, 1001, 13, GetParam().low, GetParam().high);
  Array out(Dtype::f32, 1001);
  value_of(Call()
               .buffer(0, a.bytes())
               .buffer(1, b.bytes())
               .buffer(2, out.bytes())
               .bytes(3, 1001u)
               .threads({501}, {128})
               .run(*f));
  check(
      out, a, b, [](size_t i) { return i; }, [](size_t i) { return i; });
}

TEST_P(MlxBinary, StridedInTwoDimensions) {
  const auto f = kernel(std::string("g2_") + GetParam().name + "float32");
  auto a = Array::random(Dtype::f32, 40 * 30, 14, GetParam().low, GetParam().high),
       b = Array::random(Dtype::f32, 30, 15, GetParam().low, GetParam().high);
  Array out(Dtype::f32, 40 * 30);
  const int64_t a_strides[2] = {1, 40}, b_strides[2] = {0, 1};  // a transposed, b repeated
  value_of(Call()
               .buffer(0, a.bytes())
               .buffer(1, b.bytes())
               .buffer(2, out.bytes())
               .bytes(3, std::span<const int64_t>(a_strides))
               .bytes(4, std::span<const int64_t>(b_strides))
               .threads({30, 40}, {16, 16})
               .run(*f));
  check(
      out, a, b, [](size_t i) { return i % 30 * 40 + i / 30; }, [](size_t i) { return i % 30; });
}

INSTANTIATE_TEST_SUITE_P(All, MlxBinary, testing::ValuesIn(kBinary),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(Mlx, BinaryWithAScalarAndComparison) {
  auto a = Array::random(Dtype::f16, 999, 16), b = Array::random(Dtype::f16, 1, 17);
  Array out(Dtype::f16, 999);
  value_of(Call()
               .buffer(0, a.bytes())
               .buffer(1, b.bytes())
               .buffer(2, out.bytes())
               .bytes(3, 999u)
               .threads({250}, {64})
               .run(*kernel("vsn_Multiplyfloat16")));
  expect_close(
      out, [&](size_t i) { return a.at(i) * b.at(0); },
      [&](size_t i) { return 0x1p-11 * std::abs(a.at(i)) + 0x1p-25; });
  std::vector<uint8_t> less(999);
  value_of(Call()
               .buffer(0, b.bytes())
               .buffer(1, a.bytes())
               .buffer(2, less)
               .bytes(3, 999u)
               .threads({250}, {64})
               .run(*kernel("svn_Lessfloat16")));
  for (size_t i = 0; i < less.size(); ++i) ASSERT_EQ(less[i], b.at(0) < a.at(i));
}

TEST_F(Mlx, BinaryOnIntegers) {
  std::vector<int32_t> a(100), b(100), out(100);
  for (int i = 0; i < 100; ++i) {
    a[size_t(i)] = i * 7919 - 300000;
    b[size_t(i)] = i % 13 + 1;
  }
  const auto run = [&](const char* name) {
    value_of(Call()
                 .buffer(0, a)
                 .buffer(1, b)
                 .buffer(2, out)
                 .bytes(3, 100u)
                 .threads({50}, {32})
                 .run(*kernel(name)));
  };
  run("vvn_BitwiseXorint32");
  for (size_t i = 0; i < 100; ++i) ASSERT_EQ(out[i], a[i] ^ b[i]);
  run("vvn_LeftShiftint32");
  for (size_t i = 0; i < 100; ++i) ASSERT_EQ(out[i], a[i] << b[i]);
  run("vvn_Remainderint32");
  for (size_t i = 0; i < 100; ++i) ASSERT_EQ(out[i], (a[i] % b[i] + b[i]) % b[i]);
}

TEST_F(Mlx, Select) {
  auto b = Array::random(Dtype::f32, 501, 18), c = Array::random(Dtype::f32, 501, 19);
  std::vector<uint8_t> condition(501);
  for (size_t i = 0; i < condition.size(); ++i) condition[i] = i * i % 3 == 1;
  Array out(Dtype::f32, 501);
  value_of(Call()
               .buffer(0, condition)
               .buffer(1, b.bytes())
               .buffer(2, c.bytes())
               .buffer(3, out.bytes())
               .bytes(4, 501u)
               .threads({251}, {64})
               .run(*kernel("vn_Selectfloat32")));
  expect_close(
      out, [&](size_t i) { return condition[i] ? b.at(i) : c.at(i); }, [](size_t) { return 0; });
}

struct Copy {
  Dtype from, to;
};

class MlxCopy : public MlxWith<Copy> {};

TEST_P(MlxCopy, RowsAndStrides) {
  const auto [from, to] = GetParam();
  const std::string types = std::string("copy") + long_name(from) + long_name(to);
  auto x = Array::random(from, 24 * 35, 20, -100, 100);
  Array out(to, x.size());
  const auto rounded = [&](size_t i) {
    return Array(to, std::vector<float>{float(x.at(i))}).at(0);
  };
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, out.bytes())
               .bytes(2, uint32_t(x.size()))
               .threads({x.size()}, {256})
               .run(*kernel("s_" + types)));
  expect_close(
      out, [&](size_t) { return rounded(0); }, [](size_t) { return 0; });
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, out.bytes())
               .bytes(2, uint32_t(x.size()))
               .threads({ceil_div(x.size(), 8 / out.width())}, {256})
               .run(*kernel("vn_" + types)));
  expect_close(out, rounded, [](size_t) { return 0; });
  const int64_t strides[2] = {1, 24};  // the transpose, row by row
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, out.bytes())
               .bytes(3, std::span<const int64_t>(strides))
               .threads({35, 24}, {32, 8})
               .run(*kernel("g2_" + types)));
  expect_close(
      out, [&](size_t i) { return rounded(i / 35 + i % 35 * 24); }, [](size_t) { return 0; });
}

INSTANTIATE_TEST_SUITE_P(All, MlxCopy,
                         testing::Values(Copy{Dtype::f32, Dtype::f16}, Copy{Dtype::f16, Dtype::f32},
                                         Copy{Dtype::f16, Dtype::bf16},
                                         Copy{Dtype::bf16, Dtype::f16},
                                         Copy{Dtype::bf16, Dtype::bf16}),
                         [](const auto& info) {
                           return std::string(long_name(info.param.from)) + "_" +
                                  long_name(info.param.to);
                         });

TEST_F(Mlx, Arange) {
  std::vector<float> out(777);
  value_of(Call()
               .bytes(0, 2.5f)
               .bytes(1, 0.5f)
               .buffer(2, out)
               .threads({777}, {64})
               .run(*kernel("arangefloat32")));
  for (size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], 2.5f + 0.5f * float(i));
}

// Threefry 2x32 with 20 rounds, from its paper: rotations, and a key word added every four rounds.
std::array<uint32_t, 2> threefry(std::array<uint32_t, 2> key, std::array<uint32_t, 2> x) {
  static constexpr int kRotations[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  const uint32_t words[3] = {key[0], key[1], key[0] ^ key[1] ^ 0x1bd11bda};
  x[0] += words[0];
  x[1] += words[1];
  for (uint32_t round = 0; round < 20; ++round) {
    x[0] += x[1];
    x[1] = std::rotl(x[1], kRotations[round % 8]) ^ x[0];
    if (round % 4 == 3) {
      const uint32_t block = round / 4 + 1;
      x[0] += words[block % 3];
      x[1] += words[(block + 1) % 3] + block;
    }
  }
  return x;
}

TEST_F(Mlx, RandomBits) {
  EXPECT_EQ(threefry({0, 0}, {0, 0}),
            (std::array<uint32_t, 2>{0x6b200159, 0x99ba4efe}));  // the paper's known answer
  std::vector<uint32_t> keys = {17, 42, 0xdeadbeef, 3};
  const uint32_t half = 50;
  std::vector<uint32_t> out(2 * 2 * half), strided(out.size());
  value_of(Call()
               .buffer(0, keys)
               .buffer(1, out)
               .bytes(2, false)
               .bytes(3, uint64_t(8 * half))
               .threads({2, half}, {2, 32})
               .run(*kernel("rbitsc")));
  for (uint32_t k = 0; k < 2; ++k) {
    for (uint32_t i = 0; i < half; ++i) {
      const auto wanted = threefry({keys[2 * k], keys[2 * k + 1]}, {i, i + half});
      ASSERT_EQ(out[k * 2 * half + i], wanted[0]);
      ASSERT_EQ(out[k * 2 * half + half + i], wanted[1]);
    }
  }
  const int32_t shape[1] = {4};
  const int64_t strides[1] = {1};
  value_of(Call()
               .buffer(0, keys)
               .buffer(1, strided)
               .bytes(2, false)
               .bytes(3, uint64_t(8 * half))
               .bytes(4, 1)
               .bytes(5, std::span<const int32_t>(shape))
               .bytes(6, std::span<const int64_t>(strides))
               .threads({2, half}, {2, 32})
               .run(*kernel("rbits")));
  EXPECT_EQ(strided, out);
}

}  // namespace
}  // namespace metal_sim::air::test
