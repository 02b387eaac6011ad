// Bringing operands into the order in which the micro-tile reads them: A in tiles of kR rows, k by
// k; B in panels of kTileColumns columns, k by k, zeros where columns end. This is where strides,
// transposes, dtypes and quantised blocks are dealt with, so that the tile knows none of them.
#if defined(PEWTER_GEMM_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PEWTER_GEMM_PACK_INL_H_
#undef PEWTER_GEMM_PACK_INL_H_
#else
#define PEWTER_GEMM_PACK_INL_H_
#endif

#include <algorithm>

#include "device/cpu/thread_pool.h"
#include "ops/kernels.h"
#include "ops/matmul/gemm.h"
#include "ops/matmul/panel-inl.h"
#include "ops/simd/simd-inl.h"
#include "ops/simd/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {

constexpr int64_t kVectorLanes = HWY_LANES(float);
constexpr int64_t kTileColumns = 2 * kVectorLanes < 16 ? 16 : 2 * kVectorLanes;
constexpr int64_t kPanelsPerTile = kTileColumns / kPanelRows;

template <typename T>
HWY_INLINE float as_float(T x) {
  return to_float(x);
}

#if HWY_TARGET != HWY_SCALAR
HWY_INLINE VFour load_four(const float* p) { return hn::LoadU(Four(), p); }
HWY_INLINE VFour load_four(const Half* p) {
  const hn::Rebind<hwy::float16_t, Four> d16;
  return hn::PromoteTo(Four(), hn::LoadU(d16, as_hwy(p)));
}
HWY_INLINE VFour load_four(const BFloat16* p) {
  const hn::Rebind<uint16_t, Four> d16;
  const hn::RebindToUnsigned<Four> du;
  const auto bits = hn::LoadU(d16, reinterpret_cast<const uint16_t*>(p));
  return hn::BitCast(Four(), hn::ShiftLeft<16>(hn::PromoteTo(du, bits)));
}

// Four lines, four k, turned round.
template <typename T>
HWY_INLINE void turn_four(const T* from, int64_t line_stride, VFour scale, int64_t width,
                          float* out) {
  const auto line = [&](int64_t i)
                        HWY_ATTR { return hn::Mul(load_four(from + i * line_stride), scale); };
  store_turned(line(0), line(1), line(2), line(3), width, out);
}

// As much of interleave() as goes by fours of lines and of k, where k is contiguous. Returns how
// many lines are done, of the first `depth / 4 * 4` values.
template <typename T>
int64_t interleave_fours(const T* source, int64_t line_stride, int64_t lines, int64_t width,
                         int64_t depth, float scale, float* out) {
  constexpr int64_t kBlock = 32;  // of k: a cache line or two of every line of the source
  const VFour factor = hn::Set(Four(), scale);
  for (int64_t k0 = 0; k0 < depth / 4 * 4; k0 += kBlock) {
    const int64_t k1 = std::min(depth / 4 * 4, k0 + kBlock);
    for (int64_t i = 0; i + 4 <= lines; i += 4) {
      for (int64_t k = k0; k < k1; k += 4) {
        turn_four(source + i * line_stride + k, line_stride, factor, width, out + k * width + i);
      }
    }
  }
  return lines / 4 * 4;
}
#else
template <typename T>
int64_t interleave_fours(const T*, int64_t, int64_t, int64_t, int64_t, float, float*) {
  return 0;
}
#endif

// out[k * width + i] = source(i, k): `width` lines of `depth` values, k blocked so that what is
// written stays in the first-level cache.
template <typename T>
void interleave(const T* source, int64_t line_stride, int64_t k_stride, int64_t lines,
                int64_t width, int64_t depth, float scale, float* out) {
  constexpr int64_t kBlock = 16;
  const int64_t done = k_stride == 1 && line_stride != 1
                           ? interleave_fours(source, line_stride, lines, width, depth, scale, out)
                           : 0;
  for (int64_t k0 = 0; k0 < depth; k0 += kBlock) {
    const int64_t k1 = std::min(depth, k0 + kBlock);
    if (line_stride == 1 && lines == width) {
      for (int64_t k = k0; k < k1; ++k) {
        const T* from = source + k * k_stride;
        for (int64_t i = 0; i < width; ++i) out[k * width + i] = as_float(from[i]) * scale;
      }
      continue;
    }
    for (int64_t i = 0; i < lines; ++i) {
      const T* from = source + i * line_stride;
      const int64_t first = i < done ? std::max(k0, depth / 4 * 4) : k0;
      for (int64_t k = first; k < k1; ++k)
        out[k * width + i] = as_float(from[k * k_stride]) * scale;
    }
    for (int64_t i = lines; i < width; ++i) {
      for (int64_t k = k0; k < k1; ++k) out[k * width + i] = 0;
    }
  }
}

// Tiles begin .. end of A, each `whole` deep in `out`, of which this fills `depth` from `at`.
template <int kR>
void pack_a(const GemmMatrix& a, int64_t m, int64_t begin, int64_t end, int64_t k0, int64_t depth,
            float* out, int64_t whole, int64_t at = 0) {
  with_float_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    const auto* from = static_cast<const T*>(a.data) + k0 * a.column_stride;
    for (int64_t t = begin; t < end; ++t) {
      const int64_t rows = std::min<int64_t>(kR, m - t * kR);
      interleave(from + t * kR * a.row_stride, a.row_stride, a.column_stride, rows, rows, depth, 1,
                 out + t * kR * whole + at * rows);
    }
  });
}

