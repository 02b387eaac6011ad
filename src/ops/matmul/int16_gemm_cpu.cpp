// x W^T of a quantised weight with x rounded to 16 bits a group (int16_gemm.h says what that
// means): inference. Integer products and sums are exact, so their order is free: a vector holds 16
// rows of W at two neighbouring k, and one instruction multiplies the pairs and adds them.
//
// Few rows of x read the panels where they lie, at the speed of memory. Many rows first unpack two
// panels to 16 bits and then pass by them, kRows at a time. Both end a group with the same float
// operations, so that a prompt gives the same bits however it is cut.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/matmul/int16_gemm_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// (these two must come first: the rest is compiled once per target)

#include <algorithm>
#include <cstring>

#include "device/cpu/thread_pool.h"
#include "ops/matmul/gemm.h"
#include "ops/matmul/int16_gemm.h"
#include "ops/matmul/panel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {

constexpr int kSlabPanels = kParts == 1 ? 2 : 1;  // unpacked at a time
constexpr int kSlabVectors = kSlabPanels * kParts;
constexpr int kRows = HWY_MAX_BYTES == 64 ? 6 : 4;  // of x in a tile: sums are ints and floats

// Two k of each of a part's rows, or of one row of x in every lane: the halves of 32-bit lanes.
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
using SPart = hn::Repartition<int16_t, IPart>;

// a.low b.low + a.high b.high
HWY_INLINE VInt multiply_pairs(VInt a, VInt b) {
  const SPart d16;
  VInt none = hn::Zero(IPart());
  return hn::ReorderWidenMulAccumulate(IPart(), hn::BitCast(d16, a), hn::BitCast(d16, b), none,
                                       none);
}

HWY_INLINE VInt load_byte_pairs(const uint8_t* p) {
  const hn::Rebind<int8_t, SPart> d8;
  const auto bytes = hn::LoadU(d8, reinterpret_cast<const int8_t*>(p));
  return hn::BitCast(IPart(), hn::PromoteTo(SPart(), bytes));
}
#else
HWY_INLINE VInt low_half(VInt v) { return hn::ShiftRight<16>(hn::ShiftLeft<16>(v)); }

HWY_INLINE VInt multiply_pairs(VInt a, VInt b) {
  return hn::Add(hn::Mul(low_half(a), low_half(b)),
                 hn::Mul(hn::ShiftRight<16>(a), hn::ShiftRight<16>(b)));
}

HWY_INLINE VInt load_byte_pairs(const uint8_t* p) {
  const IPart d;
  const hn::Rebind<int16_t, FPart> d16;
  const auto both = hn::PromoteTo(d, hn::LoadU(d16, reinterpret_cast<const int16_t*>(p)));
  const auto low = hn::ShiftRight<24>(hn::ShiftLeft<24>(both));
  return hn::Or(hn::And(low, hn::Set(d, 0xffff)), hn::ShiftLeft<16>(hn::ShiftRight<8>(both)));
}
#endif

HWY_INLINE VInt load_pairs(const void* p) {
  return hn::LoadU(IPart(), static_cast<const int32_t*>(p));
}

HWY_INLINE VInt pair_of(const int16_t* x) {
  int32_t both;
  std::memcpy(&both, x, sizeof both);
  return hn::Set(IPart(), both);
}

// One group of one row: its largest magnitude becomes 32767.
void round_group(const float* x, int64_t n, int16_t* q, float* scale, float* total) {
  const FPart d;
  auto most = hn::Zero(d), bad = hn::Zero(d);
  for (int64_t i = 0; i < n; i += kPartLanes) {
    const auto v = hn::LoadU(d, x + i);
    most = hn::Max(most, hn::Abs(v));
    bad = mul_add(v, hn::Zero(d), bad);  // NaN where v is no number
  }
  const float none = hn::GetLane(hn::SumOfLanes(d, bad));
  const float largest = hn::GetLane(hn::MaxOfLanes(d, most));
  if (none != 0 || largest < kInt16Smallest) {
    std::fill_n(q, n, int16_t{0});
    *scale = *total = none;
    return;
  }
  const auto factor = hn::Set(d, 32767.0f / largest);
  auto sum = hn::Zero(IPart());
  for (int64_t i = 0; i < n; i += kPartLanes) {
    const auto v = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), factor));
    hn::StoreU(hn::DemoteTo(hn::Rebind<int16_t, FPart>(), v), hn::Rebind<int16_t, FPart>(), q + i);
    sum = hn::Add(sum, v);
  }
  *scale = largest / 32767.0f;
  *total = *scale * static_cast<float>(hn::GetLane(hn::SumOfLanes(IPart(), sum)));
}

