// The product of bf16 operands on processors with AVX-512 and vdpbf16ps, which multiplies pairs and
// adds them to f32 in one instruction. Highway 1.0.3 has no target with it, so this file is
// compiled for it (cmake/pewter.cmake) and entered only where the processor says so.
//
// Element (m, n) is one chain over pairs of k: acc, then + a[k+1] b[k+1], then + a[k] b[k], each
// fused and rounded to f32, subnormals taken as zero (Intel SDM, VDPBF16PS). The chain does not
// know tiles, threads, M or N. The blocking is gemm_cpu.cpp's: 12 x 2 accumulators, a slab of B in
// the second-level cache, packed A shared by all threads.
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "device/cpu/thread_pool.h"
#include "ops/matmul/gemm.h"

namespace pewter::cpu {
namespace {

constexpr int kRows = 12;
constexpr int64_t kColumns = 32;      // of a panel: two vectors of f32
constexpr int64_t kPairs = 256;       // of k in a block
constexpr int64_t kSlabColumns = 96;  // 256 pairs x 96 columns: 96 KiB
constexpr int64_t kRowBlock = 240;    // rows a task takes when there are few slabs

const uint16_t* at(const GemmMatrix& x, int64_t row, int64_t column) {
  return static_cast<const uint16_t*>(x.data) + row * x.row_stride + column * x.column_stride;
}

// Values k and k + 1 of one line, the second zero where the line ends.
uint32_t pair_at(const uint16_t* line, int64_t stride, int64_t k, int64_t end) {
  const uint32_t low = line[k * stride];
  return k + 1 < end ? low | uint32_t{line[(k + 1) * stride]} << 16 : low;
}

// out[p * rows + i]: tiles of kRows rows, the last one of what is left.
void pack_a(const GemmMatrix& a, int64_t m, int64_t k0, int64_t depth, uint32_t* out) {
  const int64_t pairs = (depth + 1) / 2, tiles = (m + kRows - 1) / kRows;
  parallel_ranges(tiles, 16384 / (kRows * depth) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t rows = std::min<int64_t>(kRows, m - t * kRows);
      uint32_t* tile = out + t * kRows * pairs;
      for (int64_t i = 0; i < rows; ++i) {
        const uint16_t* line = at(a, t * kRows + i, k0);
        for (int64_t p = 0; p < pairs; ++p) {
          tile[p * rows + i] = pair_at(line, a.column_stride, 2 * p, depth);
        }
      }
    }
  });
}

// Sixteen columns of rows k and k + 1, side by side in memory, as pairs.
__m512i join_rows(const uint16_t* low, const uint16_t* high) {
  const auto wide = [](const uint16_t* p) {
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  };
  return high ? _mm512_or_si512(wide(low), _mm512_slli_epi32(wide(high), 16)) : wide(low);
}

// out[p * kColumns + n]: one panel, zeros where columns end.
void pack_b(const GemmMatrix& b, int64_t k0, int64_t depth, int64_t n0, int64_t columns,
            uint32_t* out) {
  const int64_t pairs = (depth + 1) / 2;
  if (columns == kColumns && b.column_stride == 1) {
    for (int64_t p = 0; p < pairs; ++p, out += kColumns) {
      const uint16_t* low = at(b, k0 + 2 * p, n0);
      const uint16_t* high = 2 * p + 1 < depth ? at(b, k0 + 2 * p + 1, n0) : nullptr;
      _mm512_storeu_si512(out, join_rows(low, high));
      _mm512_storeu_si512(out + 16, join_rows(low + 16, high ? high + 16 : nullptr));
    }
    return;
  }
  for (int64_t n = 0; n < columns; ++n) {
    const uint16_t* line = at(b, k0, n0 + n);
    for (int64_t p = 0; p < pairs; ++p) {
      out[p * kColumns + n] = pair_at(line, b.row_stride, 2 * p, depth);
    }
  }
  for (int64_t n = columns; n < kColumns; ++n) {
    for (int64_t p = 0; p < pairs; ++p) out[p * kColumns + n] = 0;
  }
}

struct Tile {
  float* c;
  int64_t c_stride;
  __mmask16 mask[2];  // columns that exist
  bool load;          // go on from c
  const float* bias;  // added at the end, or null
};

