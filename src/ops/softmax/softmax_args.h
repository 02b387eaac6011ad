// Plain arguments, shared by host code and every kernel. Rows are contiguous.
#pragma once

#include <cstdint>

#include "pewter/dtype.h"

namespace pewter {

struct SoftmaxArgs {
  const void* x;
  void* y;
  int64_t rows, columns;
  DType dtype;
};

struct SoftmaxBackwardArgs {
  const void* y;
  const void* dy;
  void* dx;
  int64_t rows, columns;
  DType dtype;
};

}  // namespace pewter
