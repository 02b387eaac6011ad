// MPS's matrices and vectors over device memory, with their descriptors kept.
#pragma once

#include <cstring>

#include "encoder.h"

namespace pewter::metal {

// f32 and f16 are the floating types that MPS's matrix kernels take.
inline bool is_mps_type(DType dtype) { return dtype == DType::f32 || dtype == DType::f16; }
inline apple::mps::DataType mps_type(DType dtype) {
  return dtype == DType::f32 ? apple::mps::DataType::float32 : apple::mps::DataType::float16;
}

// Sizes and strides in elements.
struct MatrixView {
  int64_t rows, columns, row_stride;
  int64_t count = 1, stride = 0;
};
apple::mps::Matrix mps_matrix(Encoder& encoder, const Place& place, DType dtype,
                              const MatrixView& view);
apple::mps::Vector mps_vector(Encoder& encoder, const Place& place, DType dtype, int64_t length,
                              int64_t count = 1, int64_t stride = 0);
// Whether MPS can hold these matrices as one batch: each begins a whole number of rows after the
// one before, and behind its end.
bool is_mps_batch(const MatrixView& view);

// Throws ErrorCode::device where MPS has no kernels for the GPU.
void require_mps(const Encoder& encoder, const char* op);

// The address of the element so many further on.
inline void* plus(const void* address, int64_t elements, DType dtype) {
  return static_cast<char*>(const_cast<void*>(address)) + elements * info(dtype).block_bytes;
}

inline uint64_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

}  // namespace pewter::metal