void round_rows(const GemmArgs& g, const RoundedRows& x) {
  const GemmMatrix& a = g.terms[0].a;
  cpu::parallel_ranges(g.m, 16384 / (x.k + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m) {
      const float* row = static_cast<const float*>(a.data) + m * a.row_stride;
      for (int64_t i = 0; i < x.groups; ++i) {
        const int64_t k = i * x.group;
        round_group(row + k, x.group, x.row(m) + k, x.scales + m * x.groups + i,
                    x.totals + m * x.groups + i);
      }
    }
  });
}

// Ends a group: the sum goes on by scale * s * int and offset * total.
HWY_INLINE VPart end_group(VPart sum, VInt product, VPart scale, VPart offset, float s,
                           float total) {
  const FPart d;
  const auto both = hn::Mul(scale, hn::Set(d, s));
  return mul_add(offset, hn::Set(d, total), mul_add(hn::ConvertTo(d, product), both, sum));
}

template <int kVectors>
HWY_INLINE void store_row(const GemmArgs& g, int64_t m, int64_t n, const VPart (&sum)[kVectors]) {
  HWY_ALIGN float out[kVectors * kPartLanes];
  for (int v = 0; v < kVectors; ++v) hn::Store(sum[v], FPart(), out + v * kPartLanes);
  float* c = g.c + m * g.c_stride + n;
  const int64_t columns = std::min<int64_t>(kVectors * kPartLanes, g.n - n);
  for (int64_t j = 0; j < columns; ++j) c[j] = g.bias ? out[j] + g.bias[n + j] : out[j];
}

// ---- few rows ----------------------------------------------------------------------------------

// Products of one part of one group with kM rows of x. Four-bit values stand four to a 16-bit lane;
// those of the upper half of a byte are left there, sixteen times too large, and summed apart.
template <int kM, bool kFour>
HWY_INLINE void group_products(const uint8_t* q, int part, int64_t values, const int16_t* x,
                               int64_t stride, VInt (&out)[kM]) {
  const IPart d;
  VInt low[kM], high[kM];
  for (int i = 0; i < kM; ++i) low[i] = high[i] = hn::Zero(d);
  const auto add = [&](VInt(&to)[kM], VInt w, int64_t k) HWY_ATTR {
    for (int i = 0; i < kM; ++i) {
      to[i] = hn::Add(to[i], multiply_pairs(w, pair_of(x + i * stride + k)));
    }
  };
  if constexpr (kFour) {
    const auto lower = hn::Set(d, 0x0f000f), upper = hn::Set(d, 0xf000f0);
    for (int64_t k = 0; k < values; k += 8) {
      const auto v = load_pairs(q + 8 * k + part * 4 * kPartLanes);
      const auto next = hn::ShiftRight<8>(v);
      add(low, hn::And(v, lower), k);
      add(high, hn::And(v, upper), k + 2);
      add(low, hn::And(next, lower), k + 4);
      add(high, hn::And(next, upper), k + 6);
    }
    for (int i = 0; i < kM; ++i) out[i] = hn::Add(low[i], hn::ShiftRight<4>(high[i]));
  } else {
    for (int64_t k = 0; k < values; k += 4) {
      add(low, load_byte_pairs(q + 16 * k + part * 2 * kPartLanes), k);
      add(high, load_byte_pairs(q + 16 * k + 32 + part * 2 * kPartLanes), k + 2);
    }
    for (int i = 0; i < kM; ++i) out[i] = hn::Add(low[i], high[i]);
  }
}

