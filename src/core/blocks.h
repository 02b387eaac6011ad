// The block formats of GGUF taken apart, once for all who read them: the values of a block as small
// integers, and the scale and offset of each of its groups. A value is fma(scale, q, offset).
#pragma once

#include "pewter/dtype.h"

namespace pewter {

struct UnpackedBlock {
  static constexpr int64_t kMostValues = 256;
  int8_t q[kMostValues];
  float scale[16], offset[16];  // of a group
};

// Values that share a scale and an offset.
constexpr int64_t group_values(DType dtype) { return dtype == DType::q6_k ? 16 : 32; }

// Throws ErrorCode::dtype for a dtype without blocks.
void unpack_block(DType dtype, const uint8_t* block, UnpackedBlock& out);

}  // namespace pewter
