// Rows of a table by number; table and results are contiguous.
#pragma once

#include <cstdint>

#include "pewter/dtype.h"

namespace pewter {

struct EmbeddingArgs {
  const void* table;
  const int32_t* ids;
  void* y;
  int64_t vocabulary, columns, count;
  DType dtype;  // of the table; y is f32 when it is quantised
};

struct EmbeddingBackwardArgs {
  const void* dy;
  const int32_t* ids;
  float* dtable;  // [vocabulary, columns]
  int64_t vocabulary, columns, count;
  DType dtype;  // of dy
};

}  // namespace pewter
