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
#include "ops/matmul/matvec_plain-inl.h"

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
  int64_t c_stride, columns;  // columns: how many of the tile's exist
  bool load;                  // go on from c
  const float* bias;          // added at the end, or null
};

// `columns` floats of a row of kV vectors: through a buffer where the last ones are missing.
template <int kV>
HWY_INLINE void load_columns(const float* row, int64_t columns, VF32 (&out)[kV]) {
  const F32 d;
  HWY_ALIGN float buffer[kV * kVectorLanes] = {};
  if (columns < kV * kVectorLanes) {
    std::copy_n(row, columns, buffer);
    row = buffer;
  }
  for (int v = 0; v < kV; ++v) out[v] = hn::LoadU(d, row + v * kVectorLanes);
}
template <int kV>
HWY_INLINE void store_columns(const VF32 (&values)[kV], int64_t columns, float* row) {
  const F32 d;
  if (columns >= kV * kVectorLanes) {
    for (int v = 0; v < kV; ++v) hn::StoreU(values[v], d, row + v * kVectorLanes);
    return;
  }
  HWY_ALIGN float buffer[kV * kVectorLanes];
  for (int v = 0; v < kV; ++v) hn::Store(values[v], d, buffer + v * kVectorLanes);
  std::copy_n(buffer, columns, row);
}

// Where a tile reads: A packed (a[k * kR + i]) or in rows; B in a panel or in rows.
struct Operands {
  const float* a;
  int64_t a_stride;
  const float* b;
  int64_t b_stride;
  int64_t depth;
};

// kR rows of A times kV vectors of B's columns.
template <int kR, int kV, bool kPacked>
void micro_tile(const Operands& o, const Tile& t) {
  const F32 d;
  const float* HWY_RESTRICT a = o.a;
  const float* HWY_RESTRICT b = o.b;
  const float* HWY_RESTRICT rows[kR];
  for (int i = 0; i < kR; ++i) rows[i] = a + (kPacked ? i : i * o.a_stride);
  VF32 acc[kR][kV];
  for (int i = 0; i < kR; ++i) {
    if (t.load)
      load_columns(t.c + i * t.c_stride, t.columns, acc[i]);
    else
      for (int v = 0; v < kV; ++v) acc[i][v] = hn::Zero(d);
  }
  const int64_t depth = o.depth, b_stride = o.b_stride;
  for (int64_t k = 0; k < depth; ++k, b += b_stride) {
    VF32 row_b[kV];
    for (int v = 0; v < kV; ++v) row_b[v] = hn::LoadU(d, b + v * kVectorLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kR; ++i) {
      const VF32 x = hn::Set(d, kPacked ? a[k * kR + i] : rows[i][k]);
      for (int v = 0; v < kV; ++v) acc[i][v] = mul_add(x, row_b[v], acc[i][v]);
    }
  }
  if (t.bias) {
    VF32 add[kV];
    load_columns(t.bias, t.columns, add);
    for (int i = 0; i < kR; ++i) {
      for (int v = 0; v < kV; ++v) acc[i][v] = hn::Add(acc[i][v], add[v]);
    }
  }
  for (int i = 0; i < kR; ++i) store_columns(acc[i], t.columns, t.c + i * t.c_stride);
}

using MicroTile = void (*)(const Operands&, const Tile&);
template <int kV, bool kPacked, int... kI>
MicroTile micro_tile_of(int64_t rows, std::integer_sequence<int, kI...>) {
  static constexpr MicroTile kTable[] = {micro_tile<kI + 1, kV, kPacked>...};
  return kTable[rows - 1];
}

// Half as wide where no more columns are left: LoRA's rank is 16 as a rule, as many as a vector has
// lanes.
void run_tile(int64_t rows, bool packed, const Operands& o, const Tile& t) {
  const std::make_integer_sequence<int, kRows> sizes;
  MicroTile run = micro_tile_of<kVectors, true>(rows, sizes);
  if (t.columns <= kVectorLanes)
    run = packed ? micro_tile_of<1, true>(rows, sizes) : micro_tile_of<1, false>(rows, sizes);
  else if (!packed)
    run = micro_tile_of<kVectors, false>(rows, sizes);
  run(o, t);
}

