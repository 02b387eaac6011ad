// MPSMatrixMultiplication and MPSMatrixVectorMultiplication, and the product that others use too.
#pragma once

#include "sim/metal/mps/kernel.h"

namespace metal_sim {

struct Multiplication : MpsKernel {
  SIM_CLASS(Multiplication, MPSMatrixMultiplication)
  bool transpose_left = false, transpose_right = false;
  unsigned long rows = 0, columns = 0, interior = 0;
  double alpha = 1, beta = 0;
  Origin left_origin{0, 0, 0}, right_origin{0, 0, 0}, result_origin{0, 0, 0};
  unsigned long batch_start = 0, batch_size = kAll;

  Multiplication* init_full(Device* d, bool left, bool right, unsigned long rows,
                            unsigned long columns, unsigned long interior, double alpha,
                            double beta);
  Multiplication* init_short(Device* d, unsigned long rows, unsigned long columns,
                             unsigned long interior);
  Multiplication* refuse_init(Device* d);
  void encode(id command_buffer, Matrix* left, Matrix* right, Matrix* result);

 private:
  void check(Matrix* left, Matrix* right, Matrix* result) const;
};

struct VectorMultiplication : BinaryKernel {
  SIM_CLASS(VectorMultiplication, MPSMatrixVectorMultiplication)
  bool transpose = false;
  unsigned long rows = 0, columns = 0;
  double alpha = 1, beta = 0;

  VectorMultiplication* init_full(Device* d, bool transpose, unsigned long rows,
                                  unsigned long columns, double alpha, double beta);
  VectorMultiplication* init_short(Device* d, unsigned long rows, unsigned long columns);
  VectorMultiplication* refuse_init(Device* d);
  void encode(id command_buffer, Matrix* matrix, Vector* vector, Vector* result);

 private:
  void check(Matrix* matrix, Vector* vector, Vector* result) const;
};

// c = alpha * a b + beta * c over views (a: m x k, b: k x n, each possibly stored transposed). Sums
// are f32, one chain of fused multiply-adds an element. With beta 0, c is not read.
struct Product {
  View a, b, c;
  size_t m = 0, n = 0, k = 0;
  double alpha = 1, beta = 0;
};
void run_product(const Product& p);

}  // namespace metal_sim
