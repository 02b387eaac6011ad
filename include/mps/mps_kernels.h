// MPS's kernels on matrices: products, softmax, random numbers, copies, factorisations.
#pragma once

#include <mps/mps_matrix.h>

namespace apple::mps {

// C = alpha op(A) op(B) + beta C. Of an origin, x is the row and y the column, the other way round
// than in an image. batch_size is at first all that there are. f32 and f16 (also f16 to f32, f32
// with f16); other types end the program.
class MatrixMultiplication : public objc::Of<Catalogue, MatrixMultiplicationMethods, Kernel> {
 public:
  using Of::Of;
  MatrixMultiplication() = default;
  MatrixMultiplication(const mtl::Device& device, bool transpose_left, bool transpose_right,
                       UInt result_rows, UInt result_columns, UInt interior_columns, double alpha,
                       double beta)
      : Of(init<"initWithDevice:transposeLeft:transposeRight:resultRows:resultColumns:"
                "interiorColumns:alpha:beta:">(device, transpose_left, transpose_right, result_rows,
                                               result_columns, interior_columns, alpha, beta)) {}
  MatrixMultiplication(const mtl::Device& device, UInt result_rows, UInt result_columns,
                       UInt interior_columns)
      : Of(init<"initWithDevice:resultRows:resultColumns:interiorColumns:">(
            device, result_rows, result_columns, interior_columns)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& left_matrix,
              const Matrix& right_matrix, const Matrix& result_matrix) const {
    send<"encodeToCommandBuffer:leftMatrix:rightMatrix:resultMatrix:">(command_buffer, left_matrix,
                                                                       right_matrix, result_matrix);
  }
  mtl::Origin result_matrix_origin() const { return send<"resultMatrixOrigin">(); }
  void set_result_matrix_origin(const mtl::Origin& value) const {
    send<"setResultMatrixOrigin:">(value);
  }
  mtl::Origin left_matrix_origin() const { return send<"leftMatrixOrigin">(); }
  void set_left_matrix_origin(const mtl::Origin& value) const {
    send<"setLeftMatrixOrigin:">(value);
  }
  mtl::Origin right_matrix_origin() const { return send<"rightMatrixOrigin">(); }
  void set_right_matrix_origin(const mtl::Origin& value) const {
    send<"setRightMatrixOrigin:">(value);
  }
  UInt batch_start() const { return send<"batchStart">(); }
  void set_batch_start(UInt value) const { send<"setBatchStart:">(value); }
  UInt batch_size() const { return send<"batchSize">(); }
  void set_batch_size(UInt value) const { send<"setBatchSize:">(value); }
};

// y = alpha op(A) x + beta y; rows and columns are those of op(A).
class MatrixVectorMultiplication
    : public objc::Of<Catalogue, MatrixVectorMultiplicationMethods, MatrixBinaryKernel> {
 public:
  using Of::Of;
  MatrixVectorMultiplication() = default;
  MatrixVectorMultiplication(const mtl::Device& device, bool transpose, UInt rows, UInt columns,
                             double alpha, double beta)
      : Of(init<"initWithDevice:transpose:rows:columns:alpha:beta:">(device, transpose, rows,
                                                                     columns, alpha, beta)) {}
  MatrixVectorMultiplication(const mtl::Device& device, UInt rows, UInt columns)
      : Of(init<"initWithDevice:rows:columns:">(device, rows, columns)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& input_matrix,
              const Vector& input_vector, const Vector& result_vector) const {
    send<"encodeToCommandBuffer:inputMatrix:inputVector:resultVector:">(
        command_buffer, input_matrix, input_vector, result_vector);
  }
};

// Along each row; source and result of one type, f32 or f16.
class MatrixSoftMax : public objc::Of<Catalogue, MatrixSoftMaxMethods, MatrixUnaryKernel> {
 public:
  using Of::Of;
  MatrixSoftMax() = default;
  explicit MatrixSoftMax(const mtl::Device& device) : Of(init<"initWithDevice:">(device)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& input_matrix,
              const Matrix& result_matrix) const {
    send<"encodeToCommandBuffer:inputMatrix:resultMatrix:">(command_buffer, input_matrix,
                                                            result_matrix);
  }
  UInt source_rows() const { return send<"sourceRows">(); }
  void set_source_rows(UInt value) const { send<"setSourceRows:">(value); }
  UInt source_columns() const { return send<"sourceColumns">(); }
  void set_source_columns(UInt value) const { send<"setSourceColumns:">(value); }
};

class MatrixLogSoftMax : public objc::Of<Catalogue, MatrixLogSoftMaxMethods, MatrixSoftMax> {
 public:
  using Of::Of;
  MatrixLogSoftMax() = default;
  explicit MatrixLogSoftMax(const mtl::Device& device) : Of(init<"initWithDevice:">(device)) {}
};

class MatrixSoftMaxGradient
    : public objc::Of<Catalogue, MatrixSoftMaxGradientMethods, MatrixBinaryKernel> {
 public:
  using Of::Of;
  MatrixSoftMaxGradient() = default;
  explicit MatrixSoftMaxGradient(const mtl::Device& device) : Of(init<"initWithDevice:">(device)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& gradient_matrix,
              const Matrix& forward_output_matrix, const Matrix& result_matrix) const {
    send<"encodeToCommandBuffer:gradientMatrix:forwardOutputMatrix:resultMatrix:">(
        command_buffer, gradient_matrix, forward_output_matrix, result_matrix);
  }
  UInt source_rows() const { return send<"sourceRows">(); }
  void set_source_rows(UInt value) const { send<"setSourceRows:">(value); }
  UInt source_columns() const { return send<"sourceColumns">(); }
  void set_source_columns(UInt value) const { send<"setSourceColumns:">(value); }
};

class MatrixLogSoftMaxGradient
    : public objc::Of<Catalogue, MatrixLogSoftMaxGradientMethods, MatrixSoftMaxGradient> {
 public:
  using Of::Of;
  MatrixLogSoftMaxGradient() = default;
  explicit MatrixLogSoftMaxGradient(const mtl::Device& device)
      : Of(init<"initWithDevice:">(device)) {}
};

// The largest of each row, at most 16, with their columns as uint32.
class MatrixFindTopK : public objc::Of<Catalogue, MatrixFindTopKMethods, MatrixUnaryKernel> {
 public:
  using Of::Of;
  MatrixFindTopK() = default;
  MatrixFindTopK(const mtl::Device& device, UInt number_of_top_k_values)
      : Of(init<"initWithDevice:numberOfTopKValues:">(device, number_of_top_k_values)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& input_matrix,
              const Matrix& result_index_matrix, const Matrix& result_value_matrix) const {
    send<"encodeToCommandBuffer:inputMatrix:resultIndexMatrix:resultValueMatrix:">(
        command_buffer, input_matrix, result_index_matrix, result_value_matrix);
  }
  UInt source_rows() const { return send<"sourceRows">(); }
  void set_source_rows(UInt value) const { send<"setSourceRows:">(value); }
  UInt source_columns() const { return send<"sourceColumns">(); }
  void set_source_columns(UInt value) const { send<"setSourceColumns:">(value); }
  UInt index_offset() const { return send<"indexOffset">(); }
  void set_index_offset(UInt value) const { send<"setIndexOffset:">(value); }
  UInt number_of_top_k_values() const { return send<"numberOfTopKValues">(); }
  void set_number_of_top_k_values(UInt value) const { send<"setNumberOfTopKValues:">(value); }
};

class MatrixCopyDescriptor : public objc::Of<Catalogue, MatrixCopyDescriptorMethods> {
 public:
  using Of::Of;
  MatrixCopyDescriptor() = default;
  MatrixCopyDescriptor(const Matrix& source_matrix, const Matrix& destination_matrix,
                       MatrixCopyOffsets offsets)
      : Of(create<"descriptorWithSourceMatrix:destinationMatrix:offsets:">(
            source_matrix, destination_matrix, offsets)) {}
  MatrixCopyDescriptor(const mtl::Device& device, UInt count)
      : Of(init<"initWithDevice:count:">(device, count)) {}
  void set_copy_operation_at_index(UInt copy_operation_at_index, const Matrix& source_matrix,
                                   const Matrix& destination_matrix,
                                   MatrixCopyOffsets offsets) const {
    send<"setCopyOperationAtIndex:sourceMatrix:destinationMatrix:offsets:">(
        copy_operation_at_index, source_matrix, destination_matrix, offsets);
  }
  MatrixCopyDescriptor(const ns::Array& source_matrices, const ns::Array& destination_matrices,
                       const Vector& offset_vector, UInt offset)
      : Of(init<"initWithSourceMatrices:destinationMatrices:offsetVector:offset:">(
            source_matrices, destination_matrices, offset_vector, offset)) {}
};

class MatrixCopy : public objc::Of<Catalogue, MatrixCopyMethods, Kernel> {
 public:
  using Of::Of;
  MatrixCopy() = default;
  MatrixCopy(const mtl::Device& device, UInt copy_rows, UInt copy_columns,
             bool sources_are_transposed, bool destinations_are_transposed)
      : Of(init<
            "initWithDevice:copyRows:copyColumns:sourcesAreTransposed:destinationsAreTransposed:">(
            device, copy_rows, copy_columns, sources_are_transposed, destinations_are_transposed)) {
  }
  void encode(const mtl::CommandBuffer& command_buffer,
              const MatrixCopyDescriptor& copy_descriptor) const {
    send<"encodeToCommandBuffer:copyDescriptor:">(command_buffer, copy_descriptor);
  }
  void encode(const mtl::CommandBuffer& command_buffer, const MatrixCopyDescriptor& copy_descriptor,
              const Vector& row_permute_indices, UInt row_permute_offset,
              const Vector& column_permute_indices, UInt column_permute_offset) const {
    send<
        "encodeToCommandBuffer:copyDescriptor:rowPermuteIndices:rowPermuteOffset:"
        "columnPermuteIndices:columnPermuteOffset:">(command_buffer, copy_descriptor,
                                                     row_permute_indices, row_permute_offset,
                                                     column_permute_indices, column_permute_offset);
  }
  UInt copy_rows() const { return send<"copyRows">(); }
  UInt copy_columns() const { return send<"copyColumns">(); }
  bool sources_are_transposed() const { return send<"sourcesAreTransposed">(); }
  bool destinations_are_transposed() const { return send<"destinationsAreTransposed">(); }
};

class MatrixRandomDistributionDescriptor
    : public objc::Of<Catalogue, MatrixRandomDistributionDescriptorMethods> {
 public:
  using Of::Of;
  MatrixRandomDistributionDescriptor() = default;
  static MatrixRandomDistributionDescriptor uniform_distribution_descriptor(float minimum,
                                                                            float maximum) {
    return send_class<"uniformDistributionDescriptorWithMinimum:maximum:">(minimum, maximum);
  }
  static MatrixRandomDistributionDescriptor normal_distribution_descriptor(
      float mean, float standard_deviation) {
    return send_class<"normalDistributionDescriptorWithMean:standardDeviation:">(
        mean, standard_deviation);
  }
  static MatrixRandomDistributionDescriptor normal_distribution_descriptor(float mean,
                                                                           float standard_deviation,
                                                                           float minimum,
                                                                           float maximum) {
    return send_class<"normalDistributionDescriptorWithMean:standardDeviation:minimum:maximum:">(
        mean, standard_deviation, minimum, maximum);
  }
  static MatrixRandomDistributionDescriptor default_distribution_descriptor() {
    return send_class<"defaultDistributionDescriptor">();
  }
  MatrixRandomDistribution distribution_type() const { return send<"distributionType">(); }
  void set_distribution_type(MatrixRandomDistribution value) const {
    send<"setDistributionType:">(value);
  }
  float minimum() const { return send<"minimum">(); }
  void set_minimum(float value) const { send<"setMinimum:">(value); }
  float maximum() const { return send<"maximum">(); }
  void set_maximum(float value) const { send<"setMaximum:">(value); }
  float mean() const { return send<"mean">(); }
  void set_mean(float value) const { send<"setMean:">(value); }
  float standard_deviation() const { return send<"standardDeviation">(); }
  void set_standard_deviation(float value) const { send<"setStandardDeviation:">(value); }
};

class MatrixRandom : public objc::Of<Catalogue, MatrixRandomMethods, Kernel> {
 public:
  using Of::Of;
  MatrixRandom() = default;
  void encode(const mtl::CommandBuffer& command_buffer, const Vector& destination_vector) const {
    send<"encodeToCommandBuffer:destinationVector:">(command_buffer, destination_vector);
  }
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& destination_matrix) const {
    send<"encodeToCommandBuffer:destinationMatrix:">(command_buffer, destination_matrix);
  }
  DataType destination_data_type() const { return send<"destinationDataType">(); }
  MatrixRandomDistribution distribution_type() const { return send<"distributionType">(); }
  UInt batch_start() const { return send<"batchStart">(); }
  void set_batch_start(UInt value) const { send<"setBatchStart:">(value); }
  UInt batch_size() const { return send<"batchSize">(); }
  void set_batch_size(UInt value) const { send<"setBatchSize:">(value); }
};

