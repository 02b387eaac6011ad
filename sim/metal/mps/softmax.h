// MPSMatrixSoftMax, its logarithm, and the gradients of both: over the columns of each row.
#pragma once

#include "sim/metal/mps/kernel.h"

namespace metal_sim {

struct SoftMax : UnaryKernel {
  SIM_CLASS(SoftMax, MPSMatrixSoftMax)
  unsigned long source_rows = kAll, source_columns = kAll;
  bool logarithm = false;
  void encode(id command_buffer, Matrix* input, Matrix* result);
};
struct LogSoftMax : SoftMax {
  SIM_CLASS(LogSoftMax, MPSMatrixLogSoftMax)
  LogSoftMax() { logarithm = true; }
};

struct SoftMaxGradient : BinaryKernel {
  SIM_CLASS(SoftMaxGradient, MPSMatrixSoftMaxGradient)
  unsigned long source_rows = kAll, source_columns = kAll;
  bool logarithm = false;
  void encode(id command_buffer, Matrix* gradient, Matrix* forward_output, Matrix* result);
};
struct LogSoftMaxGradient : SoftMaxGradient {
  SIM_CLASS(LogSoftMaxGradient, MPSMatrixLogSoftMaxGradient)
  LogSoftMaxGradient() { logarithm = true; }
};

}  // namespace metal_sim
