// Two shapes of work. Where the kept dimensions are innermost (the gradient of a bias), vectors run
// across columns and each lane is one result. Otherwise vectors run along what is summed; a long
// sum is cut in chunks, by its length alone, so that threads share it and the bits stay the same.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/sum/sum_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// (these two must come first: the rest is compiled once per target)
#include <algorithm>

#include "device/cpu/thread_pool.h"
#include "ops/kernels.h"
#include "ops/simd/simd-inl.h"
#include "ops/sum/sum.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {
namespace {

constexpr int64_t kBlock = 1024;     // terms summed in f32
constexpr int64_t kChunk = 1 << 16;  // terms a thread takes at a time
constexpr int64_t kMaxChunks = 256;

template <typename T>
struct Terms {
  const T* a;
  const T* b;  // null: a alone
};

// At most kBlock neighbouring terms.
template <typename T>
double block_sum(Terms<T> t, int64_t n, int64_t as, int64_t bs) {
  const F32 d;
  if (as == 1 && (!t.b || bs == 1)) {
    VF32 sum = hn::Zero(d);
    for_row(t.a, n, 0, [&](VF32 a, int64_t i) {
      sum = t.b ? mul_add(a, load_row(t.b, i, n), sum) : hn::Add(sum, a);
    });
    return hn::GetLane(hn::SumOfLanes(d, sum));
  }
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const float a = to_float(t.a[i * as]);
    sum += t.b ? a * to_float(t.b[i * bs]) : a;
  }
  return sum;
}

// Terms [begin, end) of the summed space, in order.
template <typename T>
double range_sum(Terms<T> t, const Strided<2>& at, int64_t begin, int64_t end) {
  const int64_t size = at.row_size(), as = at.row_stride(0), bs = at.row_stride(1);
  Walk<2> row(at, std::max(at.rank - 1, 0), begin / size);
  double sum = 0;
  for (int64_t i = begin; i < end;) {
    const int64_t column = i % size, n = std::min({end - i, size - column, kBlock});
    const T* b = t.b ? t.b + row[1] + column * bs : nullptr;
    sum += block_sum(Terms<T>{t.a + row[0] + column * as, b}, n, as, bs);
    i += n;
    if (i % size == 0) row.next();
  }
  return sum;
}

template <typename T>
void sum_along(const SumArgs& args, Terms<T> t) {
  const int64_t outputs = args.kept.numel();
  const int64_t chunk = std::max(kChunk, (args.terms + kMaxChunks - 1) / kMaxChunks);
  const int64_t chunks = (args.terms + chunk - 1) / chunk;
  if (chunks > 1) {
    Walk<2> out(args.kept, args.kept.rank, 0);
    for (int64_t o = 0; o < outputs; ++o, out.next()) {
      double partial[kMaxChunks];
      const Terms<T> from{t.a + out[0], t.b ? t.b + out[1] : nullptr};
      cpu::parallel_for(chunks, [&](int64_t c) {
        partial[c] = range_sum(from, args.summed, c * chunk, std::min((c + 1) * chunk, args.terms));
      });
      double sum = 0;
      for (int64_t c = 0; c < chunks; ++c) sum += partial[c];
      store_element(args.to, args.y, o, sum);
    }
    return;
  }
  cpu::parallel_ranges(outputs, 8192 / args.terms + 1, [&](int64_t begin, int64_t end) {
    Walk<2> out(args.kept, args.kept.rank, begin);
    for (int64_t o = begin; o < end; ++o, out.next()) {
      const Terms<T> from{t.a + out[0], t.b ? t.b + out[1] : nullptr};
      store_element(args.to, args.y, o, range_sum(from, args.summed, 0, args.terms));
    }
  });
}

// `n` neighbouring results, at most kColumns vectors of them.
constexpr int64_t kColumns = 4;
template <typename T>
void sum_columns(const SumArgs& args, Terms<T> t, int64_t bs, int64_t first, int64_t n) {
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  double total[kColumns * hn::MaxLanes(d)] = {};
  HWY_ALIGN float block[kColumns * hn::MaxLanes(d)];
  Walk<2> term(args.summed, args.summed.rank, 0);
  for (int64_t done = 0; done < args.terms;) {
    const int64_t stop = std::min(done + kBlock, args.terms);
    VF32 sum[kColumns];
    for (VF32& s : sum) s = hn::Zero(d);
    for (; done < stop; ++done, term.next()) {
      for (int64_t v = 0; v * lanes < n && v < kColumns; ++v) {
        const VF32 a = load_row(t.a + term[0], v * lanes, n);
        if (!t.b) {
          sum[v] = hn::Add(sum[v], a);
        } else {
          const T* b = t.b + term[1];
          const VF32 vb = bs == 1 ? load_row(b, v * lanes, n) : hn::Set(d, to_float(*b));
          sum[v] = mul_add(a, vb, sum[v]);
        }
      }
    }
    for (int64_t v = 0; v < kColumns; ++v) hn::Store(sum[v], d, block + v * lanes);
    for (int64_t i = 0; i < n; ++i) total[i] += block[i];
  }
  for (int64_t i = 0; i < n; ++i) store_element(args.to, args.y, first + i, total[i]);
}

template <typename T>
void sum_across(const SumArgs& args, Terms<T> t) {
  const Strided<2>& kept = args.kept;
  const int64_t width = kColumns * static_cast<int64_t>(hn::Lanes(F32()));
  const int64_t columns = kept.row_size(), tiles = (columns + width - 1) / width;
  const int64_t bs = kept.row_stride(1), tasks = kept.rows() * tiles;
  cpu::parallel_ranges(
      tasks, 16384 / (width * args.terms + 1) + 1, [&](int64_t begin, int64_t end) {
        for (int64_t task = begin; task < end; ++task) {
          const int64_t row = task / tiles, column = task % tiles * width;
          const Walk<2> out(kept, kept.rank - 1, row);
          const Terms<T> from{t.a + out[0] + column, t.b ? t.b + out[1] + column * bs : nullptr};
          sum_columns(args, from, bs, row * columns + column, std::min(width, columns - column));
        }
      });
}

void sum_all(const SumArgs& args) {
  const Strided<2>& kept = args.kept;
  if (args.terms == 0) {
    for (int64_t i = 0; i < kept.numel(); ++i) store_element(args.to, args.y, i, 0);
    return;
  }
  with_float_type(args.from, [&](auto type) {
    using T = decltype(type);
    const Terms<T> t{static_cast<const T*>(args.a), static_cast<const T*>(args.b)};
    const bool across = kept.rank > 0 && kept.row_stride(0) == 1 &&
                        (!t.b || kept.row_stride(1) <= 1) && kept.row_size() >= 4 &&
                        args.summed.row_stride(0) != 1;
    across ? sum_across(args, t) : sum_along(args, t);
  });
}

}  // namespace
}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pewter {
HWY_EXPORT(sum_all);
void cpu::sum(const SumArgs& args) { HWY_DYNAMIC_DISPATCH(sum_all)(args); }
}  // namespace pewter
#endif
