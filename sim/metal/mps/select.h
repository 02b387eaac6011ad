// MPSMatrixFindTopK, MPSMatrixCopy and MPSMatrixRandom (Philox and MTGP32).
#pragma once

#include "sim/metal/mps/kernel.h"

namespace metal_sim {

struct FindTopK : UnaryKernel {
  SIM_CLASS(FindTopK, MPSMatrixFindTopK)
  unsigned long source_rows = kAll, source_columns = kAll, index_offset = 0, k = 1;
  FindTopK* init_k(Device* d, unsigned long k);
  void encode(id command_buffer, Matrix* input, Matrix* indices, Matrix* values);
};

struct CopyOffsets {
  uint32_t source_row, source_column, destination_row, destination_column;
};

struct CopyDescriptor : Object {
  SIM_CLASS(CopyDescriptor, MPSMatrixCopyDescriptor)
  struct Item {
    Ref<Matrix> from, to;
    CopyOffsets offsets;
  };
  std::vector<Item> items;
  Ref<Vector> offset_vector;
  unsigned long offset_bytes = 0;

  CopyDescriptor* init_one(Matrix* from, Matrix* to, CopyOffsets offsets);
  CopyDescriptor* init_count(Device* device, unsigned long count);
  CopyDescriptor* init_many(Array* from, Array* to, Vector* offsets, unsigned long offset);
  void set(unsigned long index, Matrix* from, Matrix* to, CopyOffsets offsets);
};

struct MatrixCopy : MpsKernel {
  SIM_CLASS(MatrixCopy, MPSMatrixCopy)
  unsigned long rows = 0, columns = 0;
  bool sources_transposed = false, destinations_transposed = false;
  MatrixCopy* init_full(Device* d, unsigned long rows, unsigned long columns, bool sources,
                        bool destinations);
  void encode(id command_buffer, CopyDescriptor* descriptor);
  void encode_permuted(id command_buffer, CopyDescriptor* descriptor, Vector* row_indices,
                       unsigned long row_offset, Vector* column_indices,
                       unsigned long column_offset);
};

struct Distribution : Object {
  SIM_CLASS(Distribution, MPSMatrixRandomDistributionDescriptor)
  unsigned long type = 1;  // default (bits) 1, uniform 2, normal 3
  float minimum = 0, maximum = 1, mean = 0, deviation = 1;
  Distribution* init_default();
  Distribution* init_uniform(float low, float high);
  Distribution* init_normal(float mean, float deviation);
  Distribution* init_normal_bounded(float mean, float deviation, float low, float high);
  id copy_with_zone(void* zone);
};

// Both generators give Philox 4x32-10's numbers: MTGP32's tables are not public, and what a program
// may rely on is only that a seed repeats.
struct Random : MpsKernel {
  SIM_CLASS(Random, MPSMatrixRandom)
  DataType type = DataType::uint32;
  uint64_t seed = 0, drawn = 0;  // drawn: blocks of four, over all encodes
  uint64_t stream = 0;           // one a generator
  unsigned long distribution = 1;
  float minimum = 0, maximum = 1, mean = 0, deviation = 1;
  unsigned long batch_start = 0, batch_size = kAll;

  Random* init_seed(Device* d, DataType type, unsigned long seed);
  Random* init_full(Device* d, DataType type, unsigned long seed, Distribution* distribution);
  void encode_vector(id command_buffer, Vector* destination);
  void encode_matrix(id command_buffer, Matrix* destination);
  void synchronize(id command_buffer);

 private:
  void fill(CommandBuffer* to, const View& v, size_t rows, size_t columns);
};
struct Philox : Random {
  SIM_CLASS(Philox, MPSMatrixRandomPhilox)
};
struct Mtgp : Random {
  SIM_CLASS(Mtgp, MPSMatrixRandomMTGP32)
  Mtgp() { stream = 1; }
};

}  // namespace metal_sim
