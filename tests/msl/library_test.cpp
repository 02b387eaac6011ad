// The functions of the standard library, against C's.
#include <bit>
#include <cmath>
#include <functional>

#include "sim/metal/air/numbers.h"
#include "support.h"

namespace metal_sim::msl::test {
namespace {

using Floats = std::vector<float>;
using Ints = std::vector<int32_t>;
using Words = std::vector<uint32_t>;

struct Unary {
  const char* name;
  double (*f)(double);
  Floats points;
};

double sinpi(double x) { return std::sin(std::acos(-1.0) * x); }
double cospi(double x) { return std::cos(std::acos(-1.0) * x); }

const std::vector<Unary> kUnary = {{"acos", std::acos, {-1, 0, 0.3f}},
                                   {"acosh", std::acosh, {1, 2.5f}},
                                   {"asin", std::asin, {-1, 0, 0.3f}},
                                   {"asinh", std::asinh, {-2, 0, 3}},
                                   {"atan", std::atan, {-2, 0, 3}},
                                   {"atanh", std::atanh, {-0.5f, 0, 0.9f}},
                                   {"ceil", std::ceil, {-1.5f, 0, 2.25f}},
                                   {"cos", std::cos, {-2, 0, 3}},
                                   {"cosh", std::cosh, {-2, 0, 3}},
                                   {"cospi", cospi, {-2, 0.25f, 3}},
                                   {"exp", std::exp, {-2, 0, 3}},
                                   {"exp2", std::exp2, {-2, 0, 3}},
                                   {"fabs", std::fabs, {-2, 0, 3}},
                                   {"floor", std::floor, {-1.5f, 0, 2.25f}},
                                   {"log", std::log, {0.5f, 1, 9}},
                                   {"log2", std::log2, {0.5f, 1, 9}},
                                   {"log10", std::log10, {0.5f, 1, 9}},
                                   {"rint", std::nearbyint, {-1.5f, 0.5f, 2.75f}},
                                   {"round", std::round, {-1.5f, 0.5f, 2.75f}},
                                   {"sin", std::sin, {-2, 0, 3}},
                                   {"sinh", std::sinh, {-2, 0, 3}},
                                   {"sinpi", sinpi, {-1.5f, 0.25f, 3.5f}},
                                   {"sqrt", std::sqrt, {0, 2, 9}},
                                   {"tan", std::tan, {-1, 0, 1.2f}},
                                   {"tanh", std::tanh, {-1, 0, 1.2f}},
                                   {"trunc", std::trunc, {-1.5f, 0.5f, 2.75f}}};

// Four ulps of the value or of 1: library functions, and pi in float for those that take turns.
TEST(Library, FunctionsOfOneRealInFourForms) {
  std::string all = kHead;
  for (const Unary& u : kUnary) {
    const std::string f = u.name;
    all += "kernel void k_" + f +
           "(device const float* x, device float* out, device float* h, uint i "
           "[[thread_position_in_grid]]) {\n  out[i * 4] = " +
           f + "(x[i]); out[i * 4 + 1] = precise::" + f + "(x[i]); out[i * 4 + 2] = fast::" + f +
           "(x[i]); out[i * 4 + 3] = " + f + "(float3(x[i])).z; h[i] = float(" + f +
           "(half(x[i]))); }\n";
  }
  const auto library = library_of(all);
  for (const Unary& u : kUnary) {
    Floats x = u.points, out(4 * x.size()), h(x.size());
    const auto kernel = value_of(library->make_kernel(std::string("k_") + u.name, {}, {}));
    value_of(Call().buffer(0, x).buffer(1, out).buffer(2, h).threads({x.size()}, {8}).run(*kernel));
    for (size_t i = 0; i < out.size(); ++i) {
      const double wanted = u.f(x[i / 4]);
      EXPECT_NEAR(out[i], wanted, 0x1p-21 * (1 + std::abs(wanted))) << u.name << " of " << x[i / 4];
      const double narrow = u.f(air::half_value(air::half_bits(x[i / 4])));
      EXPECT_NEAR(h[i / 4], narrow, 0x1p-9 * (1 + std::abs(narrow))) << u.name << " in half";
    }
  }
}

TEST(Library, FunctionsOfSeveralReals) {
  const std::string before = R"(
float g(float x) {
  float whole, cosine;
  int e;
  float a = pow(x, 3.0) + atan2(x, 1.0f) + fmod(x, 2.0f) + copysign(2.0f, -x);
  float b = max(x, 4.0) + fmin(x, 1.0f) + clamp(x, 0.0, 2.0) + saturate(x) + mix(1.0f, 3.0f, 0.5f);
  float c = fma(x, x, 1.0f) + ldexp(x, 3) + frexp(x, e) + float(e) + modf(x + 0.5, whole) + whole;
  float d = step(2.0, x) + smoothstep(0.0f, 6.0f, x) + sign(-x) + fract(x + 0.25) + rsqrt(x + 1);
  float f = sincos(0.0f, cosine) + cosine;
  return a + b + c + d + f + select(1.0f, 2.0f, x > 1) + max3(1.0f, x, 2.0f);
})";
  const float out = map<float>("float", "float", "g(x)", Floats{3}, before)[0];
  const double wanted = (27 + std::atan2(3, 1) + 1 - 2) + (4 + 1 + 2 + 1 + 2) +
                        (10 + 24 + 0.75 + 2 + 0.5 + 3) + (1 + 0.5 - 1 + 0.25 + 0.5) + 0 + 1 + 2 + 3;
  EXPECT_NEAR(out, wanted, 1e-4);
}

TEST(Library, Integers) {
  const std::string before = R"(
int g(int x) {
  uint u = uint(x);
  int a = min(x, 3) + max(x, 100) + clamp(x, 1, 4) + abs(-x) + int(absdiff(x, 10));
  uint b = popcount(u) + clz(u) + ctz(u) + rotate(u, 31u) + mulhi(u << 30, 16u);
  b += extract_bits(u, 1, 2);
  int c = addsat(2147483647, x) == 2147483647 ? 1 : 0;
  uint d = subsat(3u, 5u) + hadd(3u, 5u) + rhadd(3u, 6u) + insert_bits(0u, 3u, 4, 2);
  d += mad24(2, 3, 4);
  ushort s = reverse_bits(ushort(1));
  int e = int(max(uchar(200), uchar(100))) + int(as_type<uint>(1.0f) >> 23);
  return a + int(b) + c * 1000 + int(d) + int(s) + e;
})";
  const int32_t x = 12;
  const auto out = map<int32_t>("int", "int", "g(x)", Ints{x}, before);
  const int32_t a = 3 + 100 + 4 + 12 + 2, b = 2 + 28 + 2 + 6 + 0 + 2, d = 0 + 4 + 5 + 48 + 10;
  EXPECT_EQ(out[0], a + b + 1000 + d + 32768 + 200 + 127);
}

