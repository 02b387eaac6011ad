// LU and Cholesky decompositions and the solves that use them. In double inside, so that a result
// is the exact one rounded, not one more approximation to compare with.
#pragma once

#include "sim/metal/mps/kernel.h"

namespace metal_sim {

struct LuDecomposition : UnaryKernel {
  SIM_CLASS(LuDecomposition, MPSMatrixDecompositionLU)
  unsigned long rows = 0, columns = 0;
  LuDecomposition* init_full(Device* d, unsigned long rows, unsigned long columns);
  void encode(id command_buffer, Matrix* source, Matrix* result, Matrix* pivots, Buffer* status);
};

struct CholeskyDecomposition : UnaryKernel {
  SIM_CLASS(CholeskyDecomposition, MPSMatrixDecompositionCholesky)
  bool lower = false;
  unsigned long order = 0;
  CholeskyDecomposition* init_full(Device* d, bool lower, unsigned long order);
  void encode(id command_buffer, Matrix* source, Matrix* result, Buffer* status);
};

struct TriangularSolve : BinaryKernel {
  SIM_CLASS(TriangularSolve, MPSMatrixSolveTriangular)
  bool right = false, upper = false, transpose = false, unit = false;
  unsigned long order = 0, count = 0;
  double alpha = 1;
  TriangularSolve* init_full(Device* d, bool right, bool upper, bool transpose, bool unit,
                             unsigned long order, unsigned long count, double alpha);
  void encode(id command_buffer, Matrix* source, Matrix* right_hand_side, Matrix* solution);
};

struct LuSolve : BinaryKernel {
  SIM_CLASS(LuSolve, MPSMatrixSolveLU)
  bool transpose = false;
  unsigned long order = 0, count = 0;
  LuSolve* init_full(Device* d, bool transpose, unsigned long order, unsigned long count);
  void encode(id command_buffer, Matrix* source, Matrix* right_hand_side, Matrix* pivots,
              Matrix* solution);
};

struct CholeskySolve : BinaryKernel {
  SIM_CLASS(CholeskySolve, MPSMatrixSolveCholesky)
  bool upper = false;
  unsigned long order = 0, count = 0;
  CholeskySolve* init_full(Device* d, bool upper, unsigned long order, unsigned long count);
  void encode(id command_buffer, Matrix* source, Matrix* right_hand_side, Matrix* solution);
};

}  // namespace metal_sim
