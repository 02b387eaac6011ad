// randn and uniform: pure functions of (seed, index), the same bits on every device and for any
// thread count. uniform is low + (high - low) * u with u in [0, 1) in steps of 2^-24, in f32, each
// operation rounded; the result is below high unless that rounding reaches it. 16-bit results are
// the f32 ones rounded to nearest even.
#pragma once

#include "philox.h"
#include "random_args.h"

namespace pewter {

// The four numbers of one block, as f32.
inline void random_block(const RandomArgs& args, int64_t block, float (&out)[4]) {
  const Philox words = philox_block(args.seed, 0, static_cast<uint64_t>(block));
  if (args.normal) {
    box_muller(words[0], words[1], out[0], out[1]);
    box_muller(words[2], words[3], out[2], out[3]);
  } else {
    for (int i = 0; i < 4; ++i) out[i] = args.low + (args.high - args.low) * to_unit(words[i]);
  }
}

namespace cpu {
void random(const RandomArgs& args);
}
namespace ref {
void random(const RandomArgs& args);
}
}  // namespace pewter