class MatrixRandomMTGP32 : public objc::Of<Catalogue, MatrixRandomMTGP32Methods, MatrixRandom> {
 public:
  using Of::Of;
  MatrixRandomMTGP32() = default;
  explicit MatrixRandomMTGP32(const mtl::Device& device) : Of(init<"initWithDevice:">(device)) {}
  MatrixRandomMTGP32(const mtl::Device& device, DataType destination_data_type, UInt seed,
                     const MatrixRandomDistributionDescriptor& distribution_descriptor)
      : Of(init<"initWithDevice:destinationDataType:seed:distributionDescriptor:">(
            device, destination_data_type, seed, distribution_descriptor)) {}
  void synchronize_state(const mtl::CommandBuffer& synchronize_state_on_command_buffer) const {
    send<"synchronizeStateOnCommandBuffer:">(synchronize_state_on_command_buffer);
  }
  MatrixRandomMTGP32(const mtl::Device& device, DataType destination_data_type, UInt seed)
      : Of(init<"initWithDevice:destinationDataType:seed:">(device, destination_data_type, seed)) {}
};

class MatrixRandomPhilox : public objc::Of<Catalogue, MatrixRandomPhiloxMethods, MatrixRandom> {
 public:
  using Of::Of;
  MatrixRandomPhilox() = default;
  explicit MatrixRandomPhilox(const mtl::Device& device) : Of(init<"initWithDevice:">(device)) {}
  MatrixRandomPhilox(const mtl::Device& device, DataType destination_data_type, UInt seed,
                     const MatrixRandomDistributionDescriptor& distribution_descriptor)
      : Of(init<"initWithDevice:destinationDataType:seed:distributionDescriptor:">(
            device, destination_data_type, seed, distribution_descriptor)) {}
  MatrixRandomPhilox(const mtl::Device& device, DataType destination_data_type, UInt seed)
      : Of(init<"initWithDevice:destinationDataType:seed:">(device, destination_data_type, seed)) {}
};

