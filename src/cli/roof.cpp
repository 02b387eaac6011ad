// The peaks, written with Highway so that they are those of the instruction set the kernels use.
#include "cli/roof.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cli/roof.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "device/cpu/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Twelve chains hide the latency of four cycles at two multiply-adds a cycle.
float fma_loop(int64_t rounds, float start) {
  const hn::ScalableTag<float> d;
  // Every chain starts elsewhere: a compiler computes equal chains once.
  const auto a = hn::Set(d, 0.999f), b = hn::Set(d, start);
  const auto from = [&](float by) HWY_ATTR { return hn::Set(d, start * by); };
  auto c0 = from(1), c1 = from(2), c2 = from(3), c3 = from(4), c4 = from(5), c5 = from(6);
  auto c6 = from(7), c7 = from(8), c8 = from(9), c9 = from(10), c10 = from(11), c11 = from(12);
  for (int64_t i = 0; i < rounds; ++i) {
    c0 = hn::MulAdd(c0, a, b), c1 = hn::MulAdd(c1, a, b), c2 = hn::MulAdd(c2, a, b);
    c3 = hn::MulAdd(c3, a, b), c4 = hn::MulAdd(c4, a, b), c5 = hn::MulAdd(c5, a, b);
    c6 = hn::MulAdd(c6, a, b), c7 = hn::MulAdd(c7, a, b), c8 = hn::MulAdd(c8, a, b);
    c9 = hn::MulAdd(c9, a, b), c10 = hn::MulAdd(c10, a, b), c11 = hn::MulAdd(c11, a, b);
  }
  const auto s0 = hn::Add(hn::Add(c0, c1), hn::Add(c2, c3));
  const auto s1 = hn::Add(hn::Add(c4, c5), hn::Add(c6, c7));
  const auto s2 = hn::Add(hn::Add(c8, c9), hn::Add(c10, c11));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, hn::Add(s1, s2))));
}

int64_t fma_lanes() { return static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>())); }

// Products of 16-bit pairs, as the kernels of rounded activations add them. Processors without such
// an instruction have only multiply-adds.
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
int32_t int16_loop(int64_t rounds, int32_t start) {
  const hn::ScalableTag<int32_t> d;
  const hn::Repartition<int16_t, decltype(d)> d16;
  auto none = hn::Zero(d);
  const auto w = hn::Set(d16, int16_t{3});
  const auto from = [&](int32_t by) HWY_ATTR { return hn::Set(d, start + by); };
  auto c0 = from(0), c1 = from(1), c2 = from(2), c3 = from(3);
  auto c4 = from(4), c5 = from(5), c6 = from(6), c7 = from(7);
  // The sum is an operand too: products of constants would be computed once.
  const auto add = [&](auto c) HWY_ATTR {
    return hn::ReorderWidenMulAccumulate(d, hn::BitCast(d16, c), w, c, none);
  };
  for (int64_t i = 0; i < rounds; ++i) {
    c0 = add(c0), c1 = add(c1), c2 = add(c2), c3 = add(c3);
    c4 = add(c4), c5 = add(c5), c6 = add(c6), c7 = add(c7);
  }
  const auto s0 = hn::Add(hn::Add(c0, c1), hn::Add(c2, c3));
  const auto s1 = hn::Add(hn::Add(c4, c5), hn::Add(c6, c7));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, s1)));
}
int64_t int16_products() {
  return 8 * 2 * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<int32_t>()));
}
#else
int32_t int16_loop(int64_t, int32_t start) { return start; }
int64_t int16_products() { return 0; }
#endif

