// A few f32 rows times a quantised weight. Nothing is packed; panels are read once, in order, a
// group at a time. Four chains of panels are interleaved, because one chain waits four cycles for
// every multiply-add. (Decoding rounds its activations instead: int16_gemm.h.)
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

constexpr int64_t kMostGroup = 32;

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
  HWY_ALIGN float values[kP][kMostGroup * kPanelRows];  // [k][row]
  for (int64_t k0 = 0, i = 0; k0 < w.k; k0 += w.group, ++i) {
    for (int p = 0; p < kP; ++p) {
      for_group<kFour, kHalf>(w.panel(panel + p) + i * w.group_bytes, w.group,
                              [&](int64_t k, int part, VPart value) HWY_ATTR {
                                hn::Store(value, d, values[p] + k * kPanelRows + part * kPartLanes);
                              });
    }
    for (int64_t k = 0; k < w.group; ++k) {
      for (int i = 0; i < kM; ++i) {
        const VPart xk = hn::Set(d, x[i * stride + k0 + k]);
        for (int p = 0; p < kP; ++p) {
          for (int part = 0; part < kParts; ++part) {
            const auto value = hn::Load(d, values[p] + k * kPanelRows + part * kPartLanes);
            acc[i][p][part] = mul_add(xk, value, acc[i][p][part]);
          }
        }
      }
    }
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
