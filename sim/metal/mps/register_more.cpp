// The names under which Objective-C sees MPS's other matrix kernels.
#include "sim/metal/mps/dense.h"
#include "sim/metal/mps/factor.h"
#include "sim/metal/mps/select.h"

namespace metal_sim {

SIM_ENCODE(DataType, "I");
SIM_ENCODE(CopyOffsets, "{?=IIII}");

namespace {

void register_neurons() {
  auto neuron = kernel_class<MatrixNeuron>(UnaryKernel::kClass);
  neuron.method<&MatrixNeuron::encode>("encodeToCommandBuffer:inputMatrix:biasVector:resultMatrix:")
      .property<&MatrixNeuron::alpha>("alpha")
      .property<&MatrixNeuron::vectors>("sourceNumberOfFeatureVectors")
      .property<&MatrixNeuron::channels>("sourceInputFeatureChannels");
  add_neuron_methods(neuron);
  using G = MatrixNeuronGradient;
  auto gradient = kernel_class<G>(BinaryKernel::kClass);
  gradient
      .method<&G::encode>(
          "encodeToCommandBuffer:gradientMatrix:inputMatrix:biasVector:"
          "resultGradientForDataMatrix:resultGradientForBiasVector:")
      .property<&G::alpha>("alpha")
      .property<&G::vectors>("sourceNumberOfFeatureVectors")
      .property<&G::channels>("sourceInputFeatureChannels");
  add_neuron_methods(gradient);
  auto sum = kernel_class<MatrixSum>(MpsKernel::kClass);
  sum.method<&MatrixSum::init_full>("initWithDevice:count:rows:columns:transpose:")
      .method<&MatrixSum::encode>(
          "encodeToCommandBuffer:sourceMatrices:resultMatrix:scaleVector:"
          "offsetVector:biasVector:startIndex:")
      .read_only<&MatrixSum::count>("count")
      .read_only<&MatrixSum::rows>("rows")
      .read_only<&MatrixSum::columns>("columns")
      .read_only<&MatrixSum::transpose>("transpose")
      .property<&MatrixSum::result_origin>("resultMatrixOrigin");
  add_neuron_methods(sum);
}

void register_dense() {
  auto full = kernel_class<FullyConnected>(BinaryKernel::kClass);
  full.method<&FullyConnected::encode>(
          "encodeToCommandBuffer:inputMatrix:weightMatrix:biasVector:resultMatrix:")
      .property<&FullyConnected::alpha>("alpha")
      .property<&FullyConnected::vectors>("sourceNumberOfFeatureVectors")
      .property<&FullyConnected::inputs>("sourceInputFeatureChannels")
      .property<&FullyConnected::outputs>("sourceOutputFeatureChannels");
  add_neuron_methods(full);
  using G = FullyConnectedGradient;
  kernel_class<G>(BinaryKernel::kClass)
      .method<&G::encode_data>(
          "encodeGradientForDataToCommandBuffer:gradientMatrix:weightMatrix:"
          "resultGradientForDataMatrix:")
      .method<&G::encode_weights>(
          "encodeGradientForWeightsAndBiasToCommandBuffer:gradientMatrix:inputMatrix:"
          "resultGradientForWeightMatrix:resultGradientForBiasVector:")
      .property<&G::alpha>("alpha")
      .property<&G::vectors>("sourceNumberOfFeatureVectors")
      .property<&G::inputs>("sourceInputFeatureChannels")
      .property<&G::outputs>("sourceOutputFeatureChannels");
  using N = BatchNormalization;
  auto norm = kernel_class<N>(UnaryKernel::kClass);
  norm.method<&N::encode>(
          "encodeToCommandBuffer:inputMatrix:meanVector:varianceVector:gammaVector:"
          "betaVector:resultMatrix:")
      .property<&N::vectors>("sourceNumberOfFeatureVectors")
      .property<&N::channels>("sourceInputFeatureChannels")
      .property<&N::epsilon>("epsilon")
      .property<&N::compute_statistics>("computeStatistics");
  add_neuron_methods(norm);
  using B = BatchNormalizationGradient;
  auto back = kernel_class<B>(BinaryKernel::kClass);
  back.method<&B::encode>(
          "encodeToCommandBuffer:gradientMatrix:inputMatrix:meanVector:varianceVector:gammaVector:"
          "betaVector:resultGradientForDataMatrix:resultGradientForGammaVector:"
          "resultGradientForBetaVector:")
      .property<&B::vectors>("sourceNumberOfFeatureVectors")
      .property<&B::channels>("sourceInputFeatureChannels")
      .property<&B::epsilon>("epsilon");
  add_neuron_methods(back);
}

void register_select() {
  kernel_class<FindTopK>(UnaryKernel::kClass)
      .method<&FindTopK::init_k>("initWithDevice:numberOfTopKValues:")
      .method<&FindTopK::encode>(
          "encodeToCommandBuffer:inputMatrix:resultIndexMatrix:resultValueMatrix:")
      .property<&FindTopK::source_rows>("sourceRows")
      .property<&FindTopK::source_columns>("sourceColumns")
      .property<&FindTopK::index_offset>("indexOffset")
      .property<&FindTopK::k>("numberOfTopKValues");
  Cls<CopyDescriptor>(Object::kClass)
      .factory<&CopyDescriptor::init_one>("descriptorWithSourceMatrix:destinationMatrix:offsets:")
      .method<&CopyDescriptor::init_count>("initWithDevice:count:")
      .method<&CopyDescriptor::init_many>(
          "initWithSourceMatrices:destinationMatrices:offsetVector:offset:")
      .method<&CopyDescriptor::set>(
          "setCopyOperationAtIndex:sourceMatrix:destinationMatrix:offsets:");
  using C = MatrixCopy;
  kernel_class<C>(MpsKernel::kClass)
      .method<&C::init_full>(
          "initWithDevice:copyRows:copyColumns:sourcesAreTransposed:"
          "destinationsAreTransposed:")
      .method<&C::encode>("encodeToCommandBuffer:copyDescriptor:")
      .method<&C::encode_permuted>(
          "encodeToCommandBuffer:copyDescriptor:rowPermuteIndices:rowPermuteOffset:"
          "columnPermuteIndices:columnPermuteOffset:")
      .read_only<&C::rows>("copyRows")
      .read_only<&C::columns>("copyColumns")
      .read_only<&C::sources_transposed>("sourcesAreTransposed")
      .read_only<&C::destinations_transposed>("destinationsAreTransposed");
}

void register_random() {
  using D = Distribution;
  Cls<D>(Object::kClass)
      .factory<&D::init_default>("defaultDistributionDescriptor")
      .factory<&D::init_uniform>("uniformDistributionDescriptorWithMinimum:maximum:")
      .factory<&D::init_normal>("normalDistributionDescriptorWithMean:standardDeviation:")
      .factory<&D::init_normal_bounded>(
          "normalDistributionDescriptorWithMean:standardDeviation:minimum:maximum:")
      .property<&D::type>("distributionType")
      .property<&D::minimum>("minimum")
      .property<&D::maximum>("maximum")
      .property<&D::mean>("mean")
      .property<&D::deviation>("standardDeviation")
      .method<&D::copy_with_zone>("copyWithZone:");
  kernel_class<Random>(MpsKernel::kClass)
      .method<&Random::init_seed>("initWithDevice:destinationDataType:seed:")
      .method<&Random::init_full>("initWithDevice:destinationDataType:seed:distributionDescriptor:")
      .method<&Random::encode_vector>("encodeToCommandBuffer:destinationVector:")
      .method<&Random::encode_matrix>("encodeToCommandBuffer:destinationMatrix:")
      .read_only<&Random::type>("destinationDataType")
      .read_only<&Random::distribution>("distributionType")
      .property<&Random::batch_start>("batchStart")
      .property<&Random::batch_size>("batchSize");
  kernel_class<Philox>(Random::kClass);
  kernel_class<Mtgp>(Random::kClass).method<&Mtgp::synchronize>("synchronizeStateOnCommandBuffer:");
}

void register_factors() {
  kernel_class<LuDecomposition>(UnaryKernel::kClass)
      .method<&LuDecomposition::init_full>("initWithDevice:rows:columns:")
      .method<&LuDecomposition::encode>(
          "encodeToCommandBuffer:sourceMatrix:resultMatrix:pivotIndices:status:");
  kernel_class<CholeskyDecomposition>(UnaryKernel::kClass)
      .method<&CholeskyDecomposition::init_full>("initWithDevice:lower:order:")
      .method<&CholeskyDecomposition::encode>(
          "encodeToCommandBuffer:sourceMatrix:resultMatrix:status:");
  const char* solve = "encodeToCommandBuffer:sourceMatrix:rightHandSideMatrix:solutionMatrix:";
  kernel_class<TriangularSolve>(BinaryKernel::kClass)
      .method<&TriangularSolve::init_full>(
          "initWithDevice:right:upper:transpose:unit:order:"
          "numberOfRightHandSides:alpha:")
      .method<&TriangularSolve::encode>(solve);
  kernel_class<LuSolve>(BinaryKernel::kClass)
      .method<&LuSolve::init_full>("initWithDevice:transpose:order:numberOfRightHandSides:")
      .method<&LuSolve::encode>(
          "encodeToCommandBuffer:sourceMatrix:rightHandSideMatrix:"
          "pivotIndices:solutionMatrix:");
  kernel_class<CholeskySolve>(BinaryKernel::kClass)
      .method<&CholeskySolve::init_full>("initWithDevice:upper:order:numberOfRightHandSides:")
      .method<&CholeskySolve::encode>(solve);
}

}  // namespace

void register_more_kernels() {
  register_neurons();
  register_dense();
  register_select();
  register_random();
  register_factors();
}

}  // namespace metal_sim
