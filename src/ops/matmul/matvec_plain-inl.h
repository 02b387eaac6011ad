// A few rows times a weight W [N, K] that is not quantised. A block of W's rows is turned round in
// the first-level cache, so that lanes lie along N as everywhere, and memory is read once, a block
// of rows beside each other, all the way along K: packing it in slabs reads it in pieces of a few
// hundred bytes, at a sixth of the memory's rate.
#if defined(PEWTER_MATVEC_PLAIN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PEWTER_MATVEC_PLAIN_INL_H_
#undef PEWTER_MATVEC_PLAIN_INL_H_
#else
#define PEWTER_MATVEC_PLAIN_INL_H_
#endif

#include "device/cpu/thread_pool.h"
#include "ops/matmul/gemm_pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {

constexpr int64_t kTurned = 32;  // k turned round at a time

// Asks for what follows this tile in memory, evenly while this one is worked on: read row by row it
// is more streams than the processor's prefetchers follow.
template <typename T>
HWY_INLINE void prefetch_share(const T* from, int64_t rows, int64_t k0, int64_t depth) {
  const T* const end = from + rows * (k0 + depth);
  for (const T* p = from + rows * k0; p < end; p += 64 / sizeof(T)) __builtin_prefetch(p, 0, 2);
}

// kM rows of A times columns n .. of B, in one chain over k for each element.
template <int kM, typename T>
void matvec_plain_tile(const GemmArgs& g, int64_t m, int64_t n) {
  constexpr int kV = kTileColumns / kVectorLanes;
  const F32 d;
  const GemmTerm& t = g.terms[0];
  const auto* x = static_cast<const float*>(t.a.data) + m * t.a.row_stride;
  const int64_t stride = t.b.column_stride, columns = std::min(kTileColumns, g.n - n);
  const T* w = static_cast<const T*>(t.b.data) + n * stride;
  const int64_t next = stride == t.k ? std::min(kTileColumns, g.n - n - columns) : 0;
  HWY_ALIGN float turned[kTurned * kTileColumns];
  VF32 acc[kM][kV];
  for (auto& row : acc) {
    for (VF32& v : row) v = hn::Zero(d);
  }
  for (int64_t k0 = 0; k0 < t.k; k0 += kTurned) {
    const int64_t depth = std::min(kTurned, t.k - k0);
    if (next > 0) prefetch_share(w + columns * stride, next, k0, depth);
    interleave(w + k0, stride, 1, columns, kTileColumns, depth, t.b_scale, turned);
    for (int64_t k = 0; k < depth; ++k) {
      for (int i = 0; i < kM; ++i) {
        const VF32 xk = hn::Set(d, x[i * t.a.row_stride + k0 + k]);
        for (int v = 0; v < kV; ++v) {
          const VF32 b = hn::Load(d, turned + k * kTileColumns + v * kVectorLanes);
          acc[i][v] = mul_add(xk, b, acc[i][v]);
        }
      }
    }
  }
  for (int i = 0; i < kM; ++i) {
    HWY_ALIGN float out[kTileColumns];
    for (int v = 0; v < kV; ++v) hn::Store(acc[i][v], d, out + v * kVectorLanes);
    float* c = g.c + (m + i) * g.c_stride + n;
    for (int64_t j = 0; j < columns; ++j) c[j] = g.bias ? out[j] + g.bias[n + j] : out[j];
  }
}

void matvec_plain(const GemmArgs& g) {
  const int64_t tiles = (g.n + kTileColumns - 1) / kTileColumns;
  with_float_type(g.terms[0].b.dtype, [&](auto type) {
    using T = decltype(type);
    const int64_t grain = std::max<int64_t>(1, 8192 / (kTileColumns * g.terms[0].k));
    cpu::parallel_ranges(tiles, grain, [&](int64_t begin, int64_t end) {
      for (int64_t tile = begin; tile < end; ++tile) {
        const int64_t n = tile * kTileColumns;
        int64_t m = 0;
        for (; m + 4 <= g.m; m += 4) matvec_plain_tile<4, T>(g, m, n);
        if (g.m - m == 3) matvec_plain_tile<3, T>(g, m, n);
        if (g.m - m == 2) matvec_plain_tile<2, T>(g, m, n);
        if (g.m - m == 1) matvec_plain_tile<1, T>(g, m, n);
      }
    });
  });
}

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
