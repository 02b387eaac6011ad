// MPSMatrix, MPSVector, their descriptors and temporary kinds.
#pragma once

#include "sim/metal/metal/encoder.h"
#include "sim/metal/mps/element.h"

namespace metal_sim {

constexpr unsigned long kAll = ~0ul;  // NSUIntegerMax: as much as there is

struct MatrixDescriptor : Object {
  SIM_CLASS(MatrixDescriptor, MPSMatrixDescriptor)
  unsigned long rows = 0, columns = 0, matrices = 1, row_bytes = 0, batch_bytes = 0;
  DataType type = DataType::invalid;

  MatrixDescriptor* init_one(unsigned long rows, unsigned long columns, unsigned long row_bytes,
                             DataType type);
  MatrixDescriptor* init_many(unsigned long rows, unsigned long columns, unsigned long matrices,
                              unsigned long row_bytes, unsigned long matrix_bytes, DataType type);
  static unsigned long row_bytes_for(Class cls, unsigned long columns, DataType type);
  unsigned long matrix_bytes() const;
  size_t needed_bytes() const;
  id copy_with_zone(void* zone);
};

struct VectorDescriptor : Object {
  SIM_CLASS(VectorDescriptor, MPSVectorDescriptor)
  unsigned long length = 0, vectors = 1, vector_bytes = 0;
  DataType type = DataType::invalid;

  VectorDescriptor* init_one(unsigned long length, DataType type);
  VectorDescriptor* init_many(unsigned long length, unsigned long vectors,
                              unsigned long vector_bytes, DataType type);
  static unsigned long bytes_for(Class cls, unsigned long length, DataType type);
  size_t needed_bytes() const;
};

// What matrices and vectors share: bytes of a buffer, made at first use where none was given.
struct Storage : Object {
  SIM_CLASS(Storage, _MPSSimStorage)
  Ref<Device> device;
  Ref<Buffer> buffer;
  unsigned long offset = 0;
  size_t bytes = 0;
  DataType type = DataType::invalid;

  Buffer* data();
  unsigned long resource_size() const;
  void synchronize(id command_buffer);
};

struct Matrix : Storage {
  SIM_CLASS(Matrix, MPSMatrix)
  unsigned long rows = 0, columns = 0, matrices = 1, row_bytes = 0, matrix_bytes = 0;

  Matrix* init_buffer(Buffer* buffer, MatrixDescriptor* descriptor);
  Matrix* init_buffer_at(Buffer* buffer, unsigned long offset, MatrixDescriptor* descriptor);
  Matrix* init_device(Device* device, MatrixDescriptor* descriptor);
  void describe_by(MatrixDescriptor* descriptor);
  // Matrix `index` from element (row, column) on; empty where the origin is outside.
  View view(size_t index, size_t row = 0, size_t column = 0);
};

struct Vector : Storage {
  SIM_CLASS(Vector, MPSVector)
  unsigned long length = 0, vectors = 1, vector_bytes = 0;

  Vector* init_buffer(Buffer* buffer, VectorDescriptor* descriptor);
  Vector* init_buffer_at(Buffer* buffer, unsigned long offset, VectorDescriptor* descriptor);
  Vector* init_device(Device* device, VectorDescriptor* descriptor);
  View view(size_t index, size_t from = 0);  // one row
};

// Temporary objects live until the kernels that read them ran: `read_count` says how many there
// are.
struct TemporaryMatrix : Matrix {
  SIM_CLASS(TemporaryMatrix, MPSTemporaryMatrix)
  unsigned long read_count = 1;
  CommandBuffer* owner = nullptr;  // only to be compared
  static id make_on(Class cls, id command_buffer, MatrixDescriptor* descriptor);
  static void prefetch(Class cls, id command_buffer, Array* descriptors);
  Matrix* refuse_buffer(Buffer* buffer, MatrixDescriptor* descriptor);
  void set_read_count(unsigned long n);
};

struct TemporaryVector : Vector {
  SIM_CLASS(TemporaryVector, MPSTemporaryVector)
  unsigned long read_count = 1;
  CommandBuffer* owner = nullptr;
  static id make_on(Class cls, id command_buffer, VectorDescriptor* descriptor);
  static void prefetch(Class cls, id command_buffer, Array* descriptors);
  Vector* refuse_buffer(Buffer* buffer, VectorDescriptor* descriptor);
  void set_read_count(unsigned long n);
};

// MPSCommandBuffer: a command buffer that can be committed and go on as a new one.
struct MpsCommandBuffer : Object {
  SIM_CLASS(MpsCommandBuffer, MPSCommandBuffer)
  Ref<CommandBuffer> root;
  Ref<Object> predicate, heap_provider;
  MpsCommandBuffer* init_buffer(id command_buffer);
  static id from_queue(Class cls, Queue* queue);
  void commit_and_continue();
  void prefetch_heap(unsigned long bytes);
  id forward(SEL s);
};

CommandBuffer* command_buffer_of(id object);  // either kind

}  // namespace metal_sim
