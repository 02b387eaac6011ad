// The names under which Objective-C sees MPS: matrices, vectors and the first kernels.
#include "sim/metal/mps/multiplication.h"
#include "sim/metal/mps/softmax.h"

namespace metal_sim {

SIM_ENCODE(DataType, "I");
void register_more_kernels();
void register_ndarrays();

namespace {

void register_matrices() {
  using D = MatrixDescriptor;
  Cls<D>(Object::kClass)
      .factory<&D::init_one>("matrixDescriptorWithRows:columns:rowBytes:dataType:")
      .factory<&D::init_one>("matrixDescriptorWithDimensions:columns:rowBytes:dataType:")
      .factory<&D::init_many>(
          "matrixDescriptorWithRows:columns:matrices:rowBytes:matrixBytes:dataType:")
      .class_method<&D::row_bytes_for>("rowBytesForColumns:dataType:")
      .class_method<&D::row_bytes_for>("rowBytesFromColumns:dataType:")
      .property<&D::rows>("rows")
      .property<&D::columns>("columns")
      .property<&D::row_bytes>("rowBytes")
      .property<&D::type>("dataType")
      .read_only<&D::matrices>("matrices")
      .method<&D::matrix_bytes>("matrixBytes")
      .method<&D::copy_with_zone>("copyWithZone:");
  Cls<Storage>(Object::kClass)
      .read_only<&Storage::device>("device")
      .method<&Storage::data>("data")
      .read_only<&Storage::offset>("offset")
      .read_only<&Storage::type>("dataType")
      .method<&Storage::resource_size>("resourceSize")
      .method<&Storage::synchronize>("synchronizeOnCommandBuffer:");
  Cls<Matrix>(Storage::kClass)
      .method<&Matrix::init_buffer>("initWithBuffer:descriptor:")
      .method<&Matrix::init_buffer_at>("initWithBuffer:offset:descriptor:")
      .method<&Matrix::init_device>("initWithDevice:descriptor:")
      .read_only<&Matrix::rows>("rows")
      .read_only<&Matrix::columns>("columns")
      .read_only<&Matrix::matrices>("matrices")
      .read_only<&Matrix::row_bytes>("rowBytes")
      .read_only<&Matrix::matrix_bytes>("matrixBytes");
  Cls<TemporaryMatrix>(Matrix::kClass)
      .class_method<&TemporaryMatrix::make_on>("temporaryMatrixWithCommandBuffer:matrixDescriptor:")
      .class_method<&TemporaryMatrix::prefetch>(
          "prefetchStorageWithCommandBuffer:matrixDescriptorList:")
      .method<&TemporaryMatrix::refuse_buffer>("initWithBuffer:descriptor:")
      .read_only<&TemporaryMatrix::read_count>("readCount")
      .method<&TemporaryMatrix::set_read_count>("setReadCount:");
}

void register_vectors() {
  using D = VectorDescriptor;
  Cls<D>(Object::kClass)
      .factory<&D::init_one>("vectorDescriptorWithLength:dataType:")
      .factory<&D::init_many>("vectorDescriptorWithLength:vectors:vectorBytes:dataType:")
      .class_method<&D::bytes_for>("vectorBytesForLength:dataType:")
      .property<&D::length>("length")
      .property<&D::type>("dataType")
      .read_only<&D::vectors>("vectors")
      .read_only<&D::vector_bytes>("vectorBytes");
  Cls<Vector>(Storage::kClass)
      .method<&Vector::init_buffer>("initWithBuffer:descriptor:")
      .method<&Vector::init_buffer_at>("initWithBuffer:offset:descriptor:")
      .method<&Vector::init_device>("initWithDevice:descriptor:")
      .read_only<&Vector::length>("length")
      .read_only<&Vector::vectors>("vectors")
      .read_only<&Vector::vector_bytes>("vectorBytes");
  Cls<TemporaryVector>(Vector::kClass)
      .class_method<&TemporaryVector::make_on>("temporaryVectorWithCommandBuffer:descriptor:")
      .class_method<&TemporaryVector::prefetch>("prefetchStorageWithCommandBuffer:descriptorList:")
      .method<&TemporaryVector::refuse_buffer>("initWithBuffer:descriptor:")
      .read_only<&TemporaryVector::read_count>("readCount")
      .method<&TemporaryVector::set_read_count>("setReadCount:");
}

void register_kernel_bases() {
  Cls<MpsKernel>(Object::kClass)
      .method<&MpsKernel::init_device>("initWithDevice:")
      .read_only<&MpsKernel::device>("device")
      .property<&MpsKernel::label>("label")
      .property<&MpsKernel::options>("options")
      .method<&MpsKernel::copy_with_device>("copyWithZone:device:");
  Cls<UnaryKernel>(MpsKernel::kClass)
      .property<&UnaryKernel::source_origin>("sourceMatrixOrigin")
      .property<&UnaryKernel::result_origin>("resultMatrixOrigin")
      .property<&UnaryKernel::batch_start>("batchStart")
      .property<&UnaryKernel::batch_size>("batchSize");
  Cls<BinaryKernel>(MpsKernel::kClass)
      .property<&BinaryKernel::primary_origin>("primarySourceMatrixOrigin")
      .property<&BinaryKernel::secondary_origin>("secondarySourceMatrixOrigin")
      .property<&BinaryKernel::result_origin>("resultMatrixOrigin")
      .property<&BinaryKernel::batch_start>("batchStart")
      .property<&BinaryKernel::batch_size>("batchSize");
}

void register_products() {
  using M = Multiplication;
  kernel_class<M>(MpsKernel::kClass)
      .method<&M::init_full>(
          "initWithDevice:transposeLeft:transposeRight:resultRows:resultColumns:"
          "interiorColumns:alpha:beta:")
      .method<&M::init_short>("initWithDevice:resultRows:resultColumns:interiorColumns:")
      .method<&M::refuse_init>("initWithDevice:")
      .method<&M::encode>("encodeToCommandBuffer:leftMatrix:rightMatrix:resultMatrix:")
      .property<&M::left_origin>("leftMatrixOrigin")
      .property<&M::right_origin>("rightMatrixOrigin")
      .property<&M::result_origin>("resultMatrixOrigin")
      .property<&M::batch_start>("batchStart")
      .property<&M::batch_size>("batchSize");
  using V = VectorMultiplication;
  kernel_class<V>(BinaryKernel::kClass)
      .method<&V::init_full>("initWithDevice:transpose:rows:columns:alpha:beta:")
      .method<&V::init_short>("initWithDevice:rows:columns:")
      .method<&V::refuse_init>("initWithDevice:")
      .method<&V::encode>("encodeToCommandBuffer:inputMatrix:inputVector:resultVector:");
}

void register_softmax() {
  kernel_class<SoftMax>(UnaryKernel::kClass)
      .method<&SoftMax::encode>("encodeToCommandBuffer:inputMatrix:resultMatrix:")
      .property<&SoftMax::source_rows>("sourceRows")
      .property<&SoftMax::source_columns>("sourceColumns");
  kernel_class<LogSoftMax>(SoftMax::kClass);
  kernel_class<SoftMaxGradient>(BinaryKernel::kClass)
      .method<&SoftMaxGradient::encode>(
          "encodeToCommandBuffer:gradientMatrix:forwardOutputMatrix:resultMatrix:")
      .property<&SoftMaxGradient::source_rows>("sourceRows")
      .property<&SoftMaxGradient::source_columns>("sourceColumns");
  kernel_class<LogSoftMaxGradient>(SoftMaxGradient::kClass);
}

void register_command_buffer() {
  using B = MpsCommandBuffer;
  Cls<B>(Object::kClass)
      .conforms("MTLCommandBuffer")
      .maker<&B::init_buffer>("initWithCommandBuffer:", "commandBufferWithCommandBuffer:")
      .class_method<&B::from_queue>("commandBufferFromCommandQueue:")
      .method<&B::commit_and_continue>("commitAndContinue")
      .method<&B::prefetch_heap>("prefetchHeapForWorkloadSize:")
      .method<&B::forward>("forwardingTargetForSelector:")
      .read_only<&B::root>("commandBuffer")
      .read_only<&B::root>("rootCommandBuffer")
      .property<&B::predicate>("predicate")
      .property<&B::heap_provider>("heapProvider");
}

}  // namespace

void register_mps() {
  register_matrices();
  register_vectors();
  register_kernel_bases();
  register_products();
  register_softmax();
  register_command_buffer();
  register_more_kernels();
  register_ndarrays();
}

}  // namespace metal_sim

using namespace metal_sim;

SIM_EXPORT bool MPSSupportsMTLDevice(id device) { return as<Device>(device) != nullptr; }
SIM_EXPORT id MPSGetPreferredDevice(unsigned long) { return autorelease(retain(Device::one())); }
SIM_EXPORT void MPSHintTemporaryMemoryHighWaterMark(id, unsigned long) {}
SIM_EXPORT void MPSSetHeapCacheDuration(id, double) {}
