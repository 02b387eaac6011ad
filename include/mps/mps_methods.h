// Every message that these bindings send to MPS's matrices and vectors, with its types.
#pragma once

#include <mps/mps_types.h>

namespace apple::mps {

using objc::Block;
using objc::ClassMethod;
using objc::ErrorOut;
using objc::Id;
using objc::Int;
using objc::Interface;
using objc::Made;
using objc::Method;
using objc::NSObjectInterface;
using objc::Self;
using objc::UInt;
class Kernel;
class MatrixDescriptor;
class VectorDescriptor;
class Matrix;
class Vector;
class TemporaryMatrix;
class TemporaryVector;
class MatrixUnaryKernel;
class MatrixBinaryKernel;
class MatrixMultiplication;
class MatrixVectorMultiplication;
class MatrixSoftMax;
class MatrixLogSoftMax;
class MatrixSoftMaxGradient;
class MatrixLogSoftMaxGradient;
class MatrixSum;
class MatrixNeuron;
class MatrixNeuronGradient;
class MatrixFullyConnected;
class MatrixFullyConnectedGradient;
class MatrixBatchNormalization;
class MatrixBatchNormalizationGradient;
class MatrixFindTopK;
class MatrixCopyDescriptor;
class MatrixCopy;
class MatrixRandomDistributionDescriptor;
class MatrixRandom;
class MatrixRandomMTGP32;
class MatrixRandomPhilox;
class MatrixDecompositionLU;
class MatrixDecompositionCholesky;
class MatrixSolveTriangular;
class MatrixSolveLU;
class MatrixSolveCholesky;
class Predicate;
class CommandBuffer;

struct KernelMethods
    : Interface<"MPSKernel", NSObjectInterface, Method<"initWithDevice:", Self(mtl::Device)>,
                Method<"options", KernelOptions()>, Method<"setOptions:", void(KernelOptions)>,
                Method<"device", mtl::Device()>, Method<"label", ns::String()>,
                Method<"setLabel:", void(ns::String)>> {};
struct MatrixDescriptorMethods
    : Interface<
          "MPSMatrixDescriptor", NSObjectInterface,
          ClassMethod<"matrixDescriptorWithRows:columns:rowBytes:dataType:",
                      Self(UInt, UInt, UInt, DataType)>,
          ClassMethod<"matrixDescriptorWithRows:columns:matrices:rowBytes:matrixBytes:dataType:",
                      Self(UInt, UInt, UInt, UInt, UInt, DataType)>,
          ClassMethod<"rowBytesForColumns:dataType:", UInt(UInt, DataType)>, Method<"rows", UInt()>,
          Method<"setRows:", void(UInt)>, Method<"columns", UInt()>,
          Method<"setColumns:", void(UInt)>, Method<"matrices", UInt()>,
          Method<"dataType", DataType()>, Method<"setDataType:", void(DataType)>,
          Method<"rowBytes", UInt()>, Method<"setRowBytes:", void(UInt)>,
          Method<"matrixBytes", UInt()>> {};
struct VectorDescriptorMethods
    : Interface<"MPSVectorDescriptor", NSObjectInterface,
                ClassMethod<"vectorDescriptorWithLength:dataType:", Self(UInt, DataType)>,
                ClassMethod<"vectorDescriptorWithLength:vectors:vectorBytes:dataType:",
                            Self(UInt, UInt, UInt, DataType)>,
                ClassMethod<"vectorBytesForLength:dataType:", UInt(UInt, DataType)>,
                Method<"length", UInt()>, Method<"setLength:", void(UInt)>,
                Method<"vectors", UInt()>, Method<"dataType", DataType()>,
                Method<"setDataType:", void(DataType)>, Method<"vectorBytes", UInt()>> {};
struct MatrixMethods
    : Interface<
          "MPSMatrix", NSObjectInterface,
          Method<"initWithBuffer:descriptor:", Self(mtl::Buffer, MatrixDescriptor)>,
          Method<"initWithBuffer:offset:descriptor:", Self(mtl::Buffer, UInt, MatrixDescriptor)>,
          Method<"initWithDevice:descriptor:", Self(mtl::Device, MatrixDescriptor)>,
          Method<"synchronizeOnCommandBuffer:", void(mtl::CommandBuffer)>,
          Method<"resourceSize", UInt()>, Method<"device", mtl::Device()>, Method<"rows", UInt()>,
          Method<"columns", UInt()>, Method<"matrices", UInt()>, Method<"dataType", DataType()>,
          Method<"rowBytes", UInt()>, Method<"matrixBytes", UInt()>, Method<"offset", UInt()>,
          Method<"data", mtl::Buffer()>> {};
struct VectorMethods
    : Interface<
          "MPSVector", NSObjectInterface,
          Method<"initWithBuffer:descriptor:", Self(mtl::Buffer, VectorDescriptor)>,
          Method<"initWithBuffer:offset:descriptor:", Self(mtl::Buffer, UInt, VectorDescriptor)>,
          Method<"initWithDevice:descriptor:", Self(mtl::Device, VectorDescriptor)>,
          Method<"synchronizeOnCommandBuffer:", void(mtl::CommandBuffer)>,
          Method<"resourceSize", UInt()>, Method<"device", mtl::Device()>, Method<"length", UInt()>,
          Method<"vectors", UInt()>, Method<"dataType", DataType()>, Method<"vectorBytes", UInt()>,
          Method<"offset", UInt()>, Method<"data", mtl::Buffer()>> {};
struct TemporaryMatrixMethods
    : Interface<"MPSTemporaryMatrix", MatrixMethods,
                ClassMethod<"temporaryMatrixWithCommandBuffer:matrixDescriptor:",
                            Self(mtl::CommandBuffer, MatrixDescriptor)>,
                ClassMethod<"prefetchStorageWithCommandBuffer:matrixDescriptorList:",
                            void(mtl::CommandBuffer, ns::Array)>,
                Method<"readCount", UInt()>, Method<"setReadCount:", void(UInt)>> {};
struct TemporaryVectorMethods
    : Interface<"MPSTemporaryVector", VectorMethods,
                ClassMethod<"temporaryVectorWithCommandBuffer:descriptor:",
                            Self(mtl::CommandBuffer, VectorDescriptor)>,
                ClassMethod<"prefetchStorageWithCommandBuffer:descriptorList:",
                            void(mtl::CommandBuffer, ns::Array)>,
                Method<"readCount", UInt()>, Method<"setReadCount:", void(UInt)>> {};
struct MatrixUnaryKernelMethods
    : Interface<"MPSMatrixUnaryKernel", KernelMethods, Method<"sourceMatrixOrigin", mtl::Origin()>,
                Method<"setSourceMatrixOrigin:", void(mtl::Origin)>,
                Method<"resultMatrixOrigin", mtl::Origin()>,
                Method<"setResultMatrixOrigin:", void(mtl::Origin)>, Method<"batchStart", UInt()>,
                Method<"setBatchStart:", void(UInt)>, Method<"batchSize", UInt()>,
                Method<"setBatchSize:", void(UInt)>> {};
struct MatrixBinaryKernelMethods
    : Interface<"MPSMatrixBinaryKernel", KernelMethods,
                Method<"primarySourceMatrixOrigin", mtl::Origin()>,
                Method<"setPrimarySourceMatrixOrigin:", void(mtl::Origin)>,
                Method<"secondarySourceMatrixOrigin", mtl::Origin()>,
                Method<"setSecondarySourceMatrixOrigin:", void(mtl::Origin)>,
                Method<"resultMatrixOrigin", mtl::Origin()>,
                Method<"setResultMatrixOrigin:", void(mtl::Origin)>, Method<"batchStart", UInt()>,
                Method<"setBatchStart:", void(UInt)>, Method<"batchSize", UInt()>,
                Method<"setBatchSize:", void(UInt)>> {};
struct MatrixMultiplicationMethods
    : Interface<"MPSMatrixMultiplication", KernelMethods,
                Method<"initWithDevice:transposeLeft:transposeRight:resultRows:resultColumns:"
                       "interiorColumns:alpha:beta:",
                       Self(mtl::Device, bool, bool, UInt, UInt, UInt, double, double)>,
                Method<"initWithDevice:resultRows:resultColumns:interiorColumns:",
                       Self(mtl::Device, UInt, UInt, UInt)>,
                Method<"encodeToCommandBuffer:leftMatrix:rightMatrix:resultMatrix:",
                       void(mtl::CommandBuffer, Matrix, Matrix, Matrix)>,
                Method<"resultMatrixOrigin", mtl::Origin()>,
                Method<"setResultMatrixOrigin:", void(mtl::Origin)>,
                Method<"leftMatrixOrigin", mtl::Origin()>,
                Method<"setLeftMatrixOrigin:", void(mtl::Origin)>,
                Method<"rightMatrixOrigin", mtl::Origin()>,
                Method<"setRightMatrixOrigin:", void(mtl::Origin)>, Method<"batchStart", UInt()>,
                Method<"setBatchStart:", void(UInt)>, Method<"batchSize", UInt()>,
                Method<"setBatchSize:", void(UInt)>> {};
struct MatrixVectorMultiplicationMethods
    : Interface<"MPSMatrixVectorMultiplication", MatrixBinaryKernelMethods,
                Method<"initWithDevice:transpose:rows:columns:alpha:beta:",
                       Self(mtl::Device, bool, UInt, UInt, double, double)>,
                Method<"initWithDevice:rows:columns:", Self(mtl::Device, UInt, UInt)>,
                Method<"encodeToCommandBuffer:inputMatrix:inputVector:resultVector:",
                       void(mtl::CommandBuffer, Matrix, Vector, Vector)>> {};
struct MatrixSoftMaxMethods
    : Interface<"MPSMatrixSoftMax", MatrixUnaryKernelMethods,
                Method<"initWithDevice:", Self(mtl::Device)>,
                Method<"encodeToCommandBuffer:inputMatrix:resultMatrix:",
                       void(mtl::CommandBuffer, Matrix, Matrix)>,
                Method<"sourceRows", UInt()>, Method<"setSourceRows:", void(UInt)>,
                Method<"sourceColumns", UInt()>, Method<"setSourceColumns:", void(UInt)>> {};
struct MatrixLogSoftMaxMethods : Interface<"MPSMatrixLogSoftMax", MatrixSoftMaxMethods> {};
struct MatrixSoftMaxGradientMethods
    : Interface<"MPSMatrixSoftMaxGradient", MatrixBinaryKernelMethods,
                Method<"initWithDevice:", Self(mtl::Device)>,
                Method<"encodeToCommandBuffer:gradientMatrix:forwardOutputMatrix:resultMatrix:",
                       void(mtl::CommandBuffer, Matrix, Matrix, Matrix)>,
                Method<"sourceRows", UInt()>, Method<"setSourceRows:", void(UInt)>,
                Method<"sourceColumns", UInt()>, Method<"setSourceColumns:", void(UInt)>> {};
struct MatrixLogSoftMaxGradientMethods
    : Interface<"MPSMatrixLogSoftMaxGradient", MatrixSoftMaxGradientMethods> {};
struct MatrixSumMethods
    : Interface<"MPSMatrixSum", KernelMethods,
                Method<"initWithDevice:count:rows:columns:transpose:",
                       Self(mtl::Device, UInt, UInt, UInt, bool)>,
                Method<"setNeuronType:parameterA:parameterB:parameterC:",
                       void(CNNNeuronType, float, float, float)>,
                Method<"neuronType", CNNNeuronType()>,
                Method<"encodeToCommandBuffer:sourceMatrices:resultMatrix:scaleVector:offsetVector:"
                       "biasVector:startIndex:",
                       void(mtl::CommandBuffer, ns::Array, Matrix, Vector, Vector, Vector, UInt)>,
                Method<"rows", UInt()>, Method<"columns", UInt()>, Method<"count", UInt()>,
                Method<"transpose", bool()>, Method<"resultMatrixOrigin", mtl::Origin()>,
                Method<"setResultMatrixOrigin:", void(mtl::Origin)>,
                Method<"neuronParameterA", float()>, Method<"neuronParameterB", float()>,
                Method<"neuronParameterC", float()>> {};
struct MatrixNeuronMethods
    : Interface<"MPSMatrixNeuron", MatrixUnaryKernelMethods,
                Method<"setNeuronType:parameterA:parameterB:parameterC:",
                       void(CNNNeuronType, float, float, float)>,
                Method<"neuronType", CNNNeuronType()>, Method<"neuronParameterA", float()>,
                Method<"neuronParameterB", float()>, Method<"neuronParameterC", float()>,
                Method<"setNeuronToPReLUWithParametersA:", void(ns::Data)>,
                Method<"initWithDevice:", Self(mtl::Device)>,
                Method<"encodeToCommandBuffer:inputMatrix:biasVector:resultMatrix:",
                       void(mtl::CommandBuffer, Matrix, Vector, Matrix)>,
                Method<"sourceNumberOfFeatureVectors", UInt()>,
                Method<"setSourceNumberOfFeatureVectors:", void(UInt)>,
                Method<"sourceInputFeatureChannels", UInt()>,
                Method<"setSourceInputFeatureChannels:", void(UInt)>, Method<"alpha", double()>,
                Method<"setAlpha:", void(double)>> {};
struct MatrixNeuronGradientMethods
    : Interface<"MPSMatrixNeuronGradient", MatrixBinaryKernelMethods,
                Method<"setNeuronType:parameterA:parameterB:parameterC:",
                       void(CNNNeuronType, float, float, float)>,
                Method<"neuronType", CNNNeuronType()>, Method<"neuronParameterA", float()>,
                Method<"neuronParameterB", float()>, Method<"neuronParameterC", float()>,
                Method<"setNeuronToPReLUWithParametersA:", void(ns::Data)>,
                Method<"initWithDevice:", Self(mtl::Device)>,
                Method<"encodeToCommandBuffer:gradientMatrix:inputMatrix:biasVector:"
                       "resultGradientForDataMatrix:resultGradientForBiasVector:",
                       void(mtl::CommandBuffer, Matrix, Matrix, Vector, Matrix, Vector)>,
                Method<"sourceNumberOfFeatureVectors", UInt()>,
                Method<"setSourceNumberOfFeatureVectors:", void(UInt)>,
                Method<"sourceInputFeatureChannels", UInt()>,
                Method<"setSourceInputFeatureChannels:", void(UInt)>, Method<"alpha", double()>,
                Method<"setAlpha:", void(double)>> {};
struct MatrixFullyConnectedMethods
    : Interface<"MPSMatrixFullyConnected", MatrixBinaryKernelMethods,
                Method<"setNeuronType:parameterA:parameterB:parameterC:",
                       void(CNNNeuronType, float, float, float)>,
                Method<"neuronType", CNNNeuronType()>, Method<"neuronParameterA", float()>,
                Method<"neuronParameterB", float()>, Method<"neuronParameterC", float()>,
                Method<"initWithDevice:", Self(mtl::Device)>,
                Method<"encodeToCommandBuffer:inputMatrix:weightMatrix:biasVector:resultMatrix:",
                       void(mtl::CommandBuffer, Matrix, Matrix, Vector, Matrix)>,
                Method<"sourceNumberOfFeatureVectors", UInt()>,
                Method<"setSourceNumberOfFeatureVectors:", void(UInt)>,
                Method<"sourceInputFeatureChannels", UInt()>,
                Method<"setSourceInputFeatureChannels:", void(UInt)>,
                Method<"sourceOutputFeatureChannels", UInt()>,
                Method<"setSourceOutputFeatureChannels:", void(UInt)>, Method<"alpha", double()>,
                Method<"setAlpha:", void(double)>> {};
struct MatrixFullyConnectedGradientMethods
    : Interface<"MPSMatrixFullyConnectedGradient", MatrixBinaryKernelMethods,
                Method<"initWithDevice:", Self(mtl::Device)>,
                Method<"encodeGradientForDataToCommandBuffer:gradientMatrix:weightMatrix:"
                       "resultGradientForDataMatrix:",
                       void(mtl::CommandBuffer, Matrix, Matrix, Matrix)>,
                Method<"encodeGradientForWeightsAndBiasToCommandBuffer:gradientMatrix:inputMatrix:"
                       "resultGradientForWeightMatrix:resultGradientForBiasVector:",
                       void(mtl::CommandBuffer, Matrix, Matrix, Matrix, Vector)>,
                Method<"sourceNumberOfFeatureVectors", UInt()>,
                Method<"setSourceNumberOfFeatureVectors:", void(UInt)>,
                Method<"sourceOutputFeatureChannels", UInt()>,
                Method<"setSourceOutputFeatureChannels:", void(UInt)>,
                Method<"sourceInputFeatureChannels", UInt()>,
                Method<"setSourceInputFeatureChannels:", void(UInt)>, Method<"alpha", double()>,
                Method<"setAlpha:", void(double)>> {};
struct MatrixBatchNormalizationMethods
    : Interface<"MPSMatrixBatchNormalization", MatrixUnaryKernelMethods,
                Method<"setNeuronType:parameterA:parameterB:parameterC:",
                       void(CNNNeuronType, float, float, float)>,
                Method<"neuronType", CNNNeuronType()>, Method<"neuronParameterA", float()>,
                Method<"neuronParameterB", float()>, Method<"neuronParameterC", float()>,
                Method<"initWithDevice:", Self(mtl::Device)>,
                Method<"encodeToCommandBuffer:inputMatrix:meanVector:varianceVector:gammaVector:"
                       "betaVector:resultMatrix:",
                       void(mtl::CommandBuffer, Matrix, Vector, Vector, Vector, Vector, Matrix)>,
                Method<"sourceNumberOfFeatureVectors", UInt()>,
                Method<"setSourceNumberOfFeatureVectors:", void(UInt)>,
                Method<"sourceInputFeatureChannels", UInt()>,
                Method<"setSourceInputFeatureChannels:", void(UInt)>, Method<"epsilon", float()>,
                Method<"setEpsilon:", void(float)>, Method<"computeStatistics", bool()>,
                Method<"setComputeStatistics:", void(bool)>> {};
struct MatrixBatchNormalizationGradientMethods
    : Interface<"MPSMatrixBatchNormalizationGradient", MatrixBinaryKernelMethods,
                Method<"setNeuronType:parameterA:parameterB:parameterC:",
                       void(CNNNeuronType, float, float, float)>,
                Method<"neuronType", CNNNeuronType()>, Method<"neuronParameterA", float()>,
                Method<"neuronParameterB", float()>, Method<"neuronParameterC", float()>,
                Method<"initWithDevice:", Self(mtl::Device)>,
                Method<"encodeToCommandBuffer:gradientMatrix:inputMatrix:meanVector:varianceVector:"
                       "gammaVector:betaVector:resultGradientForDataMatrix:"
                       "resultGradientForGammaVector:resultGradientForBetaVector:",
                       void(mtl::CommandBuffer, Matrix, Matrix, Vector, Vector, Vector, Vector,
                            Matrix, Vector, Vector)>,
                Method<"sourceNumberOfFeatureVectors", UInt()>,
                Method<"setSourceNumberOfFeatureVectors:", void(UInt)>,
                Method<"sourceInputFeatureChannels", UInt()>,
                Method<"setSourceInputFeatureChannels:", void(UInt)>, Method<"epsilon", float()>,
                Method<"setEpsilon:", void(float)>> {};
struct MatrixFindTopKMethods
    : Interface<"MPSMatrixFindTopK", MatrixUnaryKernelMethods,
                Method<"initWithDevice:numberOfTopKValues:", Self(mtl::Device, UInt)>,
                Method<"encodeToCommandBuffer:inputMatrix:resultIndexMatrix:resultValueMatrix:",
                       void(mtl::CommandBuffer, Matrix, Matrix, Matrix)>,
                Method<"sourceRows", UInt()>, Method<"setSourceRows:", void(UInt)>,
                Method<"sourceColumns", UInt()>, Method<"setSourceColumns:", void(UInt)>,
                Method<"indexOffset", UInt()>, Method<"setIndexOffset:", void(UInt)>,
                Method<"numberOfTopKValues", UInt()>,
                Method<"setNumberOfTopKValues:", void(UInt)>> {};
struct MatrixCopyDescriptorMethods
    : Interface<"MPSMatrixCopyDescriptor", NSObjectInterface,
                ClassMethod<"descriptorWithSourceMatrix:destinationMatrix:offsets:",
                            Self(Matrix, Matrix, MatrixCopyOffsets)>,
                Method<"initWithDevice:count:", Self(mtl::Device, UInt)>,
                Method<"setCopyOperationAtIndex:sourceMatrix:destinationMatrix:offsets:",
                       void(UInt, Matrix, Matrix, MatrixCopyOffsets)>,
                Method<"initWithSourceMatrices:destinationMatrices:offsetVector:offset:",
                       Self(ns::Array, ns::Array, Vector, UInt)>> {};
struct MatrixCopyMethods
    : Interface<
          "MPSMatrixCopy", KernelMethods,
          Method<
              "initWithDevice:copyRows:copyColumns:sourcesAreTransposed:destinationsAreTransposed:",
              Self(mtl::Device, UInt, UInt, bool, bool)>,
          Method<"encodeToCommandBuffer:copyDescriptor:",
                 void(mtl::CommandBuffer, MatrixCopyDescriptor)>,
          Method<"encodeToCommandBuffer:copyDescriptor:rowPermuteIndices:rowPermuteOffset:"
                 "columnPermuteIndices:columnPermuteOffset:",
                 void(mtl::CommandBuffer, MatrixCopyDescriptor, Vector, UInt, Vector, UInt)>,
          Method<"copyRows", UInt()>, Method<"copyColumns", UInt()>,
          Method<"sourcesAreTransposed", bool()>, Method<"destinationsAreTransposed", bool()>> {};
struct MatrixRandomDistributionDescriptorMethods
    : Interface<
          "MPSMatrixRandomDistributionDescriptor", NSObjectInterface,
          ClassMethod<"uniformDistributionDescriptorWithMinimum:maximum:",
                      MatrixRandomDistributionDescriptor(float, float)>,
          ClassMethod<"normalDistributionDescriptorWithMean:standardDeviation:",
                      MatrixRandomDistributionDescriptor(float, float)>,
          ClassMethod<"normalDistributionDescriptorWithMean:standardDeviation:minimum:maximum:",
                      MatrixRandomDistributionDescriptor(float, float, float, float)>,
          ClassMethod<"defaultDistributionDescriptor", MatrixRandomDistributionDescriptor()>,
          Method<"distributionType", MatrixRandomDistribution()>,
          Method<"setDistributionType:", void(MatrixRandomDistribution)>,
          Method<"minimum", float()>, Method<"setMinimum:", void(float)>,
          Method<"maximum", float()>, Method<"setMaximum:", void(float)>, Method<"mean", float()>,
          Method<"setMean:", void(float)>, Method<"standardDeviation", float()>,
          Method<"setStandardDeviation:", void(float)>> {};
struct MatrixRandomMethods
    : Interface<
          "MPSMatrixRandom", KernelMethods,
          Method<"encodeToCommandBuffer:destinationVector:", void(mtl::CommandBuffer, Vector)>,
          Method<"encodeToCommandBuffer:destinationMatrix:", void(mtl::CommandBuffer, Matrix)>,
          Method<"destinationDataType", DataType()>,
          Method<"distributionType", MatrixRandomDistribution()>, Method<"batchStart", UInt()>,
          Method<"setBatchStart:", void(UInt)>, Method<"batchSize", UInt()>,
          Method<"setBatchSize:", void(UInt)>> {};
struct MatrixRandomMTGP32Methods
    : Interface<
          "MPSMatrixRandomMTGP32", MatrixRandomMethods,
          Method<"initWithDevice:", Self(mtl::Device)>,
          Method<"initWithDevice:destinationDataType:seed:distributionDescriptor:",
                 Self(mtl::Device, DataType, UInt, MatrixRandomDistributionDescriptor)>,
          Method<"synchronizeStateOnCommandBuffer:", void(mtl::CommandBuffer)>,
          Method<"initWithDevice:destinationDataType:seed:", Self(mtl::Device, DataType, UInt)>> {};
struct MatrixRandomPhiloxMethods
    : Interface<
          "MPSMatrixRandomPhilox", MatrixRandomMethods,
          Method<"initWithDevice:", Self(mtl::Device)>,
          Method<"initWithDevice:destinationDataType:seed:distributionDescriptor:",
                 Self(mtl::Device, DataType, UInt, MatrixRandomDistributionDescriptor)>,
          Method<"initWithDevice:destinationDataType:seed:", Self(mtl::Device, DataType, UInt)>> {};
struct MatrixDecompositionLUMethods
    : Interface<"MPSMatrixDecompositionLU", MatrixUnaryKernelMethods,
                Method<"initWithDevice:rows:columns:", Self(mtl::Device, UInt, UInt)>,
                Method<"encodeToCommandBuffer:sourceMatrix:resultMatrix:pivotIndices:status:",
                       void(mtl::CommandBuffer, Matrix, Matrix, Matrix, mtl::Buffer)>> {};
struct MatrixDecompositionCholeskyMethods
    : Interface<"MPSMatrixDecompositionCholesky", MatrixUnaryKernelMethods,
                Method<"initWithDevice:lower:order:", Self(mtl::Device, bool, UInt)>,
                Method<"encodeToCommandBuffer:sourceMatrix:resultMatrix:status:",
                       void(mtl::CommandBuffer, Matrix, Matrix, mtl::Buffer)>> {};
struct MatrixSolveTriangularMethods
    : Interface<
          "MPSMatrixSolveTriangular", MatrixBinaryKernelMethods,
          Method<"initWithDevice:right:upper:transpose:unit:order:numberOfRightHandSides:alpha:",
                 Self(mtl::Device, bool, bool, bool, bool, UInt, UInt, double)>,
          Method<"encodeToCommandBuffer:sourceMatrix:rightHandSideMatrix:solutionMatrix:",
                 void(mtl::CommandBuffer, Matrix, Matrix, Matrix)>> {};
struct MatrixSolveLUMethods
    : Interface<
          "MPSMatrixSolveLU", MatrixBinaryKernelMethods,
          Method<"initWithDevice:transpose:order:numberOfRightHandSides:",
                 Self(mtl::Device, bool, UInt, UInt)>,
          Method<
              "encodeToCommandBuffer:sourceMatrix:rightHandSideMatrix:pivotIndices:solutionMatrix:",
              void(mtl::CommandBuffer, Matrix, Matrix, Matrix, Matrix)>> {};
struct MatrixSolveCholeskyMethods
    : Interface<"MPSMatrixSolveCholesky", MatrixBinaryKernelMethods,
                Method<"initWithDevice:upper:order:numberOfRightHandSides:",
                       Self(mtl::Device, bool, UInt, UInt)>,
                Method<"encodeToCommandBuffer:sourceMatrix:rightHandSideMatrix:solutionMatrix:",
                       void(mtl::CommandBuffer, Matrix, Matrix, Matrix)>> {};
struct PredicateMethods
    : Interface<"MPSPredicate", NSObjectInterface,
                Method<"initWithBuffer:offset:", Self(mtl::Buffer, UInt)>,
                Method<"initWithDevice:", Self(mtl::Device)>,
                Method<"predicateBuffer", mtl::Buffer()>, Method<"predicateOffset", UInt()>> {};
struct CommandBufferMethods
    : Interface<"MPSCommandBuffer", mtl::CommandBufferMethods,
                ClassMethod<"commandBufferFromCommandQueue:", Self(mtl::CommandQueue)>,
                Method<"initWithCommandBuffer:", Self(mtl::CommandBuffer)>,
                Method<"commitAndContinue", void()>,
                Method<"prefetchHeapForWorkloadSize:", void(UInt)>,
                Method<"commandBuffer", mtl::CommandBuffer()>,
                Method<"rootCommandBuffer", mtl::CommandBuffer()>, Method<"predicate", Predicate()>,
                Method<"setPredicate:", void(Predicate)>> {};

struct Functions
    : objc::Functions<
          objc::CFunction<"MPSSupportsMTLDevice", bool(mtl::Device)>,
          objc::CFunction<"MPSGetPreferredDevice", mtl::Device(DeviceOptions)>,
          objc::CFunction<"MPSHintTemporaryMemoryHighWaterMark", void(mtl::CommandBuffer, UInt)>,
          objc::CFunction<"MPSSetHeapCacheDuration", void(mtl::CommandBuffer, double)>> {};

struct Catalogue
    : objc::Catalogue<
          KernelMethods, MatrixDescriptorMethods, VectorDescriptorMethods, MatrixMethods,
          VectorMethods, TemporaryMatrixMethods, TemporaryVectorMethods, MatrixUnaryKernelMethods,
          MatrixBinaryKernelMethods, MatrixMultiplicationMethods, MatrixVectorMultiplicationMethods,
          MatrixSoftMaxMethods, MatrixLogSoftMaxMethods, MatrixSoftMaxGradientMethods,
          MatrixLogSoftMaxGradientMethods, MatrixSumMethods, MatrixNeuronMethods,
          MatrixNeuronGradientMethods, MatrixFullyConnectedMethods,
          MatrixFullyConnectedGradientMethods, MatrixBatchNormalizationMethods,
          MatrixBatchNormalizationGradientMethods, MatrixFindTopKMethods,
          MatrixCopyDescriptorMethods, MatrixCopyMethods, MatrixRandomDistributionDescriptorMethods,
          MatrixRandomMethods, MatrixRandomMTGP32Methods, MatrixRandomPhiloxMethods,
          MatrixDecompositionLUMethods, MatrixDecompositionCholeskyMethods,
          MatrixSolveTriangularMethods, MatrixSolveLUMethods, MatrixSolveCholeskyMethods,
          PredicateMethods, CommandBufferMethods> {};

}  // namespace apple::mps
