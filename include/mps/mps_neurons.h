// MPS's kernels on matrices that end in a neuron's function.
#pragma once

#include <mps/mps_matrix.h>

namespace apple::mps {

class MatrixSum : public objc::Of<Catalogue, MatrixSumMethods, Kernel> {
 public:
  using Of::Of;
  MatrixSum() = default;
  MatrixSum(const mtl::Device& device, UInt count, UInt rows, UInt columns, bool transpose)
      : Of(init<"initWithDevice:count:rows:columns:transpose:">(device, count, rows, columns,
                                                                transpose)) {}
  void set_neuron_type(CNNNeuronType neuron_type, float parameter_a, float parameter_b,
                       float parameter_c) const {
    send<"setNeuronType:parameterA:parameterB:parameterC:">(neuron_type, parameter_a, parameter_b,
                                                            parameter_c);
  }
  CNNNeuronType neuron_type() const { return send<"neuronType">(); }
  void encode(const mtl::CommandBuffer& command_buffer, const ns::Array& source_matrices,
              const Matrix& result_matrix, const Vector& scale_vector, const Vector& offset_vector,
              const Vector& bias_vector, UInt start_index) const {
    send<
        "encodeToCommandBuffer:sourceMatrices:resultMatrix:scaleVector:offsetVector:biasVector:"
        "startIndex:">(command_buffer, source_matrices, result_matrix, scale_vector, offset_vector,
                       bias_vector, start_index);
  }
  UInt rows() const { return send<"rows">(); }
  UInt columns() const { return send<"columns">(); }
  UInt count() const { return send<"count">(); }
  bool transpose() const { return send<"transpose">(); }
  mtl::Origin result_matrix_origin() const { return send<"resultMatrixOrigin">(); }
  void set_result_matrix_origin(const mtl::Origin& value) const {
    send<"setResultMatrixOrigin:">(value);
  }
  float neuron_parameter_a() const { return send<"neuronParameterA">(); }
  float neuron_parameter_b() const { return send<"neuronParameterB">(); }
  float neuron_parameter_c() const { return send<"neuronParameterC">(); }
};

class MatrixNeuron : public objc::Of<Catalogue, MatrixNeuronMethods, MatrixUnaryKernel> {
 public:
  using Of::Of;
  MatrixNeuron() = default;
  void set_neuron_type(CNNNeuronType neuron_type, float parameter_a, float parameter_b,
                       float parameter_c) const {
    send<"setNeuronType:parameterA:parameterB:parameterC:">(neuron_type, parameter_a, parameter_b,
                                                            parameter_c);
  }
  CNNNeuronType neuron_type() const { return send<"neuronType">(); }
  float neuron_parameter_a() const { return send<"neuronParameterA">(); }
  float neuron_parameter_b() const { return send<"neuronParameterB">(); }
  float neuron_parameter_c() const { return send<"neuronParameterC">(); }
  void set_neuron_to_prelu(const ns::Data& value) const {
    send<"setNeuronToPReLUWithParametersA:">(value);
  }
  explicit MatrixNeuron(const mtl::Device& device) : Of(init<"initWithDevice:">(device)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& input_matrix,
              const Vector& bias_vector, const Matrix& result_matrix) const {
    send<"encodeToCommandBuffer:inputMatrix:biasVector:resultMatrix:">(command_buffer, input_matrix,
                                                                       bias_vector, result_matrix);
  }
  UInt source_number_of_feature_vectors() const { return send<"sourceNumberOfFeatureVectors">(); }
  void set_source_number_of_feature_vectors(UInt value) const {
    send<"setSourceNumberOfFeatureVectors:">(value);
  }
  UInt source_input_feature_channels() const { return send<"sourceInputFeatureChannels">(); }
  void set_source_input_feature_channels(UInt value) const {
    send<"setSourceInputFeatureChannels:">(value);
  }
  double alpha() const { return send<"alpha">(); }
  void set_alpha(double value) const { send<"setAlpha:">(value); }
};

class MatrixNeuronGradient
    : public objc::Of<Catalogue, MatrixNeuronGradientMethods, MatrixBinaryKernel> {
 public:
  using Of::Of;
  MatrixNeuronGradient() = default;
  void set_neuron_type(CNNNeuronType neuron_type, float parameter_a, float parameter_b,
                       float parameter_c) const {
    send<"setNeuronType:parameterA:parameterB:parameterC:">(neuron_type, parameter_a, parameter_b,
                                                            parameter_c);
  }
  CNNNeuronType neuron_type() const { return send<"neuronType">(); }
  float neuron_parameter_a() const { return send<"neuronParameterA">(); }
  float neuron_parameter_b() const { return send<"neuronParameterB">(); }
  float neuron_parameter_c() const { return send<"neuronParameterC">(); }
  void set_neuron_to_prelu(const ns::Data& value) const {
    send<"setNeuronToPReLUWithParametersA:">(value);
  }
  explicit MatrixNeuronGradient(const mtl::Device& device) : Of(init<"initWithDevice:">(device)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& gradient_matrix,
              const Matrix& input_matrix, const Vector& bias_vector,
              const Matrix& result_gradient_for_data_matrix,
              const Vector& result_gradient_for_bias_vector) const {
    send<
        "encodeToCommandBuffer:gradientMatrix:inputMatrix:biasVector:resultGradientForDataMatrix:"
        "resultGradientForBiasVector:">(command_buffer, gradient_matrix, input_matrix, bias_vector,
                                        result_gradient_for_data_matrix,
                                        result_gradient_for_bias_vector);
  }
  UInt source_number_of_feature_vectors() const { return send<"sourceNumberOfFeatureVectors">(); }
  void set_source_number_of_feature_vectors(UInt value) const {
    send<"setSourceNumberOfFeatureVectors:">(value);
  }
  UInt source_input_feature_channels() const { return send<"sourceInputFeatureChannels">(); }
  void set_source_input_feature_channels(UInt value) const {
    send<"setSourceInputFeatureChannels:">(value);
  }
  double alpha() const { return send<"alpha">(); }
  void set_alpha(double value) const { send<"setAlpha:">(value); }
};

class MatrixFullyConnected
    : public objc::Of<Catalogue, MatrixFullyConnectedMethods, MatrixBinaryKernel> {
 public:
  using Of::Of;
  MatrixFullyConnected() = default;
  void set_neuron_type(CNNNeuronType neuron_type, float parameter_a, float parameter_b,
                       float parameter_c) const {
    send<"setNeuronType:parameterA:parameterB:parameterC:">(neuron_type, parameter_a, parameter_b,
                                                            parameter_c);
  }
  CNNNeuronType neuron_type() const { return send<"neuronType">(); }
  float neuron_parameter_a() const { return send<"neuronParameterA">(); }
  float neuron_parameter_b() const { return send<"neuronParameterB">(); }
  float neuron_parameter_c() const { return send<"neuronParameterC">(); }
  explicit MatrixFullyConnected(const mtl::Device& device) : Of(init<"initWithDevice:">(device)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& input_matrix,
              const Matrix& weight_matrix, const Vector& bias_vector,
              const Matrix& result_matrix) const {
    send<"encodeToCommandBuffer:inputMatrix:weightMatrix:biasVector:resultMatrix:">(
        command_buffer, input_matrix, weight_matrix, bias_vector, result_matrix);
  }
  UInt source_number_of_feature_vectors() const { return send<"sourceNumberOfFeatureVectors">(); }
  void set_source_number_of_feature_vectors(UInt value) const {
    send<"setSourceNumberOfFeatureVectors:">(value);
  }
  UInt source_input_feature_channels() const { return send<"sourceInputFeatureChannels">(); }
  void set_source_input_feature_channels(UInt value) const {
    send<"setSourceInputFeatureChannels:">(value);
  }
  UInt source_output_feature_channels() const { return send<"sourceOutputFeatureChannels">(); }
  void set_source_output_feature_channels(UInt value) const {
    send<"setSourceOutputFeatureChannels:">(value);
  }
  double alpha() const { return send<"alpha">(); }
  void set_alpha(double value) const { send<"setAlpha:">(value); }
};

class MatrixFullyConnectedGradient
    : public objc::Of<Catalogue, MatrixFullyConnectedGradientMethods, MatrixBinaryKernel> {
 public:
  using Of::Of;
  MatrixFullyConnectedGradient() = default;
  explicit MatrixFullyConnectedGradient(const mtl::Device& device)
      : Of(init<"initWithDevice:">(device)) {}
  void encode_gradient_for_data(const mtl::CommandBuffer& data_to_command_buffer,
                                const Matrix& gradient_matrix, const Matrix& weight_matrix,
                                const Matrix& result_gradient_for_data_matrix) const {
    send<
        "encodeGradientForDataToCommandBuffer:gradientMatrix:weightMatrix:"
        "resultGradientForDataMatrix:">(data_to_command_buffer, gradient_matrix, weight_matrix,
                                        result_gradient_for_data_matrix);
  }
  void encode_gradient_for_weights_and_bias(
      const mtl::CommandBuffer& weights_and_bias_to_command_buffer, const Matrix& gradient_matrix,
      const Matrix& input_matrix, const Matrix& result_gradient_for_weight_matrix,
      const Vector& result_gradient_for_bias_vector) const {
    send<
        "encodeGradientForWeightsAndBiasToCommandBuffer:gradientMatrix:inputMatrix:"
        "resultGradientForWeightMatrix:resultGradientForBiasVector:">(
        weights_and_bias_to_command_buffer, gradient_matrix, input_matrix,
        result_gradient_for_weight_matrix, result_gradient_for_bias_vector);
  }
  UInt source_number_of_feature_vectors() const { return send<"sourceNumberOfFeatureVectors">(); }
  void set_source_number_of_feature_vectors(UInt value) const {
    send<"setSourceNumberOfFeatureVectors:">(value);
  }
  UInt source_output_feature_channels() const { return send<"sourceOutputFeatureChannels">(); }
  void set_source_output_feature_channels(UInt value) const {
    send<"setSourceOutputFeatureChannels:">(value);
  }
  UInt source_input_feature_channels() const { return send<"sourceInputFeatureChannels">(); }
  void set_source_input_feature_channels(UInt value) const {
    send<"setSourceInputFeatureChannels:">(value);
  }
  double alpha() const { return send<"alpha">(); }
  void set_alpha(double value) const { send<"setAlpha:">(value); }
};

class MatrixBatchNormalization
    : public objc::Of<Catalogue, MatrixBatchNormalizationMethods, MatrixUnaryKernel> {
 public:
  using Of::Of;
  MatrixBatchNormalization() = default;
  void set_neuron_type(CNNNeuronType neuron_type, float parameter_a, float parameter_b,
                       float parameter_c) const {
    send<"setNeuronType:parameterA:parameterB:parameterC:">(neuron_type, parameter_a, parameter_b,
                                                            parameter_c);
  }
  CNNNeuronType neuron_type() const { return send<"neuronType">(); }
  float neuron_parameter_a() const { return send<"neuronParameterA">(); }
  float neuron_parameter_b() const { return send<"neuronParameterB">(); }
  float neuron_parameter_c() const { return send<"neuronParameterC">(); }
  explicit MatrixBatchNormalization(const mtl::Device& device)
      : Of(init<"initWithDevice:">(device)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& input_matrix,
              const Vector& mean_vector, const Vector& variance_vector, const Vector& gamma_vector,
              const Vector& beta_vector, const Matrix& result_matrix) const {
    send<
        "encodeToCommandBuffer:inputMatrix:meanVector:varianceVector:gammaVector:betaVector:"
        "resultMatrix:">(command_buffer, input_matrix, mean_vector, variance_vector, gamma_vector,
                         beta_vector, result_matrix);
  }
  UInt source_number_of_feature_vectors() const { return send<"sourceNumberOfFeatureVectors">(); }
  void set_source_number_of_feature_vectors(UInt value) const {
    send<"setSourceNumberOfFeatureVectors:">(value);
  }
  UInt source_input_feature_channels() const { return send<"sourceInputFeatureChannels">(); }
  void set_source_input_feature_channels(UInt value) const {
    send<"setSourceInputFeatureChannels:">(value);
  }
  float epsilon() const { return send<"epsilon">(); }
  void set_epsilon(float value) const { send<"setEpsilon:">(value); }
  bool compute_statistics() const { return send<"computeStatistics">(); }
  void set_compute_statistics(bool value) const { send<"setComputeStatistics:">(value); }
};

class MatrixBatchNormalizationGradient
    : public objc::Of<Catalogue, MatrixBatchNormalizationGradientMethods, MatrixBinaryKernel> {
 public:
  using Of::Of;
  MatrixBatchNormalizationGradient() = default;
  void set_neuron_type(CNNNeuronType neuron_type, float parameter_a, float parameter_b,
                       float parameter_c) const {
    send<"setNeuronType:parameterA:parameterB:parameterC:">(neuron_type, parameter_a, parameter_b,
                                                            parameter_c);
  }
  CNNNeuronType neuron_type() const { return send<"neuronType">(); }
  float neuron_parameter_a() const { return send<"neuronParameterA">(); }
  float neuron_parameter_b() const { return send<"neuronParameterB">(); }
  float neuron_parameter_c() const { return send<"neuronParameterC">(); }
  explicit MatrixBatchNormalizationGradient(const mtl::Device& device)
      : Of(init<"initWithDevice:">(device)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& gradient_matrix,
              const Matrix& input_matrix, const Vector& mean_vector, const Vector& variance_vector,
              const Vector& gamma_vector, const Vector& beta_vector,
              const Matrix& result_gradient_for_data_matrix,
              const Vector& result_gradient_for_gamma_vector,
              const Vector& result_gradient_for_beta_vector) const {
    send<
        "encodeToCommandBuffer:gradientMatrix:inputMatrix:meanVector:varianceVector:gammaVector:"
        "betaVector:resultGradientForDataMatrix:resultGradientForGammaVector:"
        "resultGradientForBetaVector:">(
        command_buffer, gradient_matrix, input_matrix, mean_vector, variance_vector, gamma_vector,
        beta_vector, result_gradient_for_data_matrix, result_gradient_for_gamma_vector,
        result_gradient_for_beta_vector);
  }
  UInt source_number_of_feature_vectors() const { return send<"sourceNumberOfFeatureVectors">(); }
  void set_source_number_of_feature_vectors(UInt value) const {
    send<"setSourceNumberOfFeatureVectors:">(value);
  }
  UInt source_input_feature_channels() const { return send<"sourceInputFeatureChannels">(); }
  void set_source_input_feature_channels(UInt value) const {
    send<"setSourceInputFeatureChannels:">(value);
  }
  float epsilon() const { return send<"epsilon">(); }
  void set_epsilon(float value) const { send<"setEpsilon:">(value); }
};

}  // namespace apple::mps
