// The activation functions of MPSCNNNeuronType and the kernels around them: MPSMatrixNeuron with
// its gradient, MPSMatrixSum.
#pragma once

#include "sim/metal/mps/kernel.h"

namespace metal_sim {

// Type, parameters, and what `setNeuronType:parameterA:parameterB:parameterC:` does. A mix-in: the
// kernels derive from different bases.
struct Neuron {
  int type = 0;
  float a = 0, b = 0, c = 0;
  std::vector<float> per_channel;  // PReLU

  double value(double x, size_t channel) const;
  double slope(double x, size_t channel) const;  // of value at x
};

template <typename Base>
struct WithNeuron : Base {
  Neuron neuron;
  void set_neuron(int type, float a, float b, float c) { neuron = {type, a, b, c, {}}; }
  void set_prelu(Data* values) {
    neuron.type = 10;
    const auto* floats = static_cast<const float*>(values->bytes());
    neuron.per_channel.assign(floats, floats + values->length() / sizeof(float));
  }
  int neuron_type() const { return neuron.type; }
  float neuron_a() const { return neuron.a; }
  float neuron_b() const { return neuron.b; }
  float neuron_c() const { return neuron.c; }
};

template <typename T>
void add_neuron_methods(Cls<T>& cls) {
  cls.template method<&T::set_neuron>("setNeuronType:parameterA:parameterB:parameterC:")
      .template method<&T::set_prelu>("setNeuronToPReLUWithParametersA:")
      .template method<&T::neuron_type>("neuronType")
      .template method<&T::neuron_a>("neuronParameterA")
      .template method<&T::neuron_b>("neuronParameterB")
      .template method<&T::neuron_c>("neuronParameterC");
}

struct MatrixNeuron : WithNeuron<UnaryKernel> {
  SIM_CLASS(MatrixNeuron, MPSMatrixNeuron)
  double alpha = 1;
  unsigned long vectors = kAll, channels = kAll;
  void encode(id command_buffer, Matrix* input, Vector* bias, Matrix* result);
};

struct MatrixNeuronGradient : WithNeuron<BinaryKernel> {
  SIM_CLASS(MatrixNeuronGradient, MPSMatrixNeuronGradient)
  double alpha = 1;
  unsigned long vectors = kAll, channels = kAll;
  void encode(id command_buffer, Matrix* gradient, Matrix* input, Vector* bias, Matrix* result,
              Vector* bias_result);
};

struct MatrixSum : WithNeuron<MpsKernel> {
  SIM_CLASS(MatrixSum, MPSMatrixSum)
  unsigned long count = 0, rows = 0, columns = 0;
  bool transpose = false;
  Origin result_origin{0, 0, 0};
  MatrixSum* init_full(Device* d, unsigned long count, unsigned long rows, unsigned long columns,
                       bool transpose);
  void encode(id command_buffer, Array* sources, Matrix* result, Vector* scales, Vector* offsets,
              Vector* bias, unsigned long start);
};

// Bias of element j; 0 where there is none.
inline double bias_at(const View& bias, size_t j) { return bias ? bias.get(0, j) : 0; }

}  // namespace metal_sim
