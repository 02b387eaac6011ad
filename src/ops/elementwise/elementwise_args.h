// y = a op b element by element; a, b and y are walked over one index space of merged dimensions.
#pragma once

#include "ops/strided.h"

namespace pewter {

enum class ElementwiseOp : uint8_t { add, sub, mul, scale };

struct ElementwiseArgs {
  const void* a;
  const void* b;  // a itself for scale
  void* y;
  DType dtype;
  ElementwiseOp op;
  float factor;   // of scale
  Strided<3> at;  // a, b, y; no size is 0
};

}  // namespace pewter