class MatrixDecompositionLU
    : public objc::Of<Catalogue, MatrixDecompositionLUMethods, MatrixUnaryKernel> {
 public:
  using Of::Of;
  MatrixDecompositionLU() = default;
  MatrixDecompositionLU(const mtl::Device& device, UInt rows, UInt columns)
      : Of(init<"initWithDevice:rows:columns:">(device, rows, columns)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& source_matrix,
              const Matrix& result_matrix, const Matrix& pivot_indices,
              const mtl::Buffer& status) const {
    send<"encodeToCommandBuffer:sourceMatrix:resultMatrix:pivotIndices:status:">(
        command_buffer, source_matrix, result_matrix, pivot_indices, status);
  }
};

class MatrixDecompositionCholesky
    : public objc::Of<Catalogue, MatrixDecompositionCholeskyMethods, MatrixUnaryKernel> {
 public:
  using Of::Of;
  MatrixDecompositionCholesky() = default;
  MatrixDecompositionCholesky(const mtl::Device& device, bool lower, UInt order)
      : Of(init<"initWithDevice:lower:order:">(device, lower, order)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& source_matrix,
              const Matrix& result_matrix, const mtl::Buffer& status) const {
    send<"encodeToCommandBuffer:sourceMatrix:resultMatrix:status:">(command_buffer, source_matrix,
                                                                    result_matrix, status);
  }
};