// Whether tiles read A where it lies: with few columns, packing it costs more than it brings. (With
// many it brings its price: rows that fall on each other in the caches, more pages.) Twelve rows
// would need more pointers than there are registers.
bool reads_a_in_place(const GemmArgs& g, const GemmMatrix& a) {
  return kRows <= 6 && g.n <= kSlabColumns && a.dtype == DType::f32 && a.column_stride == 1 &&
         !g.side.u;
}
// So with B and few rows, but for a last panel that is not whole. Rows a multiple of a page apart
// share their places in the caches and would not be found there by a second tile.
bool reads_b_in_place(const GemmArgs& g, const GemmTerm& t, int64_t n) {
  const bool few = g.m <= kRows || (g.m <= 2 * kRows && t.b.row_stride % 1024 != 0);
  return few && !t.packed && !t.blocks && t.b.dtype == DType::f32 && t.b.column_stride == 1 &&
         t.b_scale == 1 && n + kTileColumns <= g.n;
}

// One block of k of one term, of which the packed A is ready; perhaps with a riding term behind.
struct Step {
  const GemmArgs* g;
  const GemmTerm* term;
  int64_t k0, depth;
  const GemmTerm* riding;  // or null
  bool load, last;
  const float* packed_a;  // tiles of kRows rows, the last one of what is left; null: in place

  int64_t whole_depth() const { return depth + (riding ? riding->k : 0); }
  const float* rows_from(int64_t m) const {
    if (packed_a) return packed_a + m * whole_depth();
    return static_cast<const float*>(term->a.data) + m * term->a.row_stride + k0;
  }
};

// The panel of columns n .., in place or packed into `memory`.
Operands panel(const Step& s, int64_t n, float* memory) {
  const GemmTerm& t = *s.term;
  if (!s.riding && reads_b_in_place(*s.g, t, n)) {
    const auto* b = static_cast<const float*>(t.b.data) + s.k0 * t.b.row_stride + n;
    return {nullptr, t.a.row_stride, b, t.b.row_stride, s.depth};
  }
  pack_b(t, s.k0, s.depth, n, s.g->n, memory);
  if (s.riding) {
    pack_b(*s.riding, 0, s.riding->k, n, s.g->n, memory + s.depth * kTileColumns);
  }
  return {nullptr, t.a.row_stride, memory, kTileColumns, s.whole_depth()};
}

float* slab_memory() {
  return static_cast<float*>(cpu::thread_scratch((kDepth + kMostRiding) * kSlabColumns * 4));
}

// A tile begins by waiting for its part of C: the one before asks for it.
HWY_INLINE void prefetch_rows(const float* c, int64_t stride, int64_t rows) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t line = 0; line < kTileColumns; line += 16)
      __builtin_prefetch(c + i * stride + line);
  }
}

void multiply_block(const Step& s, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
  const GemmArgs& g = *s.g;
  float* memory = slab_memory();
  Operands panels[kSlabColumns / kTileColumns];
  for (int64_t n = n0; n < n1; n += kTileColumns) {
    panels[(n - n0) / kTileColumns] = panel(s, n, memory + (n - n0) * s.whole_depth());
  }
  for (int64_t m = m0; m < m1; m += kRows) {
    const int64_t rows = std::min<int64_t>(kRows, g.m - m);
    for (int64_t n = n0; n < n1; n += kTileColumns) {
      Operands& o = panels[(n - n0) / kTileColumns];
      o.a = s.rows_from(m);
      const bool next_rows = n + kTileColumns >= n1;
      const int64_t next_m = next_rows ? m + kRows : m, next_n = next_rows ? n0 : n + kTileColumns;
      if (s.load) {
        prefetch_rows(g.c + next_m * g.c_stride + next_n, g.c_stride,
                      std::min<int64_t>(kRows, g.m - next_m));
      }
      run_tile(rows, s.packed_a != nullptr, o,
               {g.c + m * g.c_stride + n, g.c_stride, std::min<int64_t>(kTileColumns, g.n - n),
                s.load, s.last && g.bias ? g.bias + n : nullptr});
    }
  }
}

// The side product's share of one block of k, for tiles begin .. end of packed A.
void side_block(const Step& s, int64_t begin, int64_t end, const float* packed_a) {
  const GemmArgs& g = *s.g;
  GemmTerm t;
  t.b = g.side.b;
  t.b_scale = g.side.b_scale;
  float* memory = slab_memory();
  for (int64_t n = 0; n < g.side.r; n += kTileColumns) {
    pack_b(t, s.k0, s.depth, n, g.side.r, memory);
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t m = tile * kRows;
      run_tile(std::min<int64_t>(kRows, g.m - m), true,
               {packed_a + m * s.whole_depth(), 0, memory, kTileColumns, s.depth},
               {g.side.u + m * g.side.r + n, g.side.r,
                std::min<int64_t>(kTileColumns, g.side.r - n), s.k0 > 0, nullptr});
    }
  }
}

