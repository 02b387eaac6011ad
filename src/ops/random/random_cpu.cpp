// Whole blocks over threads. Scalar code: numbers are drawn once, when parameters are made.
#include <algorithm>

#include "device/cpu/thread_pool.h"
#include "ops/kernels.h"
#include "random.h"

void pewter::cpu::random(const RandomArgs& args) {
  with_float_type(args.dtype, [&](auto type) {
    using T = decltype(type);
    auto* y = static_cast<T*>(args.y);
    parallel_ranges((args.n + 3) / 4, 512, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        float values[4];
        random_block(args, block, values);
        const int64_t count = std::min<int64_t>(4, args.n - 4 * block);
        for (int64_t i = 0; i < count; ++i) y[4 * block + i] = from_float<T>(values[i]);
      }
    });
  });
}
