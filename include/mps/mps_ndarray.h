// MPS's n-dimensional arrays and the kernels on them.
#pragma once

#include <mps/mps_matrix.h>
#include <mps/mps_ndarray_methods.h>

namespace apple::mps {

// Sizes given one by one begin with the fastest dimension, a shape with the slowest.
class NDArrayDescriptor : public objc::Of<NDArrayCatalogue, NDArrayDescriptorMethods> {
 public:
  using Of::Of;
  NDArrayDescriptor() = default;
  UInt length_of_dimension(UInt dimension) const { return send<"lengthOfDimension:">(dimension); }
  DimensionSlice slice_range(UInt dimension) const {
    return send<"sliceRangeForDimension:">(dimension);
  }
  void slice_dimension(UInt dimension, DimensionSlice subrange) const {
    send<"sliceDimension:withSubrange:">(dimension, subrange);
  }
  void transpose_dimension(UInt dimension, UInt other) const {
    send<"transposeDimension:withDimension:">(dimension, other);
  }
  void permute(const UInt* dimension_order) const {
    send<"permuteWithDimensionOrder:">(dimension_order);
  }
  UChar16 dimension_order() const { return send<"dimensionOrder">(); }
  ns::Array shape() const { return send<"getShape">(); }
  NDArrayDescriptor(DataType data_type, UInt dimension_count, const UInt* dimension_sizes)
      : Of(create<"descriptorWithDataType:dimensionCount:dimensionSizes:">(
            data_type, dimension_count, dimension_sizes)) {}
  NDArrayDescriptor(DataType data_type, const ns::Array& shape)
      : Of(create<"descriptorWithDataType:shape:">(data_type, shape)) {}
  void reshape(UInt dimension_count, const UInt* dimension_sizes) const {
    send<"reshapeWithDimensionCount:dimensionSizes:">(dimension_count, dimension_sizes);
  }
  void reshape(const ns::Array& shape) const { send<"reshapeWithShape:">(shape); }
  DataType data_type() const { return send<"dataType">(); }
  void set_data_type(DataType value) const { send<"setDataType:">(value); }
  UInt number_of_dimensions() const { return send<"numberOfDimensions">(); }
  void set_number_of_dimensions(UInt value) const { send<"setNumberOfDimensions:">(value); }
  bool prefer_packed_rows() const { return send<"preferPackedRows">(); }
  void set_prefer_packed_rows(bool value) const { send<"setPreferPackedRows:">(value); }
};

class NDArray : public objc::Of<NDArrayCatalogue, NDArrayMethods> {
 public:
  using Of::Of;
  NDArray() = default;
  UInt length_of_dimension(UInt dimension) const { return send<"lengthOfDimension:">(dimension); }
  NDArrayDescriptor descriptor() const { return send<"descriptor">(); }
  NDArray(const mtl::Device& device, const NDArrayDescriptor& descriptor)
      : Of(init<"initWithDevice:descriptor:">(device, descriptor)) {}
  NDArray(const mtl::Device& device, double scalar)
      : Of(init<"initWithDevice:scalar:">(device, scalar)) {}
  NDArray(const mtl::Buffer& buffer, UInt offset, const NDArrayDescriptor& descriptor)
      : Of(init<"initWithBuffer:offset:descriptor:">(buffer, offset, descriptor)) {}
  mtl::Buffer user_buffer() const { return send<"userBuffer">(); }
  UInt resource_size() const { return send<"resourceSize">(); }
  NDArray array_view(const mtl::CommandBuffer& command_buffer, const NDArrayDescriptor& descriptor,
                     AliasingStrategy aliasing) const {
    return send<"arrayViewWithCommandBuffer:descriptor:aliasing:">(command_buffer, descriptor,
                                                                   aliasing);
  }
  NDArray array_view(const NDArrayDescriptor& descriptor) const {
    return send<"arrayViewWithDescriptor:">(descriptor);
  }
  NDArray array_view(const ns::Array& shape, const ns::Array& strides) const {
    return send<"arrayViewWithShape:strides:">(shape, strides);
  }
  NDArray array_view(UInt dimension_count, const UInt* dimension_sizes, const UInt* strides) const {
    return send<"arrayViewWithDimensionCount:dimensionSizes:strides:">(dimension_count,
                                                                       dimension_sizes, strides);
  }
  void export_data(const mtl::CommandBuffer& command_buffer, const mtl::Buffer& buffer,
                   DataType destination_data_type, UInt offset, const Int* row_strides) const {
    send<"exportDataWithCommandBuffer:toBuffer:destinationDataType:offset:rowStrides:">(
        command_buffer, buffer, destination_data_type, offset, row_strides);
  }
  void import_data(const mtl::CommandBuffer& command_buffer, const mtl::Buffer& buffer,
                   DataType source_data_type, UInt offset, const Int* row_strides) const {
    send<"importDataWithCommandBuffer:fromBuffer:sourceDataType:offset:rowStrides:">(
        command_buffer, buffer, source_data_type, offset, row_strides);
  }
  void read_bytes(void* bytes, const Int* stride_bytes) const {
    send<"readBytes:strideBytes:">(bytes, stride_bytes);
  }
  void write_bytes(void* bytes, const Int* stride_bytes) const {
    send<"writeBytes:strideBytes:">(bytes, stride_bytes);
  }
  void synchronize(const mtl::CommandBuffer& command_buffer) const {
    send<"synchronizeOnCommandBuffer:">(command_buffer);
  }
  ns::String label() const { return send<"label">(); }
  void set_label(const ns::String& value) const { send<"setLabel:">(value); }
  DataType data_type() const { return send<"dataType">(); }
  UInt data_type_size() const { return send<"dataTypeSize">(); }
  UInt number_of_dimensions() const { return send<"numberOfDimensions">(); }
  mtl::Device device() const { return send<"device">(); }
  NDArray parent() const { return send<"parent">(); }
};

class TemporaryNDArray : public objc::Of<NDArrayCatalogue, TemporaryNDArrayMethods, NDArray> {
 public:
  using Of::Of;
  TemporaryNDArray() = default;
  TemporaryNDArray(const mtl::CommandBuffer& command_buffer, const NDArrayDescriptor& descriptor)
      : Of(create<"temporaryNDArrayWithCommandBuffer:descriptor:">(command_buffer, descriptor)) {}
  UInt read_count() const { return send<"readCount">(); }
  void set_read_count(UInt value) const { send<"setReadCount:">(value); }
};

class NDArrayMultiaryBase : public objc::Of<NDArrayCatalogue, NDArrayMultiaryBaseMethods, Kernel> {
 public:
  using Of::Of;
  NDArrayMultiaryBase() = default;
};

class NDArrayMultiaryKernel
    : public objc::Of<NDArrayCatalogue, NDArrayMultiaryKernelMethods, NDArrayMultiaryBase> {
 public:
  using Of::Of;
  NDArrayMultiaryKernel() = default;
  NDArrayMultiaryKernel(const mtl::Device& device, UInt source_count)
      : Of(init<"initWithDevice:sourceCount:">(device, source_count)) {}
  NDArray encode(const mtl::CommandBuffer& command_buffer, const ns::Array& source_arrays) const {
    return send<"encodeToCommandBuffer:sourceArrays:">(command_buffer, source_arrays);
  }
  void encode(const mtl::CommandBuffer& command_buffer, const ns::Array& source_arrays,
              const NDArray& destination_array) const {
    send<"encodeToCommandBuffer:sourceArrays:destinationArray:">(command_buffer, source_arrays,
                                                                 destination_array);
  }
  void encode(const mtl::ComputeCommandEncoder& command_encoder,
              const mtl::CommandBuffer& command_buffer, const ns::Array& source_arrays,
              const NDArray& destination_array) const {
    send<"encodeToCommandEncoder:commandBuffer:sourceArrays:destinationArray:">(
        command_encoder, command_buffer, source_arrays, destination_array);
  }
};

class NDArrayUnaryKernel
    : public objc::Of<NDArrayCatalogue, NDArrayUnaryKernelMethods, NDArrayMultiaryKernel> {
 public:
  using Of::Of;
  NDArrayUnaryKernel() = default;
  NDArray encode(const mtl::CommandBuffer& command_buffer, const NDArray& source_array) const {
    return send<"encodeToCommandBuffer:sourceArray:">(command_buffer, source_array);
  }
  void encode(const mtl::CommandBuffer& command_buffer, const NDArray& source_array,
              const NDArray& destination_array) const {
    send<"encodeToCommandBuffer:sourceArray:destinationArray:">(command_buffer, source_array,
                                                                destination_array);
  }
};

class NDArrayBinaryKernel
    : public objc::Of<NDArrayCatalogue, NDArrayBinaryKernelMethods, NDArrayMultiaryKernel> {
 public:
  using Of::Of;
  NDArrayBinaryKernel() = default;
  NDArray encode(const mtl::CommandBuffer& command_buffer, const NDArray& primary_source_array,
                 const NDArray& secondary_source_array) const {
    return send<"encodeToCommandBuffer:primarySourceArray:secondarySourceArray:">(
        command_buffer, primary_source_array, secondary_source_array);
  }
  void encode(const mtl::CommandBuffer& command_buffer, const NDArray& primary_source_array,
              const NDArray& secondary_source_array, const NDArray& destination_array) const {
    send<"encodeToCommandBuffer:primarySourceArray:secondarySourceArray:destinationArray:">(
        command_buffer, primary_source_array, secondary_source_array, destination_array);
  }
};

// D = alpha A B + beta C over the two fastest dimensions, C only with three sources. alpha and beta
// are 1 unless set.
class NDArrayMatrixMultiplication
    : public objc::Of<NDArrayCatalogue, NDArrayMatrixMultiplicationMethods, NDArrayMultiaryKernel> {
 public:
  using Of::Of;
  NDArrayMatrixMultiplication() = default;
  NDArrayMatrixMultiplication(const mtl::Device& device, UInt source_count)
      : Of(init<"initWithDevice:sourceCount:">(device, source_count)) {}
  double alpha() const { return send<"alpha">(); }
  void set_alpha(double value) const { send<"setAlpha:">(value); }
  double beta() const { return send<"beta">(); }
  void set_beta(double value) const { send<"setBeta:">(value); }
};

class NDArrayIdentity
    : public objc::Of<NDArrayCatalogue, NDArrayIdentityMethods, NDArrayUnaryKernel> {
 public:
  using Of::Of;
  NDArrayIdentity() = default;
  explicit NDArrayIdentity(const mtl::Device& device) : Of(init<"initWithDevice:">(device)) {}
  NDArray reshape(const mtl::CommandBuffer& command_buffer, const NDArray& source_array,
                  const ns::Array& shape, const NDArray& destination_array) const {
    return send<"reshapeWithCommandBuffer:sourceArray:shape:destinationArray:">(
        command_buffer, source_array, shape, destination_array);
  }
  NDArray reshape(const mtl::CommandBuffer& command_buffer, const NDArray& source_array,
                  UInt dimension_count, const UInt* dimension_sizes,
                  const NDArray& destination_array) const {
    return send<
        "reshapeWithCommandBuffer:sourceArray:dimensionCount:dimensionSizes:destinationArray:">(
        command_buffer, source_array, dimension_count, dimension_sizes, destination_array);
  }
  NDArray reshape(const mtl::ComputeCommandEncoder& command_encoder,
                  const mtl::CommandBuffer& command_buffer, const NDArray& source_array,
                  const ns::Array& shape, const NDArray& destination_array) const {
    return send<"reshapeWithCommandEncoder:commandBuffer:sourceArray:shape:destinationArray:">(
        command_encoder, command_buffer, source_array, shape, destination_array);
  }
  NDArray reshape(const mtl::ComputeCommandEncoder& command_encoder,
                  const mtl::CommandBuffer& command_buffer, const NDArray& source_array,
                  UInt dimension_count, const UInt* dimension_sizes,
                  const NDArray& destination_array) const {
    return send<
        "reshapeWithCommandEncoder:commandBuffer:sourceArray:dimensionCount:dimensionSizes:"
        "destinationArray:">(command_encoder, command_buffer, source_array, dimension_count,
                             dimension_sizes, destination_array);
  }
};

class NDArrayGather : public objc::Of<NDArrayCatalogue, NDArrayGatherMethods, NDArrayBinaryKernel> {
 public:
  using Of::Of;
  NDArrayGather() = default;
  explicit NDArrayGather(const mtl::Device& device) : Of(init<"initWithDevice:">(device)) {}
  UInt axis() const { return send<"axis">(); }
  void set_axis(UInt value) const { send<"setAxis:">(value); }
};

class NDArrayStridedSlice
    : public objc::Of<NDArrayCatalogue, NDArrayStridedSliceMethods, NDArrayUnaryKernel> {
 public:
  using Of::Of;
  NDArrayStridedSlice() = default;
  explicit NDArrayStridedSlice(const mtl::Device& device) : Of(init<"initWithDevice:">(device)) {}
  NDArrayOffsets strides() const { return send<"strides">(); }
  void set_strides(const NDArrayOffsets& value) const { send<"setStrides:">(value); }
};

class NDArrayQuantizationDescriptor
    : public objc::Of<NDArrayCatalogue, NDArrayQuantizationDescriptorMethods> {
 public:
  using Of::Of;
  NDArrayQuantizationDescriptor() = default;
  DataType quantization_data_type() const { return send<"quantizationDataType">(); }
  NDArrayQuantizationScheme quantization_scheme() const { return send<"quantizationScheme">(); }
};

class NDArrayAffineQuantizationDescriptor
    : public objc::Of<NDArrayCatalogue, NDArrayAffineQuantizationDescriptorMethods,
                      NDArrayQuantizationDescriptor> {
 public:
  using Of::Of;
  NDArrayAffineQuantizationDescriptor() = default;
  NDArrayAffineQuantizationDescriptor(DataType data_type, bool has_zero_point, bool has_min_value)
      : Of(init<"initWithDataType:hasZeroPoint:hasMinValue:">(data_type, has_zero_point,
                                                              has_min_value)) {}
  bool has_zero_point() const { return send<"hasZeroPoint">(); }
  void set_has_zero_point(bool value) const { send<"setHasZeroPoint:">(value); }
  bool has_min_value() const { return send<"hasMinValue">(); }
  void set_has_min_value(bool value) const { send<"setHasMinValue:">(value); }
  bool implicit_zero_point() const { return send<"implicitZeroPoint">(); }
  void set_implicit_zero_point(bool value) const { send<"setImplicitZeroPoint:">(value); }
};

class NDArrayLUTQuantizationDescriptor
    : public objc::Of<NDArrayCatalogue, NDArrayLUTQuantizationDescriptorMethods,
                      NDArrayQuantizationDescriptor> {
 public:
  using Of::Of;
  NDArrayLUTQuantizationDescriptor() = default;
  explicit NDArrayLUTQuantizationDescriptor(DataType data_type)
      : Of(init<"initWithDataType:">(data_type)) {}
  NDArrayLUTQuantizationDescriptor(DataType data_type, UInt vector_axis)
      : Of(init<"initWithDataType:vectorAxis:">(data_type, vector_axis)) {}
};

class NDArrayQuantizedMatrixMultiplication
    : public objc::Of<NDArrayCatalogue, NDArrayQuantizedMatrixMultiplicationMethods,
                      NDArrayMatrixMultiplication> {
 public:
  using Of::Of;
  NDArrayQuantizedMatrixMultiplication() = default;
  NDArrayQuantizedMatrixMultiplication(
      const mtl::Device& device, const NDArrayQuantizationDescriptor& left_quantization_descriptor,
      const NDArrayQuantizationDescriptor& right_quantization_descriptor)
      : Of(init<"initWithDevice:leftQuantizationDescriptor:rightQuantizationDescriptor:">(
            device, left_quantization_descriptor, right_quantization_descriptor)) {}
};

class NDArrayAffineInt4Dequantize
    : public objc::Of<NDArrayCatalogue, NDArrayAffineInt4DequantizeMethods, NDArrayMultiaryKernel> {
 public:
  using Of::Of;
  NDArrayAffineInt4Dequantize() = default;
  NDArrayAffineInt4Dequantize(const mtl::Device& device,
                              const NDArrayAffineQuantizationDescriptor& quantization_descriptor)
      : Of(init<"initWithDevice:quantizationDescriptor:">(device, quantization_descriptor)) {}
};

class NDArrayLUTDequantize
    : public objc::Of<NDArrayCatalogue, NDArrayLUTDequantizeMethods, NDArrayMultiaryKernel> {
 public:
  using Of::Of;
  NDArrayLUTDequantize() = default;
  explicit NDArrayLUTDequantize(const mtl::Device& device) : Of(init<"initWithDevice:">(device)) {}
};

class NDArrayVectorLUTDequantize
    : public objc::Of<NDArrayCatalogue, NDArrayVectorLUTDequantizeMethods, NDArrayMultiaryKernel> {
 public:
  using Of::Of;
  NDArrayVectorLUTDequantize() = default;
  NDArrayVectorLUTDequantize(const mtl::Device& device, UInt axis)
      : Of(init<"initWithDevice:axis:">(device, axis)) {}
  UInt vector_axis() const { return send<"vectorAxis">(); }
  void set_vector_axis(UInt value) const { send<"setVectorAxis:">(value); }
};

}  // namespace apple::mps