template <int kM, bool kFour, bool kHalf>
void panel_rows(const GemmArgs& g, const RoundedRows& x, int64_t m, int64_t panel) {
  const PackedWeight& w = *g.terms[0].packed;
  constexpr int64_t kScaleBytes = 16 * (kHalf ? 2 : 4);
  VPart sum[kM][kParts];
  for (int i = 0; i < kM; ++i) {
    for (int part = 0; part < kParts; ++part) sum[i][part] = hn::Zero(FPart());
  }
  const uint8_t* group = w.panel(panel);
  for (int64_t i = 0; i < x.groups; ++i, group += w.group_bytes) {
    for (int part = 0; part < kParts; ++part) {
      VInt products[kM];
      group_products<kM, kFour>(group + 2 * kScaleBytes, part, w.group, x.row(m) + i * w.group, x.k,
                                products);
      const auto scale = load_scale<kHalf>(group, part);
      const auto offset = load_scale<kHalf>(group + kScaleBytes, part);
      for (int j = 0; j < kM; ++j) {
        const int64_t at = (m + j) * x.groups + i;
        sum[j][part] =
            end_group(sum[j][part], products[j], scale, offset, x.scales[at], x.totals[at]);
      }
    }
  }
  for (int j = 0; j < kM; ++j) store_row(g, m + j, panel * kPanelRows, sum[j]);
}

void few_rows(const GemmArgs& g, const RoundedRows& x) {
  const PackedWeight& w = *g.terms[0].packed;
  with_format(w, [&]<bool kFour, bool kHalf>() {
    // 64 KiB of weights are worth a second thread.
    const int64_t least = 65536 / (w.groups() * w.group_bytes) + 1;
    cpu::parallel_ranges(w.panels(), least, [&](int64_t begin, int64_t end) {
      for (int64_t panel = begin; panel < end; ++panel) {
        int64_t m = 0;
        for (; m + 4 <= g.m; m += 4) panel_rows<4, kFour, kHalf>(g, x, m, panel);
        for (; m + 2 <= g.m; m += 2) panel_rows<2, kFour, kHalf>(g, x, m, panel);
        if (m < g.m) panel_rows<1, kFour, kHalf>(g, x, m, panel);
      }
    });
  });
}

// ---- many rows ---------------------------------------------------------------------------------

// kSlabPanels panels at 16 bits a value: [group][pair of k][vector], and their scales and offsets.
struct Slab {
  int32_t* pairs;
  float *scales, *offsets;  // [group][column]
};
constexpr int64_t kSlabColumns = kSlabVectors * kPartLanes;

template <bool kFour, bool kHalf>
void unpack_group(const uint8_t* group, int64_t values, int32_t* out, float* scales,
                  float* offsets) {
  const IPart d;
  constexpr int64_t kScaleBytes = 16 * (kHalf ? 2 : 4);
  for (int part = 0; part < kParts; ++part) {
    hn::StoreU(load_scale<kHalf>(group, part), FPart(), scales + part * kPartLanes);
    hn::StoreU(load_scale<kHalf>(group + kScaleBytes, part), FPart(), offsets + part * kPartLanes);
    const uint8_t* q = group + 2 * kScaleBytes + part * (kFour ? 4 : 2) * kPartLanes;
    int32_t* to = out + part * kPartLanes;
    if constexpr (kFour) {
      const auto mask = hn::Set(d, 0x0f000f);
      for (int64_t k = 0; k < values; k += 8, q += 64, to += 4 * kSlabColumns) {
        const auto v = load_pairs(q);
        hn::StoreU(hn::And(v, mask), d, to);
        hn::StoreU(hn::And(hn::ShiftRight<4>(v), mask), d, to + kSlabColumns);
        hn::StoreU(hn::And(hn::ShiftRight<8>(v), mask), d, to + 2 * kSlabColumns);
        hn::StoreU(hn::And(hn::ShiftRight<12>(v), mask), d, to + 3 * kSlabColumns);
      }
    } else {
      for (int64_t k = 0; k < values; k += 2, q += 32, to += kSlabColumns) {
        hn::StoreU(load_byte_pairs(q), d, to);
      }
    }
  }
}

void unpack_slab(const PackedWeight& w, int64_t panel, const Slab& slab) {
  with_format(w, [&]<bool kFour, bool kHalf>() {
    for (int p = 0; p < kSlabPanels; ++p) {
      const int64_t column = p * kPanelRows;
      for (int64_t i = 0; i < w.groups(); ++i) {
        float* scales = slab.scales + i * kSlabColumns + column;
        float* offsets = slab.offsets + i * kSlabColumns + column;
        int32_t* pairs = slab.pairs + i * w.group / 2 * kSlabColumns + column;
        if (panel + p < w.panels()) {
          unpack_group<kFour, kHalf>(w.panel(panel + p) + i * w.group_bytes, w.group, pairs, scales,
                                     offsets);
        } else {  // columns past the end: computed, never stored
          std::fill_n(scales, kPanelRows, 0.0f);
          std::fill_n(offsets, kPanelRows, 0.0f);
        }
      }
    }
  });
}

