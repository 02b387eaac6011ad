// One strided copy a batch entry; where it starts in `out` is read when the work runs.
#pragma once

#include "ops/copy/copy_args.h"

namespace pewter {

struct WriteRowsArgs {
  CopyArgs entry;  // src[0] -> out[0], row 0
  const int32_t* first;
  int64_t first_stride;
  int64_t batch, tokens, rows;            // B, T, S
  int64_t src_batch, out_batch, out_row;  // strides, in elements
};

}  // namespace pewter
