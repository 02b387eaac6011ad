// x, dy and the results are contiguous.
#pragma once

#include <cstdint>

#include "pewter/dtype.h"

namespace pewter {

struct GeluArgs {
  const void* x;
  const void* dy;  // null: forward
  void* y;         // dx when dy is given
  int64_t n;
  DType dtype;
  bool tanh_approximation;
};

}  // namespace pewter
