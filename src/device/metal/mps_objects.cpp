#include "mps_objects.h"

namespace pewter::metal {
namespace {

uint64_t number(int64_t n) { return static_cast<uint64_t>(n); }

// A matrix of one row has no distance between rows; the batch's serves, which must be whole rows.
int64_t row_elements(const MatrixView& v) {
  if (v.rows > 1) return v.row_stride;
  return v.count > 1 ? v.stride : v.columns;
}

}  // namespace

bool is_mps_batch(const MatrixView& v) {
  if (v.count == 1) return true;
  const int64_t row = row_elements(v);
  return row >= v.columns && v.stride >= v.rows * row && v.stride % row == 0;
}

apple::mps::Matrix mps_matrix(Encoder& encoder, const Place& place, DType dtype,
                              const MatrixView& v) {
  static constexpr char kDescriptors = 0;
  const int64_t size = info(dtype).block_bytes, row_bytes = row_elements(v) * size;
  const int64_t matrix_bytes = v.count > 1 ? v.stride * size : v.rows * row_bytes;
  const ObjectKey key{&kDescriptors,
                      {number(v.rows), number(v.columns), number(v.count), number(row_bytes),
                       number(matrix_bytes), number(static_cast<int64_t>(dtype))}};
  const auto& descriptor = encoder.cached<apple::mps::MatrixDescriptor>(key, [&] {
    return apple::mps::MatrixDescriptor(number(v.rows), number(v.columns), number(v.count),
                                        number(row_bytes), number(matrix_bytes), mps_type(dtype));
  });
  return apple::mps::Matrix(place.buffer, place.offset, descriptor);
}

apple::mps::Vector mps_vector(Encoder& encoder, const Place& place, DType dtype, int64_t length,
                              int64_t count, int64_t stride) {
  static constexpr char kDescriptors = 1;
  const int64_t bytes = (count > 1 ? stride : length) * info(dtype).block_bytes;
  const ObjectKey key{
      &kDescriptors,
      {number(length), number(count), number(bytes), number(static_cast<int64_t>(dtype))}};
  const auto& descriptor = encoder.cached<apple::mps::VectorDescriptor>(key, [&] {
    return apple::mps::VectorDescriptor(number(length), number(count), number(bytes),
                                        mps_type(dtype));
  });
  return apple::mps::Vector(place.buffer, place.offset, descriptor);
}

void require_mps(const Encoder& e, const char* op) {
  if (e.has_mps()) return;
  throw_error(ErrorCode::device, "[{}] MPS has no kernels for this GPU, {}", op,
              e.device().name().str());
}

}  // namespace pewter::metal
