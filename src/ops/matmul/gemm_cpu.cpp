// The blocked product and the matrix-vector product; see gemm.h for why they agree to the bit.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/matmul/gemm_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// (these two must come first: the rest is compiled once per target)

#include <algorithm>

#include "device/cpu/thread_pool.h"
#include "ops/kernels.h"
#include "ops/matmul/gemm.h"
#include "ops/matmul/gemm_pack-inl.h"
#include "ops/matmul/int16_gemm.h"
#include "ops/matmul/matvec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {

// Rows of a micro-tile: kRows * kVectors accumulators, kVectors of B and one broadcast must fit the
// registers (32 of them with AVX-512 and NEON, 16 otherwise).
constexpr int kRows = HWY_MAX_BYTES == 64 ? 12 : 6;
constexpr int kVectors = kTileColumns / kVectorLanes;
constexpr int64_t kDepth = 288;  // k a block: 12 x 288 of A and 288 x 32 of B share 48 KiB
constexpr int64_t kSlabColumns =
    96;                             // a slab of B is 288 x 96 floats, 108 KiB, of the second level
constexpr int64_t kRowBlock = 240;  // rows a task takes: multiple of 12 and 6

// What a tile does besides adding products.
struct Tile {
  float* c;
  int64_t c_stride, columns;  // columns: how many of kTileColumns exist
  bool load;                  // go on from c
  const float* bias;          // added at the end, or null
};

template <int kR>
HWY_INLINE void store_tile(const VF32 (&acc)[kR][kVectors], const Tile& t) {
  const F32 d;
  for (int i = 0; i < kR; ++i) {
    float* row = t.c + i * t.c_stride;
    if (t.columns == kTileColumns) {
      for (int v = 0; v < kVectors; ++v) hn::StoreU(acc[i][v], d, row + v * kVectorLanes);
      continue;
    }
    HWY_ALIGN float buffer[kTileColumns];
    for (int v = 0; v < kVectors; ++v) hn::Store(acc[i][v], d, buffer + v * kVectorLanes);
    std::copy_n(buffer, t.columns, row);
  }
}

// kR rows of A times one panel of B. A is packed (a[k * kR + i]), or where it lies, in rows.
template <int kR, bool kPacked>
void micro_tile(const float* HWY_RESTRICT a, int64_t a_stride, const float* HWY_RESTRICT b,
                int64_t depth, const Tile& t) {
  const F32 d;
  const float* HWY_RESTRICT rows[kR];
  for (int i = 0; i < kR; ++i) rows[i] = a + (kPacked ? i : i * a_stride);
  VF32 acc[kR][kVectors];
  HWY_ALIGN float buffer[kTileColumns] = {};
  for (int i = 0; i < kR; ++i) {
    const float* row = t.c + i * t.c_stride;
    if (t.load && t.columns < kTileColumns) {
      std::copy_n(row, t.columns, buffer);
      row = buffer;
    }
    for (int v = 0; v < kVectors; ++v) {
      acc[i][v] = t.load ? hn::LoadU(d, row + v * kVectorLanes) : hn::Zero(d);
    }
  }
  for (int64_t k = 0; k < depth; ++k, b += kTileColumns) {
    VF32 row_b[kVectors];
    for (int v = 0; v < kVectors; ++v) row_b[v] = hn::Load(d, b + v * kVectorLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kR; ++i) {
      const VF32 x = hn::Set(d, kPacked ? a[k * kR + i] : rows[i][k]);
      for (int v = 0; v < kVectors; ++v) acc[i][v] = mul_add(x, row_b[v], acc[i][v]);
    }
  }
  if (t.bias) {
    std::copy_n(t.bias, t.columns, buffer);
    for (int v = 0; v < kVectors; ++v) {
      const VF32 add = hn::Load(d, buffer + v * kVectorLanes);
      for (int i = 0; i < kR; ++i) acc[i][v] = hn::Add(acc[i][v], add);
    }
  }
  store_tile(acc, t);
}

using MicroTile = void (*)(const float*, int64_t, const float*, int64_t, const Tile&);
template <bool kPacked, int... kI>
MicroTile micro_tile_for(int64_t rows, std::integer_sequence<int, kI...>) {
  static constexpr MicroTile kTable[] = {micro_tile<kI + 1, kPacked>...};
  return kTable[rows - 1];
}

// Whether tiles read A where it lies: with few columns, packing it costs more than it brings. (With
// many it brings its price: rows that fall on each other in the caches, more pages.) Twelve rows
// would need more pointers than there are registers.
bool reads_in_place(const GemmMatrix& a, int64_t n) {
  return kRows <= 6 && n <= kSlabColumns && a.dtype == DType::f32 && a.column_stride == 1;
}

// One block of k of one term, of which the packed A is ready.
struct Step {
  const GemmArgs* g;
  const GemmTerm* term;
  int64_t k0, depth;
  bool load, last;
  const float* packed_a;  // tiles of kRows rows, the last one of what is left; null: in place

  const float* rows_from(int64_t m) const {
    if (packed_a) return packed_a + m * depth;
    return static_cast<const float*>(term->a.data) + m * term->a.row_stride + k0;
  }
};

void multiply_block(const Step& s, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
  const GemmArgs& g = *s.g;
  auto* slab = static_cast<float*>(cpu::thread_scratch(kDepth * kSlabColumns * 4));
  for (int64_t n = n0; n < n1; n += kTileColumns) {
    pack_b(*s.term, s.k0, s.depth, n, g.n, slab + (n - n0) * s.depth);
  }
  for (int64_t m = m0; m < m1; m += kRows) {
    const int64_t rows = std::min<int64_t>(kRows, g.m - m);
    const std::make_integer_sequence<int, kRows> sizes;
    const MicroTile run =
        s.packed_a ? micro_tile_for<true>(rows, sizes) : micro_tile_for<false>(rows, sizes);
    for (int64_t n = n0; n < n1; n += kTileColumns) {
      const Tile tile{g.c + m * g.c_stride + n, g.c_stride,
                      std::min<int64_t>(kTileColumns, g.n - n), s.load,
                      s.last && g.bias ? g.bias + n : nullptr};
      run(s.rows_from(m), s.term->a.row_stride, slab + (n - n0) * s.depth, s.depth, tile);
    }
  }
}