template <int kR>
void micro_tile(const uint32_t* a, const uint32_t* b, int64_t pairs, const Tile& t) {
  __m512 acc[kR][2];
  for (int i = 0; i < kR; ++i) {
    for (int v = 0; v < 2; ++v) {
      acc[i][v] = t.load ? _mm512_maskz_loadu_ps(t.mask[v], t.c + i * t.c_stride + 16 * v)
                         : _mm512_setzero_ps();
    }
  }
  for (int64_t p = 0; p < pairs; ++p, a += kR, b += kColumns) {
    const auto b0 = reinterpret_cast<__m512bh>(_mm512_loadu_si512(b));
    const auto b1 = reinterpret_cast<__m512bh>(_mm512_loadu_si512(b + 16));
#pragma GCC unroll 16
    for (int i = 0; i < kR; ++i) {
      const auto x = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(a[i])));
      acc[i][0] = _mm512_dpbf16_ps(acc[i][0], x, b0);
      acc[i][1] = _mm512_dpbf16_ps(acc[i][1], x, b1);
    }
  }
  for (int v = 0; v < 2; ++v) {
    const __m512 bias =
        t.bias ? _mm512_maskz_loadu_ps(t.mask[v], t.bias + 16 * v) : _mm512_setzero_ps();
    for (int i = 0; i < kR; ++i) {
      const __m512 sum = t.bias ? _mm512_add_ps(acc[i][v], bias) : acc[i][v];
      _mm512_mask_storeu_ps(t.c + i * t.c_stride + 16 * v, t.mask[v], sum);
    }
  }
}

using MicroTile = void (*)(const uint32_t*, const uint32_t*, int64_t, const Tile&);
template <int... kI>
MicroTile micro_tile_for(int64_t rows, std::integer_sequence<int, kI...>) {
  static constexpr MicroTile kTable[] = {micro_tile<kI + 1>...};
  return kTable[rows - 1];
}

__mmask16 mask_of(int64_t columns) {
  return static_cast<__mmask16>(columns >= 16 ? 0xffff : columns > 0 ? (1 << columns) - 1 : 0);
}

// One block of k, of which the packed A is ready.
struct Block {
  const GemmArgs* g;
  int64_t k0, depth;
  const uint32_t* packed_a;
};

void multiply_block(const Block& s, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
  const GemmArgs& g = *s.g;
  const int64_t pairs = (s.depth + 1) / 2;
  const bool last = s.k0 + s.depth == g.terms[0].k;
  auto* slab = static_cast<uint32_t*>(thread_scratch(kPairs * kSlabColumns * 4));
  for (int64_t n = n0; n < n1; n += kColumns) {
    pack_b(g.terms[0].b, s.k0, s.depth, n, std::min(kColumns, g.n - n), slab + (n - n0) * pairs);
  }
  for (int64_t m = m0; m < m1; m += kRows) {
    const int64_t rows = std::min<int64_t>(kRows, g.m - m);
    const MicroTile run = micro_tile_for(rows, std::make_integer_sequence<int, kRows>());
    for (int64_t n = n0; n < n1; n += kColumns) {
      const Tile tile{g.c + m * g.c_stride + n,
                      g.c_stride,
                      {mask_of(g.n - n), mask_of(g.n - n - 16)},
                      s.k0 > 0,
                      last && g.bias ? g.bias + n : nullptr};
      run(s.packed_a + m * pairs, slab + (n - n0) * pairs, pairs, tile);
    }
  }
}

}  // namespace

void gemm_bf16(const GemmArgs& g) {
  const GemmTerm& term = g.terms[0];
  auto* packed_a = static_cast<uint32_t*>(caller_scratch((g.m + kRows) * kPairs * 4));
  const int64_t slabs = (g.n + kSlabColumns - 1) / kSlabColumns;
  const int64_t row_blocks = slabs >= 2 * thread_count() ? 1 : (g.m + kRowBlock - 1) / kRowBlock;
  const int64_t rows = ((g.m + row_blocks - 1) / row_blocks + kRows - 1) / kRows * kRows;
  for (int64_t k0 = 0; k0 < term.k; k0 += 2 * kPairs) {
    const Block block{&g, k0, std::min(2 * kPairs, term.k - k0), packed_a};
    pack_a(term.a, g.m, k0, block.depth, packed_a);
    parallel_for(slabs * row_blocks, [&](int64_t task) {
      const int64_t n0 = task % slabs * kSlabColumns, m0 = task / slabs * rows;
      if (m0 >= g.m) return;
      multiply_block(block, m0, std::min(m0 + rows, g.m), n0, std::min(n0 + kSlabColumns, g.n));
    });
  }
}

}  // namespace pewter::cpu
