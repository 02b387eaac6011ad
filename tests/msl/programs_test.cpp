// Kernels as people write them: a norm over rows as a template for three types, and a tiled product
// on simdgroup matrices in threadgroup memory.
#include <cmath>

#include "support.h"

namespace metal_sim::msl::test {
namespace {

using Floats = std::vector<float>;

const std::string kNorm = std::string(kHead) + R"(
typedef struct { uint cols; float eps; } Args;
template <typename T> struct load4 {
  static float4 at(device const T* p, uint i) { return float4(*(device const vec<T, 4>*)(p + i)); }
};
template <typename T, typename Acc = float>
kernel void norm(device const T* x [[buffer(0)]], device T* y [[buffer(1)]],
                 constant Args& args [[buffer(2)]], threadgroup Acc* scratch [[threadgroup(0)]],
                 uint row [[threadgroup_position_in_grid]],
                 ushort tid [[thread_index_in_threadgroup]],
                 uint lane [[thread_index_in_simdgroup]],
                 uint sg [[simdgroup_index_in_threadgroup]], uint3 tg [[threads_per_threadgroup]]) {
  device const T* r = x + ulong(row) * args.cols;
  Acc s = 0;
  for (uint i = tid * 4; i + 3 < args.cols; i += tg.x * 4) {
    float4 v = load4<T>::at(r, i);
    s += dot(v, v);
  }
  s = simd_sum(s);
  if (lane == 0) scratch[sg] = s;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  s = simd_sum(lane < tg.x / 32 ? scratch[lane] : Acc(0));
  const Acc scale = rsqrt(s / args.cols + args.eps);
  for (uint i = tid; i < args.cols; i += tg.x) y[row * args.cols + i] = T(Acc(r[i]) * scale);
}
#define instantiate(name, T) template [[host_name(name)]] [[kernel]] decltype(norm<T>) norm<T>;
instantiate("norm_f32", float)
instantiate("norm_f16", half)
instantiate("norm_bf16", bfloat)
)";

struct NormArgs {
  uint32_t columns;
  float epsilon;
};

template <typename T>
std::vector<T> run_norm(const std::string& name, std::vector<T> x, uint32_t columns) {
  std::vector<T> y(x.size());
  value_of(Call()
               .buffer(0, x)
               .buffer(1, y)
               .bytes(2, NormArgs{columns, 1e-5f})
               .threadgroup_memory(0, 128)
               .groups({x.size() / columns}, {64})
               .run(*kernel_of(kNorm, name)));
  return y;
}

TEST(Programs, ANormForThreeTypes) {
  const uint32_t columns = 500;
  const Floats x = air::test::randoms(3 * columns, 7);
  const auto check = [&](const Floats& rounded, const Floats& y, float roundoff, double tiny) {
    for (size_t i = 0; i < y.size(); ++i) {
      double sum = 0;
      for (size_t k = i / columns * columns, n = 0; n < columns; ++k, ++n)
        sum += double(rounded[k]) * rounded[k];
      const double wanted = rounded[i] / std::sqrt(sum / columns + 1e-5f);
      // The type's rounding (half of half's smallest number at least), float's of a chain of 20.
      ASSERT_NEAR(y[i], wanted, std::abs(wanted) * (1.01 * roundoff + 20 * 0x1p-24) + tiny) << i;
    }
  };
  check(x, run_norm("norm_f32", x, columns), 0x1p-24f, 0);
  const auto half = air::test::to_half(x), bfloat = air::test::to_bfloat(x);
  check(air::test::from_half(half), air::test::from_half(run_norm("norm_f16", half, columns)),
        0x1p-11f, 0x1p-25);
  check(air::test::from_bfloat(bfloat),
        air::test::from_bfloat(run_norm("norm_bf16", bfloat, columns)), 0x1p-8f, 0);
}

const std::string kProduct = std::string(kHead) + R"(
#include <metal_simdgroup_matrix>
kernel void product(device const half* a, device const half* b, device float* c,
                    constant uint3& n [[buffer(3)]], uint2 g [[threadgroup_position_in_grid]],
                    uint sg [[simdgroup_index_in_threadgroup]],
                    uint l [[thread_index_in_threadgroup]]) {
  threadgroup half As[32 * 32];
  threadgroup half Bs[32][32];
  simdgroup_float8x8 acc[2][2];
#pragma unroll
  for (int i = 0; i < 4; ++i) acc[i / 2][i % 2] = make_filled_simdgroup_matrix<float, 8>(0.f);
  const uint row = sg / 2 * 16, column = sg % 2 * 16;
  for (uint k = 0; k < n.z; k += 32) {
    for (uint i = l; i < 1024; i += 128) {
      As[i] = a[(g.y * 32 + i / 32) * n.z + k + i % 32];
      Bs[i / 32][i % 32] = b[(k + i / 32) * n.y + g.x * 32 + i % 32];
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int kk = 0; kk < 32; kk += 8) {
      simdgroup_half8x8 ma[2], mb[2];
      for (int i = 0; i < 2; ++i) {
        simdgroup_load(ma[i], As + (row + i * 8) * 32 + kk, 32);
        simdgroup_load(mb[i], &Bs[kk][column + i * 8], 32, 0, false);
      }
      for (int i = 0; i < 4; ++i) {
        simdgroup_multiply_accumulate(acc[i / 2][i % 2], ma[i / 2], mb[i % 2], acc[i / 2][i % 2]);
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  for (int i = 0; i < 4; ++i) {
    device float* to = c + (g.y * 32 + row + i / 2 * 8) * n.y + g.x * 32 + column + i % 2 * 8;
    simdgroup_store(acc[i / 2][i % 2], to, n.y);
  }
})";

TEST(Programs, ATiledProductOnSimdgroupMatrices) {
  const uint32_t m = 64, n = 96, k = 64;
  auto a = air::test::to_half(air::test::randoms(m * k, 1));
  auto b = air::test::to_half(air::test::randoms(k * n, 2));
  Floats c(m * n);
  const uint32_t sizes[4] = {m, n, k, 0};
  value_of(Call()
               .buffer(0, a)
               .buffer(1, b)
               .buffer(2, c)
               .bytes(3, std::span<const uint32_t>(sizes))
               .groups({n / 32, m / 32}, {128})
               .run(*kernel_of(kProduct, "product")));
  const Floats x = air::test::from_half(a), y = air::test::from_half(b);
  for (size_t i = 0; i < c.size(); ++i) {
    double sum = 0, size = 0;
    for (size_t l = 0; l < k; ++l) {
      const double one = double(x[i / n * k + l]) * y[l * n + i % n];
      sum += one;
      size += std::abs(one);
    }
    ASSERT_NEAR(c[i], sum, k * 0x1p-24 * size) << i;
  }
}

}  // namespace
}  // namespace metal_sim::msl::test