void blocked(const GemmArgs& g, float* packed_a) {
  const int64_t slabs = (g.n + kSlabColumns - 1) / kSlabColumns;
  // Few columns: rows are divided too, at the price of packing B again for every block of them.
  const int64_t row_blocks =
      slabs >= 2 * cpu::thread_count() ? 1 : (g.m + kRowBlock - 1) / kRowBlock;
  const int64_t rows = ((g.m + row_blocks - 1) / row_blocks + kRows - 1) / kRows * kRows;
  bool load = g.accumulate;
  for (int i = 0; i < g.n_terms; ++i) {
    const GemmTerm& term = g.terms[i];
    for (int64_t k0 = 0; k0 < term.k; k0 += kDepth) {
      const int64_t depth = std::min(kDepth, term.k - k0);
      const bool in_place = reads_in_place(term.a, g.n);
      if (!in_place) pack_a<kRows>(term.a, g.m, k0, depth, packed_a);
      const Step step{&g,
                      &term,
                      k0,
                      depth,
                      load,
                      i + 1 == g.n_terms && k0 + depth == term.k,
                      in_place ? nullptr : packed_a};
      cpu::parallel_for(slabs * row_blocks, [&](int64_t task) {
        const int64_t n0 = task % slabs * kSlabColumns, m0 = task / slabs * rows;
        if (m0 >= g.m) return;
        multiply_block(step, m0, std::min(m0 + rows, g.m), n0, std::min(n0 + kSlabColumns, g.n));
      });
      load = true;
    }
  }
}

bool has_few_rows(const GemmArgs& g) {
  const GemmMatrix& a = g.terms[0].a;
  return g.m <= kMostMatvecRows && g.terms[0].packed && !g.accumulate && g.n_terms == 1 &&
         a.dtype == DType::f32 && a.column_stride == 1;
}

void gemm_all(const GemmArgs& g, float* packed_a) {
  if (has_few_rows(g)) return matvec(g);
  blocked(g, packed_a);
}

int64_t packed_a_floats(int64_t m) { return (m + kRows) * kDepth; }

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <cstdlib>
#include <memory>

namespace pewter {
HWY_EXPORT(gemm_all);
HWY_EXPORT(packed_a_floats);

#if defined(__x86_64__)
namespace {

bool runs_in_bf16(const GemmArgs& g) {
  static const bool present =
      __builtin_cpu_supports("avx512bf16") && (hwy::SupportedTargets() & HWY_AVX3) != 0;
  const GemmTerm& t = g.terms[0];
  return present && g.n_terms == 1 && !g.accumulate && !t.packed && !t.blocks && t.b_scale == 1 &&
         t.a.dtype == DType::bf16 && t.b.dtype == DType::bf16;
}

}  // namespace
#endif

float* cpu::packed_a_memory(int64_t floats) {
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  thread_local std::unique_ptr<void, Free> block;
  thread_local int64_t size = 0;
  if (floats > size) {
    block.reset(std::aligned_alloc(64, static_cast<size_t>((floats * 4 + 63) / 64 * 64)));
    size = block ? floats : 0;
    if (!block) throw_error(ErrorCode::out_of_memory, "[matmul] no {} bytes to pack", floats * 4);
  }
  return static_cast<float*>(block.get());
}

namespace {

// Terms without k add nothing, and the last of those left is the one that adds the bias.
GemmArgs without_empty_terms(const GemmArgs& args) {
  GemmArgs g = args;
  g.n_terms = 0;
  for (int i = 0; i < args.n_terms; ++i) {
    if (args.terms[i].k > 0) g.terms[g.n_terms++] = args.terms[i];
  }
  return g;
}

// The weight by a kernel of its own; what follows it goes on from the sums it left.
void split(const GemmArgs& args) {
  GemmArgs first = args, rest = args;
  first.n_terms = 1;
  first.bias = nullptr;
  rest.accumulate = true;
  rest.terms[0] = args.terms[1];
  rest.n_terms = args.n_terms - 1;
  cpu::gemm(first);
  cpu::gemm(rest);
}

}  // namespace

void cpu::gemm(const GemmArgs& all) {
  if (all.m == 0 || all.n == 0) return;
  const GemmArgs args = without_empty_terms(all);
  if (args.n_terms == 0) {  // nothing to add: C is zero, or stays, and takes the bias
    for (int64_t m = 0; m < args.m; ++m) {
      float* row = args.c + m * args.c_stride;
      if (!args.accumulate) std::fill_n(row, args.n, 0.0f);
      for (int64_t n = 0; args.bias && n < args.n; ++n) row[n] += args.bias[n];
    }
    return;
  }
#if defined(__x86_64__)
  if (runs_in_bf16(args)) return gemm_bf16(args);
#endif
  const GemmTerm& first = args.terms[0];
  const bool alone = first.int16 || (first.packed && args.m <= kMostMatvecRows);
  if (alone && args.n_terms > 1) return split(args);
  if (first.int16) return int16_gemm(args);
  const int64_t floats = HWY_DYNAMIC_DISPATCH(packed_a_floats)(args.m);
  HWY_DYNAMIC_DISPATCH(gemm_all)(args, packed_a_memory(floats));
}
}  // namespace pewter
#endif
