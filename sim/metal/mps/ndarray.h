// MPSNDArray with its descriptor, views and matrix product. Dimension 0 is the fastest; a shape (an
// NSArray) lists the slowest first. A view is the same memory with other lengths and strides.
#pragma once

#include "sim/metal/mps/kernel.h"

namespace metal_sim {

struct DimensionSlice {
  unsigned long start, length;
};

struct NDDescriptor : Object {
  SIM_CLASS(NDDescriptor, MPSNDArrayDescriptor)
  struct Dimension {
    unsigned long source, start, length;  // which dimension of the array, which part of it
  };
  DataType type = DataType::invalid;
  std::vector<Dimension> dimensions;
  bool packed = false;

  NDDescriptor* init_sizes(DataType type, unsigned long count, const unsigned long* sizes);
  NDDescriptor* init_shape(DataType type, Array* shape);
  void reshape_sizes(unsigned long count, const unsigned long* sizes);
  void reshape_shape(Array* shape);
  unsigned long length(unsigned long d) const;
  DimensionSlice slice_range(unsigned long d) const;
  void slice(unsigned long d, DimensionSlice part);
  void transpose(unsigned long a, unsigned long b);
  void permute(const unsigned long* order);
  Array* shape() const;
  unsigned long count() const;
  void set_count(unsigned long n);
  id copy_with_zone(void* zone);
};

struct NDArray : Object {
  SIM_CLASS(NDArray, MPSNDArray)
  Ref<Device> device;
  Ref<Buffer> buffer;
  Ref<String> label;
  Ref<NDArray> parent_array;
  DataType type = DataType::invalid;
  size_t offset = 0;
  bool users = false;
  std::vector<size_t> lengths, strides;  // strides in bytes

  NDArray* init_device(Device* d, NDDescriptor* descriptor);
  NDArray* init_scalar(Device* d, double value);
  NDArray* init_buffer(Buffer* buffer, unsigned long offset, NDDescriptor* descriptor);
  unsigned long length(unsigned long d) const;
  NDDescriptor* descriptor() const;
  Buffer* user_buffer() const;
  unsigned long resource_size() const;
  unsigned long element_size() const;
  unsigned long count() const;
  NDArray* parent() const;
  NDArray* view(NDDescriptor* descriptor);
  NDArray* view_on(id command_buffer, NDDescriptor* descriptor, unsigned long aliasing);
  NDArray* view_sizes(unsigned long n, const unsigned long* sizes,
                      const unsigned long* element_strides);
  NDArray* view_shape(Array* shape, Array* element_strides);
  void export_data(id command_buffer, Buffer* to, DataType type, unsigned long offset,
                   const long* strides);
  void import_data(id command_buffer, Buffer* from, DataType type, unsigned long offset,
                   const long* strides);
  void read_bytes(void* to, const long* strides);
  void write_bytes(const void* from, const long* strides);
  void synchronize(id command_buffer);

  // The two fastest dimensions at a place of the slower ones; a dimension of length 1 repeats.
  View matrix(size_t third, size_t fourth) const;
  std::byte* at(const std::vector<size_t>& index) const;
  size_t bytes() const;  // from the first to the end of the last element

 private:
  void lay_out(NDDescriptor* descriptor);
};

struct TemporaryNDArray : NDArray {
  SIM_CLASS(TemporaryNDArray, MPSTemporaryNDArray)
  unsigned long read_count = 1;
  static id make_on(Class cls, id command_buffer, NDDescriptor* descriptor);
};

struct NDKernel : MpsKernel {
  SIM_CLASS(NDKernel, MPSNDArrayMultiaryKernel)
  unsigned long sources = 2;
  NDKernel* init_count(Device* d, unsigned long count);
};

struct NDProduct : NDKernel {
  SIM_CLASS(NDProduct, MPSNDArrayMatrixMultiplication)
  double alpha = 1, beta = 1;
  NDArray* encode(id command_buffer, Array* arrays);
  void encode_to(id command_buffer, Array* arrays, NDArray* destination);
  void encode_in(ComputeEncoder* encoder, id command_buffer, Array* arrays, NDArray* destination);

 private:
  void add(CommandBuffer* to, Array* arrays, NDArray* destination);
};

struct NDIdentity : NDKernel {
  SIM_CLASS(NDIdentity, MPSNDArrayIdentity)
  NDArray* reshape_shape(id command_buffer, NDArray* source, Array* shape, NDArray* destination);
  NDArray* reshape_sizes(id command_buffer, NDArray* source, unsigned long n,
                         const unsigned long* sizes, NDArray* destination);
};

void register_ndarrays();

}  // namespace metal_sim