template <int kR>
void slab_rows(const GemmArgs& g, const RoundedRows& x, int64_t m, int64_t n, const Slab& slab) {
  VPart sum[kR][kSlabVectors];
  for (int r = 0; r < kR; ++r) {
    for (int v = 0; v < kSlabVectors; ++v) sum[r][v] = hn::Zero(FPart());
  }
  const int32_t* w = slab.pairs;
  for (int64_t i = 0; i < x.groups; ++i) {
    const int16_t* rows = x.row(m) + i * x.group;
    VInt products[kR][kSlabVectors];
    for (int r = 0; r < kR; ++r) {
      for (int v = 0; v < kSlabVectors; ++v) products[r][v] = hn::Zero(IPart());
    }
    for (int64_t k = 0; k < x.group; k += 2, w += kSlabColumns) {
      VInt column[kSlabVectors];
      for (int v = 0; v < kSlabVectors; ++v) column[v] = load_pairs(w + v * kPartLanes);
#pragma GCC unroll 8
      for (int r = 0; r < kR; ++r) {
        const VInt pair = pair_of(rows + r * x.k + k);
        for (int v = 0; v < kSlabVectors; ++v) {
          products[r][v] = hn::Add(products[r][v], multiply_pairs(pair, column[v]));
        }
      }
    }
    for (int v = 0; v < kSlabVectors; ++v) {
      const int64_t at = i * kSlabColumns + v * kPartLanes;
      const auto scale = hn::LoadU(FPart(), slab.scales + at);
      const auto offset = hn::LoadU(FPart(), slab.offsets + at);
      for (int r = 0; r < kR; ++r) {
        const int64_t row = (m + r) * x.groups + i;
        sum[r][v] =
            end_group(sum[r][v], products[r][v], scale, offset, x.scales[row], x.totals[row]);
      }
    }
  }
  for (int r = 0; r < kR; ++r) store_row(g, m + r, n, sum[r]);
}

void slab_tail(const GemmArgs& g, const RoundedRows& x, int64_t m, int64_t n, const Slab& slab) {
  for (; m + 2 <= g.m; m += 2) slab_rows<2>(g, x, m, n, slab);
  if (m < g.m) slab_rows<1>(g, x, m, n, slab);
}

void many_rows(const GemmArgs& g, const RoundedRows& x) {
  const PackedWeight& w = *g.terms[0].packed;
  const int64_t slabs = (w.panels() + kSlabPanels - 1) / kSlabPanels;
  const int64_t pairs = x.k / 2 * kSlabColumns, scales = x.groups * kSlabColumns;
  cpu::parallel_for(slabs, [&](int64_t task) {
    auto* memory = static_cast<float*>(cpu::thread_scratch(4 * pairs + 8 * scales));
    const Slab slab{reinterpret_cast<int32_t*>(memory + 2 * scales), memory, memory + scales};
    const int64_t panel = task * kSlabPanels, n = panel * kPanelRows;
    unpack_slab(w, panel, slab);
    int64_t m = 0;
    for (; m + kRows <= g.m; m += kRows) slab_rows<kRows>(g, x, m, n, slab);
    slab_tail(g, x, m, n, slab);
  });
}

void int16_gemm(const GemmArgs& g, const RoundedRows& x) {
  round_rows(g, x);
  if (g.m <= kMostMatvecRows)
    few_rows(g, x);
  else
    many_rows(g, x);
}

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pewter {
HWY_EXPORT(int16_gemm);

void cpu::int16_gemm(const GemmArgs& g) {
  const PackedWeight& w = *g.terms[0].packed;
  const int64_t groups = w.groups();
  // Rows of int16, padded to whole floats (K is even), then scales, then totals.
  auto* memory = static_cast<float*>(caller_scratch(4 * g.m * (w.k / 2 + 2 * groups)));
  const RoundedRows x{reinterpret_cast<int16_t*>(memory + 2 * g.m * groups),
                      memory,
                      memory + g.m * groups,
                      w.k,
                      w.group,
                      groups};
  HWY_DYNAMIC_DISPATCH(int16_gemm)(g, x);
}
}  // namespace pewter
#endif