// Packs A, and computes the side product of it, whose last block makes the riding term's A.
void prepare_a(const Step& s, float* out) {
  const GemmArgs& g = *s.g;
  const int64_t tiles = (g.m + kRows - 1) / kRows, whole = s.whole_depth();
  const int64_t grain = g.side.u ? 8 : 16384 / (kRows * s.depth) + 1;
  cpu::parallel_ranges(tiles, grain, [&](int64_t begin, int64_t end) {
    pack_a<kRows>(s.term->a, g.m, begin, end, s.k0, s.depth, out, whole);
    if (g.side.u && s.term == g.terms) side_block(s, begin, end, out);
    if (s.riding) {
      pack_a<kRows>(s.riding->a, g.m, begin, end, 0, s.riding->k, out, whole, s.depth);
    }
  });
}

void blocked(const GemmArgs& g, float* packed_a) {
  const int64_t slabs = (g.n + kSlabColumns - 1) / kSlabColumns;
  // Few columns: rows are divided too, at the price of packing B again for every block of them.
  const int64_t row_blocks =
      slabs >= 2 * cpu::thread_count() ? 1 : (g.m + kRowBlock - 1) / kRowBlock;
  const int64_t rows = ((g.m + row_blocks - 1) / row_blocks + kRows - 1) / kRows * kRows;
  const bool rides = g.n_terms == 2 && g.terms[1].k <= kMostRiding;
  bool load = g.accumulate;
  for (int i = 0; i < (rides ? 1 : g.n_terms); ++i) {
    const GemmTerm& term = g.terms[i];
    for (int64_t k0 = 0; k0 < term.k; k0 += kDepth) {
      const int64_t depth = std::min(kDepth, term.k - k0);
      const bool end = k0 + depth == term.k, in_place = !rides && reads_a_in_place(g, term.a);
      const Step step{&g,
                      &term,
                      k0,
                      depth,
                      rides && end ? &g.terms[1] : nullptr,
                      load,
                      end && (rides || i + 1 == g.n_terms),
                      in_place ? nullptr : packed_a};
      if (!in_place) prepare_a(step, packed_a);
      cpu::parallel_for(slabs * row_blocks, [&](int64_t task) {
        const int64_t n0 = task % slabs * kSlabColumns, m0 = task / slabs * rows;
        if (m0 >= g.m) return;
        multiply_block(step, m0, std::min(m0 + rows, g.m), n0, std::min(n0 + kSlabColumns, g.n));
      });
      load = true;
    }
  }
}

void gemm_all(const GemmArgs& g, float* packed_a) {
  if (g.n_terms > 1 || !has_few_rows(g)) return blocked(g, packed_a);
  g.terms[0].packed ? matvec(g) : matvec_plain(g);
}

int64_t packed_a_floats(int64_t m) { return (m + kRows) * (kDepth + kMostRiding); }

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pewter {
HWY_EXPORT(gemm_all);
HWY_EXPORT(packed_a_floats);

#if defined(__x86_64__)
namespace {

bool runs_in_bf16(const GemmArgs& g) {
  static const bool present =
      __builtin_cpu_supports("avx512bf16") && (hwy::SupportedTargets() & HWY_AVX3) != 0;
  const GemmTerm& t = g.terms[0];
  return present && g.n_terms == 1 && !g.side.u && !g.accumulate && !t.packed && !t.blocks &&
         t.b_scale == 1 && t.a.dtype == DType::bf16 && t.b.dtype == DType::bf16;
}

}  // namespace
#endif

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

// The side product by itself, where it cannot be computed on the way.
void side_alone(const GemmArgs& g) {
  if (g.side.r == 0) return;
  GemmTerm t;
  t.a = g.terms[0].a;
  t.b = g.side.b;
  t.b_scale = g.side.b_scale;
  t.k = g.terms[0].k;
  cpu::gemm(one_term(g.m, g.side.r, t, g.side.u));
}

// Whether the first term is computed by a kernel that knows no other.
bool runs_alone(const GemmArgs& g) { return g.terms[0].int16 || has_few_rows(g); }

bool can_ride(const GemmArgs& g) {
  return !runs_alone(g) && g.n > 0 && g.terms[0].k > 0 && g.side.r > 0 && g.side.r <= kMostRiding;
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
  if (all.m == 0) return;
  if (all.side.u && !can_ride(all)) {
    GemmArgs rest = all;
    rest.side = {};
    side_alone(all);
    return cpu::gemm(rest);
  }
  if (all.n == 0) return;
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
  if (runs_alone(args) && args.n_terms > 1) return split(args);
  if (first.int16) return int16_gemm(args);
  const int64_t floats = HWY_DYNAMIC_DISPATCH(packed_a_floats)(args.m);
  HWY_DYNAMIC_DISPATCH(gemm_all)(args, static_cast<float*>(caller_scratch(floats * 4)));
}
}  // namespace pewter
#endif