class MatrixSolveTriangular
    : public objc::Of<Catalogue, MatrixSolveTriangularMethods, MatrixBinaryKernel> {
 public:
  using Of::Of;
  MatrixSolveTriangular() = default;
  MatrixSolveTriangular(const mtl::Device& device, bool right, bool upper, bool transpose,
                        bool unit, UInt order, UInt number_of_right_hand_sides, double alpha)
      : Of(init<"initWithDevice:right:upper:transpose:unit:order:numberOfRightHandSides:alpha:">(
            device, right, upper, transpose, unit, order, number_of_right_hand_sides, alpha)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& source_matrix,
              const Matrix& right_hand_side_matrix, const Matrix& solution_matrix) const {
    send<"encodeToCommandBuffer:sourceMatrix:rightHandSideMatrix:solutionMatrix:">(
        command_buffer, source_matrix, right_hand_side_matrix, solution_matrix);
  }
};

class MatrixSolveLU : public objc::Of<Catalogue, MatrixSolveLUMethods, MatrixBinaryKernel> {
 public:
  using Of::Of;
  MatrixSolveLU() = default;
  MatrixSolveLU(const mtl::Device& device, bool transpose, UInt order,
                UInt number_of_right_hand_sides)
      : Of(init<"initWithDevice:transpose:order:numberOfRightHandSides:">(
            device, transpose, order, number_of_right_hand_sides)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& source_matrix,
              const Matrix& right_hand_side_matrix, const Matrix& pivot_indices,
              const Matrix& solution_matrix) const {
    send<"encodeToCommandBuffer:sourceMatrix:rightHandSideMatrix:pivotIndices:solutionMatrix:">(
        command_buffer, source_matrix, right_hand_side_matrix, pivot_indices, solution_matrix);
  }
};

class MatrixSolveCholesky
    : public objc::Of<Catalogue, MatrixSolveCholeskyMethods, MatrixBinaryKernel> {
 public:
  using Of::Of;
  MatrixSolveCholesky() = default;
  MatrixSolveCholesky(const mtl::Device& device, bool upper, UInt order,
                      UInt number_of_right_hand_sides)
      : Of(init<"initWithDevice:upper:order:numberOfRightHandSides:">(
            device, upper, order, number_of_right_hand_sides)) {}
  void encode(const mtl::CommandBuffer& command_buffer, const Matrix& source_matrix,
              const Matrix& right_hand_side_matrix, const Matrix& solution_matrix) const {
    send<"encodeToCommandBuffer:sourceMatrix:rightHandSideMatrix:solutionMatrix:">(
        command_buffer, source_matrix, right_hand_side_matrix, solution_matrix);
  }
};

}  // namespace apple::mps