TEST(Library, ConversionsToIntegersSaturate) {
  EXPECT_EQ(map<int32_t>("float", "int", "int(x)", Floats{1e20f, -1e20f, NAN, -2.7f}),
            (Ints{INT32_MAX, INT32_MIN, 0, -2}));
}

TEST(Library, TestsOfReals) {
  const auto out = map<int32_t>(
      "float", "int",
      "isnan(x) + 2 * isinf(x) + 4 * isfinite(x) + 8 * signbit(x) + 16 * isnan(bfloat(x))",
      Floats{NAN, -INFINITY, 1, -2});
  EXPECT_EQ(out[0] & 23, 17);
  EXPECT_EQ(out[1], 10);
  EXPECT_EQ(out[2], 4);
  EXPECT_EQ(out[3], 12);
}

// 64 threads, two simdgroups; x is the thread's number.
Ints across(const std::string& body) {
  const std::string source = std::string(kHead) +
                             "kernel void f(device int* out, uint x "
                             "[[thread_position_in_threadgroup]], uint lane "
                             "[[thread_index_in_simdgroup]]) { int v = int(x); out[x] = " +
                             body + "; }";
  Ints out(64);
  value_of(Call().buffer(0, out).threads({64}, {64}).run(*kernel_of(source, "f")));
  return out;
}

TEST(Library, SimdgroupAndQuadFunctions) {
  const std::vector<std::pair<std::string, std::function<int(int)>>> cases = {
      {"simd_sum(v)", [](int i) { return i < 32 ? 496 : 496 + 1024; }},
      {"simd_max(v)", [](int i) { return i < 32 ? 31 : 63; }},
      {"simd_prefix_exclusive_sum(v)",
       [](int i) { return i % 32 * (i % 32 - 1) / 2 + (i < 32 ? 0 : 32 * (i - 32)); }},
      {"simd_shuffle(v, 5)", [](int i) { return i / 32 * 32 + 5; }},
      {"simd_shuffle_xor(v, 1)", [](int i) { return i ^ 1; }},
      {"simd_shuffle_down(float2(v, -v), 2).y", [](int i) { return i % 32 < 30 ? -(i + 2) : -i; }},
      {"int(simd_shuffle_up(long(v) << 33, 1) >> 33)", [](int i) { return i % 32 ? i - 1 : i; }},
      {"int(simd_shuffle_and_fill_up(bfloat(v), bfloat(-1), 2))",
       [](int i) { return i % 32 < 2 ? -1 : i - 2; }},
      {"simd_broadcast_first(v)", [](int i) { return i / 32 * 32; }},
      {"int(simd_any(v == 40)) + 2 * int(simd_all(v < 32))", [](int i) { return i < 32 ? 2 : 1; }},
      {"int(ulong(simd_ballot(v < 4)))", [](int i) { return i < 32 ? 15 : 0; }},
      {"quad_sum(v)", [](int i) { return 4 * (i / 4 * 4) + 6; }},
      {"quad_shuffle_xor(v, 3)", [](int i) { return i ^ 3; }},
      {"quad_max(half(v))", [](int i) { return i / 4 * 4 + 3; }},
      {"simd_or(1 << (v & 3))", [](int) { return 15; }}};
  for (const auto& [body, wanted] : cases) {
    const Ints out = across(body);
    for (int i = 0; i < 64; ++i) ASSERT_EQ(out[size_t(i)], wanted(i)) << body << ", thread " << i;
  }
}

