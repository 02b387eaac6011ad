// MPSMatrixFullyConnected and MPSMatrixBatchNormalization with their gradients.
#pragma once

#include "sim/metal/mps/neuron.h"

namespace metal_sim {

struct FullyConnected : WithNeuron<BinaryKernel> {
  SIM_CLASS(FullyConnected, MPSMatrixFullyConnected)
  double alpha = 1;
  unsigned long vectors = kAll, inputs = kAll, outputs = kAll;
  void encode(id command_buffer, Matrix* input, Matrix* weight, Vector* bias, Matrix* result);
};

struct FullyConnectedGradient : BinaryKernel {
  SIM_CLASS(FullyConnectedGradient, MPSMatrixFullyConnectedGradient)
  double alpha = 1;
  unsigned long vectors = kAll, inputs = kAll, outputs = kAll;
  void encode_data(id command_buffer, Matrix* gradient, Matrix* weight, Matrix* result);
  void encode_weights(id command_buffer, Matrix* gradient, Matrix* input, Matrix* weight_result,
                      Vector* bias_result);
};

// Whether MPS divides by the root of variance + epsilon or, as its header's formula reads, by the
// sum itself is not known publicly; the root is what every batch normalisation
// means.
struct BatchNormalization : WithNeuron<UnaryKernel> {
  SIM_CLASS(BatchNormalization, MPSMatrixBatchNormalization)
  unsigned long vectors = kAll, channels = kAll;
  float epsilon = 1.17549435e-38f;
  bool compute_statistics = false;
  void encode(id command_buffer, Matrix* input, Vector* mean, Vector* variance, Vector* gamma,
              Vector* beta, Matrix* result);
};

struct BatchNormalizationGradient : WithNeuron<BinaryKernel> {
  SIM_CLASS(BatchNormalizationGradient, MPSMatrixBatchNormalizationGradient)
  unsigned long vectors = kAll, channels = kAll;
  float epsilon = 1.17549435e-38f;
  void encode(id command_buffer, Matrix* gradient, Matrix* input, Vector* mean, Vector* variance,
              Vector* gamma, Vector* beta, Matrix* result, Vector* gamma_result,
              Vector* beta_result);
};

}  // namespace metal_sim
