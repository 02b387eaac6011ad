// Metal Performance Shaders, asked for by name: each function here runs exactly the MPS kernel it
// names, on a Metal device ("metal", "metal-sim"), or throws an Error that says why MPS cannot. The
// ops of ops.h choose by themselves.
//
// All of them: operands are f32 or f16, of one dtype and on one Metal device; the result is new,
// contiguous and of that dtype. The work is queued; the host waits where the result is read.
// * Views go to MPS as they are: offsets, row strides, transposes, batches. Any other strides
// (steps
//   along both dimensions, expanded rows) are made contiguous first, on the device.
// * Sizes of zero work; K == 0 gives beta * c; beta == 0 never reads c.
// * Errors: ErrorCode::device for operands that are not on a Metal device, or on two, or where MPS
//   has no kernels for the GPU; dtype for what MPS would end the program over (bf16, integers,
//   quantised weights) and for operands of two dtypes; shape; argument for a product so large that
//   MPS is known to compute it wrong; out_of_memory.
// * Gradients are recorded as for the ops.
#pragma once

#include "pewter/ops.h"

namespace pewter::mps {

// alpha * op(a) op(b) + beta * c by MPSMatrixMultiplication: a [.., M, K], b [.., K, N] before
// their transposes, c [.., M, N] of the result's dtype, broadcast; batch dimensions broadcast as in
// NumPy. Of the options, out may be f32 for f16 operands. Sums are in f32 or wider: |error| <= (K +
// 3) * 2^-24 * sum |a||b| and one rounding to the dtype is what software Metal keeps; Apple
// promises no bound. (M + 2 K) * N * element size must stay below 2^31: beyond it MPS gives bands
// of NaN.
Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options = {});

// alpha * op(a) x + beta * c by MPSMatrixVectorMultiplication: a [.., M, K] before its transpose,
// x [.., K], c [.., M] -> [.., M].
Tensor matvec(const Tensor& a, const Tensor& x, const MatmulOptions& options = {});

// Over the last dimension, which must not be empty, by MPSMatrixSoftMax and MPSMatrixLogSoftMax.
Tensor softmax(const Tensor& x);
Tensor log_softmax(const Tensor& x);

}  // namespace pewter::mps