TEST(Library, BarriersOrderThreadgroupMemory) {
  const std::string source = std::string(kHead) + R"(
kernel void f(device const int* in, device int* out, uint i [[thread_position_in_threadgroup]],
              uint n [[threads_per_threadgroup]]) {
  threadgroup int shared[128];
  shared[i] = in[i];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint step = n / 2; step > 0; step /= 2) {
    if (i < step) shared[i] += shared[i + step];
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  if (i == 0) out[0] = shared[0];
})";
  Ints in(128), out(1);
  for (int i = 0; i < 128; ++i) in[size_t(i)] = i * i;
  value_of(Call()
               .buffer(0, in)
               .buffer(1, out)
               .threads({128}, {128})
               .seed(3)
               .run(*kernel_of(source, "f")));
  EXPECT_EQ(out[0], 127 * 128 * 255 / 6);
}

TEST(Library, Atomics) {
  const std::string source = std::string(kHead) + R"(
kernel void f(device atomic_uint* counts, device atomic<float>* sum, device atomic_int* most,
              uint i [[thread_position_in_grid]], uint t [[thread_position_in_threadgroup]]) {
  threadgroup atomic_int local;
  if (t == 0) atomic_store_explicit(&local, 0, memory_order_relaxed);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  atomic_fetch_add_explicit(&local, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&counts[i % 2], 1u, memory_order_relaxed);
  atomic_fetch_add_explicit(sum, 0.5f, memory_order_relaxed);
  atomic_fetch_max_explicit(most, int(i), memory_order_relaxed);
  uint expected = atomic_load_explicit(&counts[2], memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(&counts[2], &expected, expected + 3,
                                                memory_order_relaxed, memory_order_relaxed)) {}
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const uint arrived = uint(atomic_load_explicit(&local, memory_order_relaxed));
  if (t == 0) atomic_fetch_or_explicit(&counts[3], arrived, memory_order_relaxed);
})";
  Words counts(4);
  Floats sum(1);
  Ints most = {-5};
  value_of(Call()
               .buffer(0, counts)
               .buffer(1, sum)
               .buffer(2, most)
               .threads({128}, {64})
               .run(*kernel_of(source, "f")));
  EXPECT_EQ(counts, (Words{64, 64, 384, 64}));
  EXPECT_EQ(sum[0], 64);
  EXPECT_EQ(most[0], 127);
}

TEST(Library, SimdgroupMatricesMultiply) {
  const std::string source = std::string(kHead) + R"(
kernel void f(device const float* a, device const half* b, device float* out) {
  threadgroup float shared[64];
  simdgroup_float8x8 x, sum = make_filled_simdgroup_matrix<float, 8>(1.0f);
  simdgroup_half8x8 y;
  simdgroup_load(x, a, 16, ulong2(8, 0));
  simdgroup_load(y, b, 8, ulong2(0), true);
  simdgroup_multiply_accumulate(sum, x, y, sum);
  sum.thread_elements()[0] *= 2.0f;
  simdgroup_float8x8 unit(1.0f);
  simdgroup_multiply(sum, sum, unit);
  simdgroup_store(sum, shared, 8);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  simdgroup_load(x, shared, 8);
  simdgroup_store(x, out, 8, ulong2(0, 0), true);
})";
  Floats a(128), out(64);
  std::vector<float> b(64);
  for (size_t i = 0; i < 128; ++i) a[i] = float(i % 7) - 3;
  for (size_t i = 0; i < 64; ++i) b[i] = float(i % 5) - 2;
  auto halves = air::test::to_half(b);
  value_of(Call()
               .buffer(0, a)
               .buffer(1, halves)
               .buffer(2, out)
               .threads({32}, {32})
               .run(*kernel_of(source, "f")));
  for (size_t i = 0; i < 8; ++i) {
    for (size_t j = 0; j < 8; ++j) {
      float wanted = 1;
      for (size_t k = 0; k < 8; ++k) wanted += a[i * 16 + 8 + k] * b[j * 8 + k];
      if (j % 2 == 0) wanted *= 2;
      EXPECT_EQ(out[j * 8 + i], wanted) << i << ", " << j;
    }
  }
}

}  // namespace
}  // namespace metal_sim::msl::test
