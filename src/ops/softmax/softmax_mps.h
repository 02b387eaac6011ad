// Softmax through MPS: rows that may lie apart, in matrices that may lie apart.
#pragma once

#include "softmax_args.h"

namespace pewter {

struct MpsSoftmaxArgs {
  const void* x;
  void* y;                                                     // contiguous
  int64_t rows, columns, row_stride, matrices, matrix_stride;  // of x, in elements
  DType dtype;
  bool logarithm;
};

struct MpsSoftmaxBackwardArgs {
  const void* y;
  const void* dy;
  void* dx;  // all contiguous
  int64_t rows, columns;
  DType dtype;
  bool logarithm;
};

}  // namespace pewter
