// MPS's base kernels, matrices and vectors, and its command buffer.
#pragma once

#include <mps/mps_methods.h>

namespace apple::mps {

// Properties count when the kernel is encoded. One object must not be used by two threads at a
// time.
class Kernel : public objc::Of<Catalogue, KernelMethods> {
 public:
  using Of::Of;
  Kernel() = default;
  explicit Kernel(const mtl::Device& device) : Of(init<"initWithDevice:">(device)) {}
  KernelOptions options() const { return send<"options">(); }
  void set_options(KernelOptions value) const { send<"setOptions:">(value); }
  mtl::Device device() const { return send<"device">(); }
  ns::String label() const { return send<"label">(); }
  void set_label(const ns::String& value) const { send<"setLabel:">(value); }
};

// Row-major: element (i, j) of matrix k lies at k * matrix_bytes + i * row_bytes + j * element
// size.
class MatrixDescriptor : public objc::Of<Catalogue, MatrixDescriptorMethods> {
 public:
  using Of::Of;
  MatrixDescriptor() = default;
  MatrixDescriptor(UInt rows, UInt columns, UInt row_bytes, DataType data_type)
      : Of(create<"matrixDescriptorWithRows:columns:rowBytes:dataType:">(rows, columns, row_bytes,
                                                                         data_type)) {}
  MatrixDescriptor(UInt rows, UInt columns, UInt matrices, UInt row_bytes, UInt matrix_bytes,
                   DataType data_type)
      : Of(create<"matrixDescriptorWithRows:columns:matrices:rowBytes:matrixBytes:dataType:">(
            rows, columns, matrices, row_bytes, matrix_bytes, data_type)) {}
  // What MPS likes best; any distance that holds a row is legal.
  static UInt row_bytes(UInt columns, DataType data_type) {
    return send_class<"rowBytesForColumns:dataType:">(columns, data_type);
  }
  UInt rows() const { return send<"rows">(); }
  void set_rows(UInt value) const { send<"setRows:">(value); }
  UInt columns() const { return send<"columns">(); }
  void set_columns(UInt value) const { send<"setColumns:">(value); }
  UInt matrices() const { return send<"matrices">(); }
  DataType data_type() const { return send<"dataType">(); }
  void set_data_type(DataType value) const { send<"setDataType:">(value); }
  UInt row_bytes() const { return send<"rowBytes">(); }
  void set_row_bytes(UInt value) const { send<"setRowBytes:">(value); }
  UInt matrix_bytes() const { return send<"matrixBytes">(); }
};

class VectorDescriptor : public objc::Of<Catalogue, VectorDescriptorMethods> {
 public:
  using Of::Of;
  VectorDescriptor() = default;
  VectorDescriptor(UInt length, DataType data_type)
      : Of(create<"vectorDescriptorWithLength:dataType:">(length, data_type)) {}
  VectorDescriptor(UInt length, UInt vectors, UInt vector_bytes, DataType data_type)
      : Of(create<"vectorDescriptorWithLength:vectors:vectorBytes:dataType:">(
            length, vectors, vector_bytes, data_type)) {}
  static UInt vector_bytes(UInt length, DataType data_type) {
    return send_class<"vectorBytesForLength:dataType:">(length, data_type);
  }
  UInt length() const { return send<"length">(); }
  void set_length(UInt value) const { send<"setLength:">(value); }
  UInt vectors() const { return send<"vectors">(); }
  DataType data_type() const { return send<"dataType">(); }
  void set_data_type(DataType value) const { send<"setDataType:">(value); }
  UInt vector_bytes() const { return send<"vectorBytes">(); }
};

class Matrix : public objc::Of<Catalogue, MatrixMethods> {
 public:
  using Of::Of;
  Matrix() = default;
  Matrix(const mtl::Buffer& buffer, const MatrixDescriptor& descriptor)
      : Of(init<"initWithBuffer:descriptor:">(buffer, descriptor)) {}
  Matrix(const mtl::Buffer& buffer, UInt offset, const MatrixDescriptor& descriptor)
      : Of(init<"initWithBuffer:offset:descriptor:">(buffer, offset, descriptor)) {}
  Matrix(const mtl::Device& device, const MatrixDescriptor& descriptor)
      : Of(init<"initWithDevice:descriptor:">(device, descriptor)) {}
  void synchronize(const mtl::CommandBuffer& command_buffer) const {
    send<"synchronizeOnCommandBuffer:">(command_buffer);
  }
  UInt resource_size() const { return send<"resourceSize">(); }
  mtl::Device device() const { return send<"device">(); }
  UInt rows() const { return send<"rows">(); }
  UInt columns() const { return send<"columns">(); }
  UInt matrices() const { return send<"matrices">(); }
  DataType data_type() const { return send<"dataType">(); }
  UInt row_bytes() const { return send<"rowBytes">(); }
  UInt matrix_bytes() const { return send<"matrixBytes">(); }
  UInt offset() const { return send<"offset">(); }
  mtl::Buffer data() const { return send<"data">(); }
};

class Vector : public objc::Of<Catalogue, VectorMethods> {
 public:
  using Of::Of;
  Vector() = default;
  Vector(const mtl::Buffer& buffer, const VectorDescriptor& descriptor)
      : Of(init<"initWithBuffer:descriptor:">(buffer, descriptor)) {}
  Vector(const mtl::Buffer& buffer, UInt offset, const VectorDescriptor& descriptor)
      : Of(init<"initWithBuffer:offset:descriptor:">(buffer, offset, descriptor)) {}
  Vector(const mtl::Device& device, const VectorDescriptor& descriptor)
      : Of(init<"initWithDevice:descriptor:">(device, descriptor)) {}
  void synchronize(const mtl::CommandBuffer& command_buffer) const {
    send<"synchronizeOnCommandBuffer:">(command_buffer);
  }
  UInt resource_size() const { return send<"resourceSize">(); }
  mtl::Device device() const { return send<"device">(); }
  UInt length() const { return send<"length">(); }
  UInt vectors() const { return send<"vectors">(); }
  DataType data_type() const { return send<"dataType">(); }
  UInt vector_bytes() const { return send<"vectorBytes">(); }
  UInt offset() const { return send<"offset">(); }
  mtl::Buffer data() const { return send<"data">(); }
};

// Memory of one command buffer: free for others once it was read `read_count` times (1 unless set).
class TemporaryMatrix : public objc::Of<Catalogue, TemporaryMatrixMethods, Matrix> {
 public:
  using Of::Of;
  TemporaryMatrix() = default;
  TemporaryMatrix(const mtl::CommandBuffer& command_buffer,
                  const MatrixDescriptor& matrix_descriptor)
      : Of(create<"temporaryMatrixWithCommandBuffer:matrixDescriptor:">(command_buffer,
                                                                        matrix_descriptor)) {}
  static void prefetch_storage(const mtl::CommandBuffer& command_buffer,
                               const ns::Array& matrix_descriptor_list) {
    send_class<"prefetchStorageWithCommandBuffer:matrixDescriptorList:">(command_buffer,
                                                                         matrix_descriptor_list);
  }
  UInt read_count() const { return send<"readCount">(); }
  void set_read_count(UInt value) const { send<"setReadCount:">(value); }
};

class TemporaryVector : public objc::Of<Catalogue, TemporaryVectorMethods, Vector> {
 public:
  using Of::Of;
  TemporaryVector() = default;
  TemporaryVector(const mtl::CommandBuffer& command_buffer, const VectorDescriptor& descriptor)
      : Of(create<"temporaryVectorWithCommandBuffer:descriptor:">(command_buffer, descriptor)) {}
  static void prefetch_storage(const mtl::CommandBuffer& command_buffer,
                               const ns::Array& descriptor_list) {
    send_class<"prefetchStorageWithCommandBuffer:descriptorList:">(command_buffer, descriptor_list);
  }
  UInt read_count() const { return send<"readCount">(); }
  void set_read_count(UInt value) const { send<"setReadCount:">(value); }
};

class Predicate : public objc::Of<Catalogue, PredicateMethods> {
 public:
  using Of::Of;
  Predicate() = default;
  Predicate(const mtl::Buffer& buffer, UInt offset)
      : Of(init<"initWithBuffer:offset:">(buffer, offset)) {}
  explicit Predicate(const mtl::Device& device) : Of(init<"initWithDevice:">(device)) {}
  mtl::Buffer predicate_buffer() const { return send<"predicateBuffer">(); }
  UInt predicate_offset() const { return send<"predicateOffset">(); }
};

class CommandBuffer : public objc::Of<Catalogue, CommandBufferMethods, mtl::CommandBuffer> {
 public:
  using Of::Of;
  CommandBuffer() = default;
  explicit CommandBuffer(const mtl::CommandQueue& command_queue)
      : Of(create<"commandBufferFromCommandQueue:">(command_queue)) {}
  explicit CommandBuffer(const mtl::CommandBuffer& command_buffer)
      : Of(init<"initWithCommandBuffer:">(command_buffer)) {}
  void commit_and_continue() const { send<"commitAndContinue">(); }
  void prefetch_heap(UInt workload_size) const {
    send<"prefetchHeapForWorkloadSize:">(workload_size);
  }
  mtl::CommandBuffer command_buffer() const { return send<"commandBuffer">(); }
  mtl::CommandBuffer root_command_buffer() const { return send<"rootCommandBuffer">(); }
  Predicate predicate() const { return send<"predicate">(); }
  void set_predicate(const Predicate& value) const { send<"setPredicate:">(value); }
};

class MatrixUnaryKernel : public objc::Of<Catalogue, MatrixUnaryKernelMethods, Kernel> {
 public:
  using Of::Of;
  MatrixUnaryKernel() = default;
  mtl::Origin source_matrix_origin() const { return send<"sourceMatrixOrigin">(); }
  void set_source_matrix_origin(const mtl::Origin& value) const {
    send<"setSourceMatrixOrigin:">(value);
  }
  mtl::Origin result_matrix_origin() const { return send<"resultMatrixOrigin">(); }
  void set_result_matrix_origin(const mtl::Origin& value) const {
    send<"setResultMatrixOrigin:">(value);
  }
  UInt batch_start() const { return send<"batchStart">(); }
  void set_batch_start(UInt value) const { send<"setBatchStart:">(value); }
  UInt batch_size() const { return send<"batchSize">(); }
  void set_batch_size(UInt value) const { send<"setBatchSize:">(value); }
};

class MatrixBinaryKernel : public objc::Of<Catalogue, MatrixBinaryKernelMethods, Kernel> {
 public:
  using Of::Of;
  MatrixBinaryKernel() = default;
  mtl::Origin primary_source_matrix_origin() const { return send<"primarySourceMatrixOrigin">(); }
  void set_primary_source_matrix_origin(const mtl::Origin& value) const {
    send<"setPrimarySourceMatrixOrigin:">(value);
  }
  mtl::Origin secondary_source_matrix_origin() const {
    return send<"secondarySourceMatrixOrigin">();
  }
  void set_secondary_source_matrix_origin(const mtl::Origin& value) const {
    send<"setSecondarySourceMatrixOrigin:">(value);
  }
  mtl::Origin result_matrix_origin() const { return send<"resultMatrixOrigin">(); }
  void set_result_matrix_origin(const mtl::Origin& value) const {
    send<"setResultMatrixOrigin:">(value);
  }
  UInt batch_start() const { return send<"batchStart">(); }
  void set_batch_start(UInt value) const { send<"setBatchStart:">(value); }
  UInt batch_size() const { return send<"batchSize">(); }
  void set_batch_size(UInt value) const { send<"setBatchSize:">(value); }
};

}  // namespace apple::mps
