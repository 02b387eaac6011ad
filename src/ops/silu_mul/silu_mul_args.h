// gate, up and y are walked over one index space of merged dimensions, unit stride innermost.
#pragma once

#include "ops/strided.h"

namespace pewter {

struct SiluMulArgs {
  const void* gate;
  const void* up;
  void* y;
  DType dtype;
  Strided<3> at;  // gate, up, y
};

struct SiluMulBackwardArgs {
  const void* gate;
  const void* up;
  const void* dy;
  void* dgate;  // contiguous like dy; null when not wanted
  void* dup;
  DType dtype;
  Strided<3> at;  // gate, up, dy
};

}  // namespace pewter