// W^T from panels: the values of a group, k by k, are already side by side.
void pack_panels(const PackedWeight& w, int64_t k0, int64_t depth, int64_t n, float* out) {
  with_format(w, [&]<bool kFour, bool kHalf>() {
    for (int64_t p = 0; p < kPanelsPerTile; ++p) {
      const int64_t panel = n / kPanelRows + p;
      float* column = out + p * kPanelRows;
      if (panel >= w.panels()) {
        for (int64_t k = 0; k < depth; ++k) std::fill_n(column + k * kTileColumns, kPanelRows, 0.f);
        continue;
      }
      const uint8_t* group = w.panel(panel) + k0 / w.group * w.group_bytes;
      for (int64_t k = 0; k < depth; k += w.group, group += w.group_bytes) {
        for_group<kFour, kHalf>(group, w.group, [&](int64_t i, int part, VPart v) {
          hn::StoreU(v, FPart(), column + (k + i) * kTileColumns + part * kPartLanes);
        });
      }
    }
  });
}

// The first N half-precision numbers of a block. Four are read: no block is shorter.
template <int N>
HWY_INLINE void block_halves(const uint8_t* block, VF32 (&out)[N]) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < N; ++i) {
    uint16_t bits;
    std::memcpy(&bits, block + 2 * i, 2);
    out[i] = hn::Set(F32(), to_float(Half{bits}));
  }
#else
  HWY_ALIGN float four[4];
  hn::Store(load_four(reinterpret_cast<const Half*>(block)), Four(), four);
  for (int i = 0; i < N; ++i) out[i] = hn::Set(F32(), four[i]);
#endif
}

// One row of 32 Q4_1 values: the format that training's backward reads most.
HWY_INLINE void q4_1_row(const uint8_t* block, float* out) {
  const F32 d;
  const hn::Rebind<uint8_t, F32> d8;
  const hn::Rebind<int32_t, F32> di;
  VF32 scale[2];  // and offset
  block_halves(block, scale);
  for (int64_t i = 0; i < 16; i += kVectorLanes) {
    const auto both = hn::PromoteTo(di, hn::LoadU(d8, block + 4 + i));
    const auto low = hn::And(both, hn::Set(di, 15)), high = hn::ShiftRight<4>(both);
    hn::StoreU(mul_add(hn::ConvertTo(d, low), scale[0], scale[1]), d, out + i);
    hn::StoreU(mul_add(hn::ConvertTo(d, high), scale[0], scale[1]), d, out + 16 + i);
  }
}

HWY_INLINE void q8_0_row(const uint8_t* block, float* out) {
  const F32 d;
  const hn::Rebind<int8_t, F32> d8;
  const hn::Rebind<int32_t, F32> di;
  VF32 scale[1];
  block_halves(block, scale);
  const auto* q = reinterpret_cast<const int8_t*>(block + 2);
  for (int64_t i = 0; i < 32; i += kVectorLanes) {
    const auto v = hn::PromoteTo(di, hn::LoadU(d8, q + i));
    hn::StoreU(hn::Mul(hn::ConvertTo(d, v), scale[0]), d, out + i);
  }
}

// W itself, [K, N] with blocks along N: rows of blocks, dequantised where the panel's columns lie.
// row(block, out) does one block.
template <typename Row>
void pack_block_rows(const GemmTerm& t, int64_t k0, int64_t depth, int64_t n, int64_t n_all,
                     float* out, Row&& row) {
  const DTypeInfo& format = info(t.block_dtype);
  const int64_t values = format.block_values, row_bytes = n_all / values * format.block_bytes;
  const int64_t columns = std::min(kTileColumns, n_all - n), first = n / values * values;
  const int64_t blocks = (n + columns - first + values - 1) / values;
  const bool whole = first == n && columns == kTileColumns && blocks * values == columns;
  const uint8_t* from =
      static_cast<const uint8_t*>(t.blocks) + k0 * row_bytes + first / values * format.block_bytes;
  HWY_ALIGN float buffer[512];
  for (int64_t k = 0; k < depth; ++k, from += row_bytes, out += kTileColumns) {
    float* to = whole ? out : buffer;
    for (int64_t b = 0; b < blocks; ++b) row(from + b * format.block_bytes, to + b * values);
    if (whole) continue;
    std::copy_n(buffer + (n - first), columns, out);
    std::fill(out + columns, out + kTileColumns, 0.0f);
  }
}

void pack_blocks(const GemmTerm& t, int64_t k0, int64_t depth, int64_t n, int64_t n_all,
                 float* out) {
  const auto pack = [&](auto&& row) { pack_block_rows(t, k0, depth, n, n_all, out, row); };
  const int64_t values = info(t.block_dtype).block_values;
  if (t.block_dtype == DType::q4_1)
    pack([](const uint8_t* b, float* o) HWY_ATTR { q4_1_row(b, o); });
  else if (t.block_dtype == DType::q8_0)
    pack([](const uint8_t* b, float* o) HWY_ATTR { q8_0_row(b, o); });
  else
    pack([&](const uint8_t* b, float* o) { dequantise(t.block_dtype, b, values, o); });
}

// One panel: columns n .. of B, `depth` values of k from k0.
void pack_b(const GemmTerm& t, int64_t k0, int64_t depth, int64_t n, int64_t n_all, float* out) {
  if (t.packed) return pack_panels(*t.packed, k0, depth, n, out);
  if (t.blocks) return pack_blocks(t, k0, depth, n, n_all, out);
  with_float_type(t.b.dtype, [&](auto type) {
    using T = decltype(type);
    const auto* from =
        static_cast<const T*>(t.b.data) + k0 * t.b.row_stride + n * t.b.column_stride;
    interleave(from, t.b.column_stride, t.b.row_stride, std::min(kTileColumns, n_all - n),
               kTileColumns, depth, t.b_scale, out);
  });
}

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