// Four streams at once: a core keeps more misses under way than the prefetcher of one stream makes.
float read_loop(const float* p, int64_t n) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), part = n / 4;
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  for (int64_t i = 0; i + lanes <= part; i += lanes) {
    s0 = hn::Add(s0, hn::LoadU(d, p + i));
    s1 = hn::Add(s1, hn::LoadU(d, p + i + part));
    s2 = hn::Add(s2, hn::LoadU(d, p + i + 2 * part));
    s3 = hn::Add(s3, hn::LoadU(d, p + i + 3 * part));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pewter {
HWY_EXPORT(fma_loop);
HWY_EXPORT(fma_lanes);
HWY_EXPORT(read_loop);
HWY_EXPORT(int16_loop);
HWY_EXPORT(int16_products);

namespace cli {
namespace {

constexpr int kRepeats = 7;
constexpr int64_t kFloats = int64_t{64} << 20;  // 256 MiB: eight times a large cache
volatile float sink;                            // keeps the loops from being optimised away

// The best of several runs: a roof is what the machine can do when nothing disturbs it.
template <typename Work>
double best_seconds(Work&& work) {
  double best = 1e30;
  for (int i = 0; i < kRepeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  return best;
}

}  // namespace

double measured_fma_peak(int threads) {
  constexpr int64_t kRounds = 2'000'000;
  std::vector<float> results(static_cast<size_t>(threads));
  const double seconds = best_seconds([&] {
    cpu::parallel_for(threads, [&](int64_t i) {
      results[static_cast<size_t>(i)] = HWY_DYNAMIC_DISPATCH(fma_loop)(kRounds, 0.5f);
    });
  });
  sink = results[0];
  const double flops = 2.0 * 12 * static_cast<double>(HWY_DYNAMIC_DISPATCH(fma_lanes)()) * kRounds;
  return flops * threads / seconds;
}

double measured_int16_peak(int threads) {
  constexpr int64_t kRounds = 3'000'000;
  const auto products = static_cast<double>(HWY_DYNAMIC_DISPATCH(int16_products)());
  if (products == 0) return measured_fma_peak(threads);
  std::vector<int32_t> results(static_cast<size_t>(threads));
  const double seconds = best_seconds([&] {
    cpu::parallel_for(threads, [&](int64_t i) {
      results[static_cast<size_t>(i)] = HWY_DYNAMIC_DISPATCH(int16_loop)(kRounds, 5);
    });
  });
  sink = static_cast<float>(results[0]);
  return 2.0 * products * kRounds * threads / seconds;
}

double measured_read_bandwidth(int threads) {
  std::vector<float> data(kFloats, 1.0f), results(static_cast<size_t>(threads));
  const double seconds = best_seconds([&] {
    cpu::parallel_for(threads, [&](int64_t i) {
      const int64_t share = kFloats / threads;
      results[static_cast<size_t>(i)] =
          HWY_DYNAMIC_DISPATCH(read_loop)(data.data() + i * share, share);
    });
  });
  sink = results[0];
  return static_cast<double>(kFloats) * sizeof(float) / seconds;
}

double measured_copy_bandwidth(int threads) {
  std::vector<float> from(kFloats, 1.0f), to(kFloats, 0.0f);
  const double seconds = best_seconds([&] {
    cpu::parallel_for(threads, [&](int64_t i) {
      const int64_t share = kFloats / threads;
      std::memcpy(to.data() + i * share, from.data() + i * share,
                  static_cast<size_t>(share) * sizeof(float));
    });
  });
  sink = to[0];
  return 2.0 * static_cast<double>(kFloats) * sizeof(float) / seconds;
}

double measured_update_bandwidth(int threads) {
  std::vector<float> values(kFloats, 1.0f);
  const double seconds = best_seconds([&] {
    cpu::parallel_for(threads, [&](int64_t i) {
      const int64_t share = kFloats / threads;
      float* p = values.data() + i * share;
      for (int64_t k = 0; k < share; ++k) p[k] = p[k] * 0.5f + 1;
    });
  });
  sink = values[0];
  return 2.0 * static_cast<double>(kFloats) * sizeof(float) / seconds;
}

}  // namespace cli
}  // namespace pewter
#endif
