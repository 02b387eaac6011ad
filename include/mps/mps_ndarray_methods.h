// Every message that these bindings send to MPS's n-dimensional arrays, with its types.
#pragma once

#include <mps/mps_methods.h>

namespace apple::mps {

class NDArrayDescriptor;
class NDArray;
class TemporaryNDArray;
class NDArrayMultiaryBase;
class NDArrayMultiaryKernel;
class NDArrayUnaryKernel;
class NDArrayBinaryKernel;
class NDArrayMatrixMultiplication;
class NDArrayIdentity;
class NDArrayGather;
class NDArrayStridedSlice;
class NDArrayQuantizationDescriptor;
class NDArrayAffineQuantizationDescriptor;
class NDArrayLUTQuantizationDescriptor;
class NDArrayQuantizedMatrixMultiplication;
class NDArrayAffineInt4Dequantize;
class NDArrayLUTDequantize;
class NDArrayVectorLUTDequantize;

struct NDArrayDescriptorMethods
    : Interface<"MPSNDArrayDescriptor", NSObjectInterface, Method<"lengthOfDimension:", UInt(UInt)>,
                Method<"sliceRangeForDimension:", DimensionSlice(UInt)>,
                Method<"sliceDimension:withSubrange:", void(UInt, DimensionSlice)>,
                Method<"transposeDimension:withDimension:", void(UInt, UInt)>,
                Method<"permuteWithDimensionOrder:", void(const UInt*)>,
                Method<"dimensionOrder", UChar16()>, Method<"getShape", ns::Array()>,
                ClassMethod<"descriptorWithDataType:dimensionCount:dimensionSizes:",
                            Self(DataType, UInt, const UInt*)>,
                ClassMethod<"descriptorWithDataType:shape:", Self(DataType, ns::Array)>,
                Method<"reshapeWithDimensionCount:dimensionSizes:", void(UInt, const UInt*)>,
                Method<"reshapeWithShape:", void(ns::Array)>, Method<"dataType", DataType()>,
                Method<"setDataType:", void(DataType)>, Method<"numberOfDimensions", UInt()>,
                Method<"setNumberOfDimensions:", void(UInt)>, Method<"preferPackedRows", bool()>,
                Method<"setPreferPackedRows:", void(bool)>> {};
struct NDArrayMethods
    : Interface<
          "MPSNDArray", NSObjectInterface, Method<"lengthOfDimension:", UInt(UInt)>,
          Method<"descriptor", NDArrayDescriptor()>,
          Method<"initWithDevice:descriptor:", Self(mtl::Device, NDArrayDescriptor)>,
          Method<"initWithDevice:scalar:", Self(mtl::Device, double)>,
          Method<"initWithBuffer:offset:descriptor:", Self(mtl::Buffer, UInt, NDArrayDescriptor)>,
          Method<"userBuffer", mtl::Buffer()>, Method<"resourceSize", UInt()>,
          Method<"arrayViewWithCommandBuffer:descriptor:aliasing:",
                 NDArray(mtl::CommandBuffer, NDArrayDescriptor, AliasingStrategy)>,
          Method<"arrayViewWithDescriptor:", NDArray(NDArrayDescriptor)>,
          Method<"arrayViewWithShape:strides:", NDArray(ns::Array, ns::Array)>,
          Method<"arrayViewWithDimensionCount:dimensionSizes:strides:",
                 NDArray(UInt, const UInt*, const UInt*)>,
          Method<"exportDataWithCommandBuffer:toBuffer:destinationDataType:offset:rowStrides:",
                 void(mtl::CommandBuffer, mtl::Buffer, DataType, UInt, const Int*)>,
          Method<"importDataWithCommandBuffer:fromBuffer:sourceDataType:offset:rowStrides:",
                 void(mtl::CommandBuffer, mtl::Buffer, DataType, UInt, const Int*)>,
          Method<"readBytes:strideBytes:", void(void*, const Int*)>,
          Method<"writeBytes:strideBytes:", void(void*, const Int*)>,
          Method<"synchronizeOnCommandBuffer:", void(mtl::CommandBuffer)>,
          Method<"label", ns::String()>, Method<"setLabel:", void(ns::String)>,
          Method<"dataType", DataType()>, Method<"dataTypeSize", UInt()>,
          Method<"numberOfDimensions", UInt()>, Method<"device", mtl::Device()>,
          Method<"parent", NDArray()>> {};
struct TemporaryNDArrayMethods
    : Interface<"MPSTemporaryNDArray", NDArrayMethods,
                ClassMethod<"temporaryNDArrayWithCommandBuffer:descriptor:",
                            Self(mtl::CommandBuffer, NDArrayDescriptor)>,
                Method<"readCount", UInt()>, Method<"setReadCount:", void(UInt)>> {};
struct NDArrayMultiaryBaseMethods : Interface<"MPSNDArrayMultiaryBase", KernelMethods> {};
struct NDArrayMultiaryKernelMethods
    : Interface<
          "MPSNDArrayMultiaryKernel", NDArrayMultiaryBaseMethods,
          Method<"initWithDevice:sourceCount:", Self(mtl::Device, UInt)>,
          Method<"encodeToCommandBuffer:sourceArrays:", NDArray(mtl::CommandBuffer, ns::Array)>,
          Method<"encodeToCommandBuffer:sourceArrays:destinationArray:",
                 void(mtl::CommandBuffer, ns::Array, NDArray)>,
          Method<"encodeToCommandEncoder:commandBuffer:sourceArrays:destinationArray:",
                 void(mtl::ComputeCommandEncoder, mtl::CommandBuffer, ns::Array, NDArray)>> {};
struct NDArrayUnaryKernelMethods
    : Interface<"MPSNDArrayUnaryKernel", NDArrayMultiaryKernelMethods,
                Method<"encodeToCommandBuffer:sourceArray:", NDArray(mtl::CommandBuffer, NDArray)>,
                Method<"encodeToCommandBuffer:sourceArray:destinationArray:",
                       void(mtl::CommandBuffer, NDArray, NDArray)>> {};
struct NDArrayBinaryKernelMethods
    : Interface<
          "MPSNDArrayBinaryKernel", NDArrayMultiaryKernelMethods,
          Method<"encodeToCommandBuffer:primarySourceArray:secondarySourceArray:",
                 NDArray(mtl::CommandBuffer, NDArray, NDArray)>,
          Method<"encodeToCommandBuffer:primarySourceArray:secondarySourceArray:destinationArray:",
                 void(mtl::CommandBuffer, NDArray, NDArray, NDArray)>> {};
struct NDArrayMatrixMultiplicationMethods
    : Interface<"MPSNDArrayMatrixMultiplication", NDArrayMultiaryKernelMethods,
                Method<"alpha", double()>, Method<"setAlpha:", void(double)>,
                Method<"beta", double()>, Method<"setBeta:", void(double)>> {};
struct NDArrayIdentityMethods
    : Interface<
          "MPSNDArrayIdentity", NDArrayUnaryKernelMethods,
          Method<"initWithDevice:", Self(mtl::Device)>,
          Method<"reshapeWithCommandBuffer:sourceArray:shape:destinationArray:",
                 NDArray(mtl::CommandBuffer, NDArray, ns::Array, NDArray)>,
          Method<"reshapeWithCommandBuffer:sourceArray:dimensionCount:dimensionSizes:"
                 "destinationArray:",
                 NDArray(mtl::CommandBuffer, NDArray, UInt, const UInt*, NDArray)>,
          Method<"reshapeWithCommandEncoder:commandBuffer:sourceArray:shape:destinationArray:",
                 NDArray(mtl::ComputeCommandEncoder, mtl::CommandBuffer, NDArray, ns::Array,
                         NDArray)>,
          Method<"reshapeWithCommandEncoder:commandBuffer:sourceArray:dimensionCount:"
                 "dimensionSizes:destinationArray:",
                 NDArray(mtl::ComputeCommandEncoder, mtl::CommandBuffer, NDArray, UInt, const UInt*,
                         NDArray)>> {};
struct NDArrayGatherMethods : Interface<"MPSNDArrayGather", NDArrayBinaryKernelMethods,
                                        Method<"axis", UInt()>, Method<"setAxis:", void(UInt)>> {};
struct NDArrayStridedSliceMethods
    : Interface<"MPSNDArrayStridedSlice", NDArrayUnaryKernelMethods,
                Method<"strides", NDArrayOffsets()>, Method<"setStrides:", void(NDArrayOffsets)>> {
};
struct NDArrayQuantizationDescriptorMethods
    : Interface<"MPSNDArrayQuantizationDescriptor", NSObjectInterface,
                Method<"quantizationDataType", DataType()>,
                Method<"quantizationScheme", NDArrayQuantizationScheme()>> {};
struct NDArrayAffineQuantizationDescriptorMethods
    : Interface<"MPSNDArrayAffineQuantizationDescriptor", NDArrayQuantizationDescriptorMethods,
                Method<"initWithDataType:hasZeroPoint:hasMinValue:", Self(DataType, bool, bool)>,
                Method<"hasZeroPoint", bool()>, Method<"setHasZeroPoint:", void(bool)>,
                Method<"hasMinValue", bool()>, Method<"setHasMinValue:", void(bool)>,
                Method<"implicitZeroPoint", bool()>, Method<"setImplicitZeroPoint:", void(bool)>> {
};
struct NDArrayLUTQuantizationDescriptorMethods
    : Interface<"MPSNDArrayLUTQuantizationDescriptor", NDArrayQuantizationDescriptorMethods,
                Method<"initWithDataType:", Self(DataType)>,
                Method<"initWithDataType:vectorAxis:", Self(DataType, UInt)>> {};
struct NDArrayQuantizedMatrixMultiplicationMethods
    : Interface<
          "MPSNDArrayQuantizedMatrixMultiplication", NDArrayMatrixMultiplicationMethods,
          Method<"initWithDevice:leftQuantizationDescriptor:rightQuantizationDescriptor:",
                 Self(mtl::Device, NDArrayQuantizationDescriptor, NDArrayQuantizationDescriptor)>> {
};
struct NDArrayAffineInt4DequantizeMethods
    : Interface<"MPSNDArrayAffineInt4Dequantize", NDArrayMultiaryKernelMethods,
                Method<"initWithDevice:quantizationDescriptor:",
                       Self(mtl::Device, NDArrayAffineQuantizationDescriptor)>> {};
struct NDArrayLUTDequantizeMethods
    : Interface<"MPSNDArrayLUTDequantize", NDArrayMultiaryKernelMethods,
                Method<"initWithDevice:", Self(mtl::Device)>> {};
struct NDArrayVectorLUTDequantizeMethods
    : Interface<"MPSNDArrayVectorLUTDequantize", NDArrayMultiaryKernelMethods,
                Method<"initWithDevice:axis:", Self(mtl::Device, UInt)>,
                Method<"vectorAxis", UInt()>, Method<"setVectorAxis:", void(UInt)>> {};

struct NDArrayCatalogue
    : objc::Catalogue<
          NDArrayDescriptorMethods, NDArrayMethods, TemporaryNDArrayMethods,
          NDArrayMultiaryBaseMethods, NDArrayMultiaryKernelMethods, NDArrayUnaryKernelMethods,
          NDArrayBinaryKernelMethods, NDArrayMatrixMultiplicationMethods, NDArrayIdentityMethods,
          NDArrayGatherMethods, NDArrayStridedSliceMethods, NDArrayQuantizationDescriptorMethods,
          NDArrayAffineQuantizationDescriptorMethods, NDArrayLUTQuantizationDescriptorMethods,
          NDArrayQuantizedMatrixMultiplicationMethods, NDArrayAffineInt4DequantizeMethods,
          NDArrayLUTDequantizeMethods, NDArrayVectorLUTDequantizeMethods> {};

}  // namespace apple::mps
