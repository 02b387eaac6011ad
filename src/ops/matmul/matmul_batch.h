// Walking the batch, for every backend.
#pragma once

#include "ops/matmul/matmul.h"

namespace pewter {

// visit(one): args of each member in row-major order, with a, b, c and y pointing at it.
template <typename Visit>
void for_each_member(const MatmulArgs& args, Visit&& visit) {
  int64_t members = 1;
  for (int d = 0; d < args.batch_rank; ++d) members *= args.batch[d];
  const auto moved = [](GemmMatrix x, int64_t by) {
    if (x.data) x.data = static_cast<const char*>(x.data) + by * info(x.dtype).block_bytes;
    return x;
  };
  for (int64_t i = 0; i < members; ++i) {
    int64_t rest = i, a = 0, b = 0, c = 0;
    for (int d = args.batch_rank - 1; d >= 0; --d) {
      const int64_t at = rest % args.batch[d];
      rest /= args.batch[d];
      a += at * args.a_strides[d];
      b += at * args.b_strides[d];
      c += at * args.c_strides[d];
    }
    MatmulArgs one = args;
    one.a = moved(args.a, a);
    one.b = moved(args.b, b);
    one.c = moved(args.c, c);
    one.y = static_cast<char*>(args.y) + i * args.m * args.n * info(args.y_dtype).block_bytes;
    visit(one);
  }
}

}  // namespace pewter
