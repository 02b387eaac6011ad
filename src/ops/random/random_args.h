// y[i] for i in [0, n) from word i % 4 of Philox block i / 4.
#pragma once

#include <cstdint>

#include "pewter/dtype.h"

namespace pewter {

struct RandomArgs {
  void* y;
  int64_t n;
  DType dtype;
  bool normal;  // otherwise uniform in [low, high)
  float low, high;
  uint64_t seed;
};

}  // namespace pewter
