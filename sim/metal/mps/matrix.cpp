#include "sim/metal/mps/matrix.h"

#include <algorithm>

#include "sim/metal/checks.h"

namespace metal_sim {
namespace {

[[noreturn]] void refuse(int line, const std::string& text) {
  failed_assertion("/AppleInternal/Library/MPSMatrix.mm:" + std::to_string(line), text);
}

size_t up16(size_t n) { return (n + 15) / 16 * 16; }

}  // namespace

MatrixDescriptor* MatrixDescriptor::init_one(unsigned long r, unsigned long c, unsigned long bytes,
                                             DataType t) {
  return init_many(r, c, 1, bytes, r * bytes, t);
}
MatrixDescriptor* MatrixDescriptor::init_many(unsigned long r, unsigned long c, unsigned long n,
                                              unsigned long bytes, unsigned long each, DataType t) {
  rows = r;
  columns = c;
  matrices = n;
  row_bytes = bytes;
  batch_bytes = each;
  type = t;
  return this;
}
unsigned long MatrixDescriptor::row_bytes_for(Class, unsigned long columns, DataType type) {
  return up16(columns * size_of(type));
}
unsigned long MatrixDescriptor::matrix_bytes() const {
  return matrices > 1 ? batch_bytes : rows * row_bytes;
}
size_t MatrixDescriptor::needed_bytes() const {
  if (rows == 0 || columns == 0 || matrices == 0) return 0;
  return (matrices - 1) * matrix_bytes() + (rows - 1) * row_bytes + columns * size_of(type);
}
id MatrixDescriptor::copy_with_zone(void*) {
  return make<MatrixDescriptor>()->init_many(rows, columns, matrices, row_bytes, batch_bytes, type);
}

VectorDescriptor* VectorDescriptor::init_one(unsigned long n, DataType t) {
  return init_many(n, 1, n * size_of(t), t);
}
VectorDescriptor* VectorDescriptor::init_many(unsigned long n, unsigned long v, unsigned long bytes,
                                              DataType t) {
  length = n;
  vectors = v;
  vector_bytes = bytes;
  type = t;
  return this;
}
unsigned long VectorDescriptor::bytes_for(Class, unsigned long n, DataType t) {
  return up16(n * size_of(t));
}
size_t VectorDescriptor::needed_bytes() const {
  return length == 0 || vectors == 0 ? 0 : (vectors - 1) * vector_bytes + length * size_of(type);
}

Buffer* Storage::data() {
  if (!buffer && device)
    buffer = Ref<Buffer>::adopt(device->new_buffer(std::max<size_t>(bytes, 1), 0));
  return buffer.get();
}
unsigned long Storage::resource_size() const { return buffer ? bytes : 0; }
void Storage::synchronize(id) {}

void Matrix::describe_by(MatrixDescriptor* d) {
  const char* method = "[MPSMatrix initWithBuffer:descriptor:] ";
  if (!d) refuse(200, std::string(method) + "descriptor may not be nil.");
  if (d->row_bytes < d->columns * size_of(d->type))
    refuse(222, std::string(method) + "not enough rowBytes for all the columns.");
  if (size_of(d->type) && d->row_bytes % size_of(d->type)) {
    refuse(226, std::string(method) + "rowBytes must be a multiple of the data type's size.");
  }
  if (d->matrices > 1 && (d->matrix_bytes() < d->rows * d->row_bytes ||
                          (d->row_bytes && d->matrix_bytes() % d->row_bytes))) {
    refuse(230, std::string(method) +
                    "matrixBytes must be a multiple of rowBytes and hold all the rows.");
  }
  rows = d->rows;
  columns = d->columns;
  matrices = d->matrices;
  row_bytes = d->row_bytes;
  matrix_bytes = d->matrix_bytes();
  type = d->type;
  bytes = d->needed_bytes();
}

Matrix* Matrix::init_buffer(Buffer* b, MatrixDescriptor* d) { return init_buffer_at(b, 0, d); }
Matrix* Matrix::init_buffer_at(Buffer* b, unsigned long at, MatrixDescriptor* d) {
  describe_by(d);
  if (!b) refuse(241, "[MPSMatrix initWithBuffer:descriptor:] buffer may not be nil.");
  if (at > b->size || bytes > b->size - at) {
    refuse(250, "[MPSMatrix initWithBuffer:descriptor:] buffer is not large enough. Must be " +
                    std::to_string(bytes + at) + " bytes");
  }
  if (size_of(type) && at % size_of(type)) {
    refuse(254,
           "[MPSMatrix initWithBuffer:offset:descriptor:] offset must be a multiple of the data "
           "type's size.");
  }
  device = b->device;
  buffer = Ref<Buffer>(b);
  offset = at;
  return this;
}
Matrix* Matrix::init_device(Device* d, MatrixDescriptor* descriptor) {
  describe_by(descriptor);
  bytes = std::max(bytes, (matrices ? matrices - 1 : 0) * matrix_bytes + rows * row_bytes);
  device = Ref<Device>(d);
  return this;
}
View Matrix::view(size_t index, size_t row, size_t column) {
  View v;
  v.row_bytes = row_bytes;
  v.type = type;
  if (row > rows || column > columns || index >= matrices || !data()) return v;
  v.data =
      buffer->memory + offset + index * matrix_bytes + row * row_bytes + column * size_of(type);
  v.rows = rows - row;
  v.columns = columns - column;
  return v;
}

Vector* Vector::init_buffer(Buffer* b, VectorDescriptor* d) { return init_buffer_at(b, 0, d); }
Vector* Vector::init_buffer_at(Buffer* b, unsigned long at, VectorDescriptor* d) {
  if (!b) refuse(600, "[MPSVector initWithBuffer:descriptor:] buffer may not be nil.");
  init_device(b->device.get(), d);
  bytes = d->needed_bytes();
  if (at > b->size || bytes > b->size - at) {
    refuse(610, "[MPSVector initWithBuffer:descriptor:] buffer is not large enough. Must be " +
                    std::to_string(bytes + at) + " bytes");
  }
  buffer = Ref<Buffer>(b);
  offset = at;
  return this;
}
Vector* Vector::init_device(Device* dev, VectorDescriptor* d) {
  if (!d) refuse(590, "[MPSVector initWithDevice:descriptor:] descriptor may not be nil.");
  if (d->vectors > 1 && d->vector_bytes < d->length * size_of(d->type)) {
    refuse(
        594,
        "[MPSVector initWithDevice:descriptor:] not enough vectorBytes for the vector's length.");
  }
  device = Ref<Device>(dev);
  length = d->length;
  vectors = d->vectors;
  vector_bytes = d->vector_bytes;
  type = d->type;
  bytes = d->vectors * d->vector_bytes;
  return this;
}
View Vector::view(size_t index, size_t from) {
  View v;
  v.row_bytes = vector_bytes;
  v.type = type;
  if (from > length || index >= vectors || !data()) return v;
  v.data = buffer->memory + offset + index * vector_bytes + from * size_of(type);
  v.rows = 1;
  v.columns = length - from;
  return v;
}

// Released with the command buffer, not with an autorelease pool.
id TemporaryMatrix::make_on(Class, id command_buffer, MatrixDescriptor* d) {
  CommandBuffer* target = command_buffer_of(command_buffer);
  auto m = make_ref<TemporaryMatrix>();
  m->init_device(target->device(), d);
  m->owner = target;
  target->kept.emplace_back(m.get());
  return m.get();
}
void TemporaryMatrix::prefetch(Class, id, Array*) {}
Matrix* TemporaryMatrix::refuse_buffer(Buffer*, MatrixDescriptor*) {
  refuse(700,
         "[MPSTemporaryMatrix initWithBuffer:descriptor:] is unavailable: use "
         "temporaryMatrixWithCommandBuffer:matrixDescriptor:");
}
void TemporaryMatrix::set_read_count(unsigned long n) { read_count = n; }

id TemporaryVector::make_on(Class, id command_buffer, VectorDescriptor* d) {
  CommandBuffer* target = command_buffer_of(command_buffer);
  auto v = make_ref<TemporaryVector>();
  v->init_device(target->device(), d);
  v->owner = target;
  target->kept.emplace_back(v.get());
  return v.get();
}
void TemporaryVector::prefetch(Class, id, Array*) {}
Vector* TemporaryVector::refuse_buffer(Buffer*, VectorDescriptor*) {
  refuse(720,
         "[MPSTemporaryVector initWithBuffer:descriptor:] is unavailable: use "
         "temporaryVectorWithCommandBuffer:descriptor:");
}
void TemporaryVector::set_read_count(unsigned long n) { read_count = n; }

CommandBuffer* command_buffer_of(id object) {
  if (MpsCommandBuffer* wrapper = as<MpsCommandBuffer>(object)) return wrapper->root.get();
  if (CommandBuffer* plain = as<CommandBuffer>(object)) return plain;
  failed_assertion("MPSKernel", object ? "commandBuffer is no MTLCommandBuffer"
                                       : "commandBuffer may not be nil.");
}

MpsCommandBuffer* MpsCommandBuffer::init_buffer(id command_buffer) {
  root = Ref<CommandBuffer>(command_buffer_of(command_buffer));
  return this;
}
id MpsCommandBuffer::from_queue(Class cls, Queue* queue) {
  return detail::Factory<&MpsCommandBuffer::init_buffer>::make(cls, queue->command_buffer());
}
void MpsCommandBuffer::commit_and_continue() {
  const Pool pool;
  root->commit();
  root = Ref<CommandBuffer>(root->queue->command_buffer());
}
void MpsCommandBuffer::prefetch_heap(unsigned long) {}
id MpsCommandBuffer::forward(SEL) { return root.get(); }

}  // namespace metal_sim
