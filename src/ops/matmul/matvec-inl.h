// One to four rows times a quantised weight: decoding. Nothing is packed; panels are read once, in
// order, and each value goes from its bits to a register to the sum. Four chains of panels are
// interleaved, because one chain waits four cycles for every multiply-add.
#if defined(PEWTER_MATVEC_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PEWTER_MATVEC_INL_H_
#undef PEWTER_MATVEC_INL_H_
#else
#define PEWTER_MATVEC_INL_H_
#endif

#include "device/cpu/thread_pool.h"
#include "ops/matmul/gemm.h"
#include "ops/matmul/panel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {

constexpr int64_t kMostMatvecRows = 8;

// kM rows of x times kP panels from `panel`.
template <int kM, int kP, bool kFour, bool kHalf>
void matvec_panels(const GemmArgs& g, const PackedWeight& w, int64_t m, int64_t panel) {
  const FPart d;
  const auto* x = static_cast<const float*>(g.terms[0].a.data) + m * g.terms[0].a.row_stride;
  const int64_t stride = g.terms[0].a.row_stride;
  VPart acc[kM][kP][kParts];
  for (int i = 0; i < kM; ++i) {
    for (int p = 0; p < kP; ++p) {
      for (int part = 0; part < kParts; ++part) acc[i][p][part] = hn::Zero(d);
    }
  }
  const uint8_t* group[kP];
  for (int p = 0; p < kP; ++p) group[p] = w.panel(panel + p);
  const hn::Rebind<int32_t, FPart> di;
  constexpr int64_t kScaleBytes = 16 * (kHalf ? 2 : 4);
  for (int64_t k0 = 0; k0 < w.k; k0 += w.group) {
    VPart scale[kP][kParts], offset[kP][kParts];
    for (int p = 0; p < kP; ++p) {
      for (int part = 0; part < kParts; ++part) {
        scale[p][part] = load_scale<kHalf>(group[p], part);
        offset[p][part] = load_scale<kHalf>(group[p] + kScaleBytes, part);
      }
    }
    for (int64_t k = 0; k < w.group; k += kFour ? 2 : 1) {
      const int64_t at = 2 * kScaleBytes + k * (kFour ? 8 : 16);
      for (int p = 0; p < kP; ++p) {
        for (int part = 0; part < kParts; ++part) {
          const auto add = [&](auto q, int64_t kk) HWY_ATTR {
            const VPart value = hn::MulAdd(hn::ConvertTo(d, q), scale[p][part], offset[p][part]);
            for (int i = 0; i < kM; ++i) {
              const VPart xk = hn::Set(d, x[i * stride + kk]);
              acc[i][p][part] = hn::MulAdd(xk, value, acc[i][p][part]);
            }
          };
          if constexpr (kFour) {
            const auto both = load_bytes(group[p] + at, part);
            add(hn::And(both, hn::Set(di, 15)), k0 + k);
            add(hn::ShiftRight<4>(both), k0 + k + 1);
          } else {
            add(load_signed(group[p] + at, part), k0 + k);
          }
        }
      }
    }
    for (int p = 0; p < kP; ++p) group[p] += w.group_bytes;
  }
  for (int i = 0; i < kM; ++i) {
    for (int p = 0; p < kP; ++p) {
      HWY_ALIGN float out[kPanelRows] = {};
      for (int part = 0; part < kParts; ++part) {
        hn::Store(acc[i][p][part], d, out + part * kPartLanes);
      }
      const int64_t n = (panel + p) * kPanelRows;
      float* c = g.c + (m + i) * g.c_stride + n;
      for (int64_t j = 0; j < kPanelRows && n + j < g.n; ++j) {
        c[j] = g.bias ? out[j] + g.bias[n + j] : out[j];
      }
    }
  }
}

template <int kM, bool kFour, bool kHalf>
void matvec_rows(const GemmArgs& g, const PackedWeight& w, int64_t m, int64_t begin, int64_t end) {
  constexpr int kP = kM == 1 ? 4 / kParts + (kParts > 2) : 1;
  int64_t panel = begin;
  for (; panel + kP <= end; panel += kP) matvec_panels<kM, kP, kFour, kHalf>(g, w, m, panel);
  for (; panel < end; ++panel) matvec_panels<kM, 1, kFour, kHalf>(g, w, m, panel);
}

void matvec(const GemmArgs& g) {
  const PackedWeight& w = *g.terms[0].packed;
  with_format(w, [&]<bool kFour, bool kHalf>() {
    // 4 panels of 576 are 46 KiB of weights, about 3 µs: less is not worth a second thread.
    cpu::parallel_ranges(w.panels(), std::max<int64_t>(4, 4096 / w.k), [&](int64_t b, int64_t e) {
      int64_t m = 0;
      for (; m + 4 <= g.m; m += 4) matvec_rows<4, kFour, kHalf>(g, w, m, b, e);
      for (; m + 2 <= g.m; m += 2) matvec_rows<2, kFour, kHalf>(g, w, m, b, e);
      for (; m < g.m; ++m) matvec_rows<1, kFour, kHalf>(g, w, m, b, e);
    });
  });
}

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
