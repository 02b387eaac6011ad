// Sums of a, or of a * b, over some dimensions. Kept and summed dimensions are two index spaces;
// the result is contiguous over the kept one.
#pragma once

#include "ops/strided.h"

namespace pewter {

struct SumArgs {
  const void* a;
  const void* b;  // null: sums of a
  void* y;
  DType from, to;
  Strided<2> kept, summed;  // a, b; no size of `kept` is 0
  int64_t terms;            // size of the summed space, 0 gives zeros
};

}  // namespace pewter
