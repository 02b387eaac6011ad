// Cuts the index space of element-by-element work over threads: fn(offsets, n) gets runs of the
// innermost dimension. Runs of one call may be cut anywhere, so fn must treat elements alone.
#pragma once

#include "device/cpu/thread_pool.h"
#include "ops/strided.h"

namespace pewter::cpu {

inline constexpr int64_t kElementGrain = 16384;  // below this a fork costs more than it saves

template <int N, typename Fn>
void parallel_rows(const Strided<N>& at, Fn&& fn) {
  const int64_t size = at.row_size();
  if (at.rank <= 1) {
    parallel_ranges(size, kElementGrain, [&](int64_t begin, int64_t end) {
      int64_t offsets[N];
      for (int n = 0; n < N; ++n) offsets[n] = begin * at.row_stride(n);
      fn(offsets, end - begin);
    });
    return;
  }
  parallel_ranges(at.rows(), kElementGrain / size + 1, [&](int64_t begin, int64_t end) {
    Walk<N> walk(at, at.rank - 1, begin);
    for (int64_t row = begin; row < end; ++row, walk.next()) fn(walk.offsets(), size);
  });
}

}  // namespace pewter::cpu
