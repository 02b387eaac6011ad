// Copies and fills with what Metal and MPS have by themselves: blits, and MPSMatrixCopy for
// floating types of any strides. Both move bits; a conversion needs a kernel.
#include <algorithm>
#include <vector>

#include "copy.h"
#include "device/metal/mps_objects.h"
#include "ops/kernels.h"
#include "ops/strided.h"

namespace pewter::metal {
namespace {

using Space = Strided<2>;  // x, y
using apple::objc::UInt;

// How a plane of two dimensions lies in memory: row-major, column-major, or one element a row.
struct Plane {
  int64_t rows, columns, x_row, y_row;
  bool x_transposed, y_transposed;
};

bool rows_fit(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride) {
  return column_stride == 1 && (row_stride >= columns || rows == 1);
}

// The last two dimensions as one plane, if each side has one of them contiguous.
bool plane_of(const Space& at, Plane& p) {
  if (at.rank < 2) return false;
  const int r = at.rank - 2, c = at.rank - 1;
  p = {at.sizes[r], at.sizes[c], 0, 0, false, false};
  const auto side = [&](int which, int64_t& row, bool& transposed) {
    const int64_t rs = at.strides[which][r], cs = at.strides[which][c];
    transposed = !rows_fit(p.rows, p.columns, rs, cs);
    row = transposed ? cs : rs;
    return !transposed || rows_fit(p.columns, p.rows, cs, rs);
  };
  return side(0, p.x_row, p.x_transposed) && side(1, p.y_row, p.y_transposed);
}

apple::mps::Matrix side_matrix(Encoder& e, const Place& place, DType dtype, const Plane& p,
                               int64_t row, bool transposed) {
  if (transposed) return mps_matrix(e, place, dtype, {p.columns, p.rows, row});
  return mps_matrix(e, place, dtype, {p.rows, p.columns, row});
}

// One call for every plane of the outer dimensions.
void copy_planes(Encoder& e, const CopyArgs& a, const Space& at, int outer, const Plane& p) {
  static constexpr char kCopies = 0;
  const auto n = [](int64_t value) { return static_cast<UInt>(value); };
  const ObjectKey key{&kCopies, {n(p.rows), n(p.columns), p.x_transposed, p.y_transposed}};
  const auto& kernel = e.cached<apple::mps::MatrixCopy>(key, [&] {
    return apple::mps::MatrixCopy(e.device(), n(p.rows), n(p.columns), p.x_transposed,
                                  p.y_transposed);
  });
  int64_t planes = 1;
  for (int d = 0; d < outer; ++d) planes *= at.sizes[d];
  const apple::mps::MatrixCopyDescriptor all(e.device(), n(planes));
  Walk<2> walk(at, outer, 0);
  for (int64_t i = 0; i < planes; ++i, walk.next()) {
    const Place x = e.reads(plus(a.x, walk[0], a.from)), y = e.writes(plus(a.y, walk[1], a.to));
    all.set_copy_operation_at_index(n(i), side_matrix(e, x, a.from, p, p.x_row, p.x_transposed),
                                    side_matrix(e, y, a.to, p, p.y_row, p.y_transposed), {});
  }
  kernel.encode(e.commands(), all);
  e.weighs(2 * at.numel() * info(a.from).block_bytes);
}

void copy_floats(Encoder& e, const CopyArgs& a, Space at) {
  Plane p;
  if (plane_of(at, p)) return copy_planes(e, a, at, at.rank - 2, p);
  // Element by element along the last dimension: matrices of one column. A step of zero (an
  // expanded operand) is no distance between rows, so there each element is a plane.
  const int last = at.rank - 1;
  const int64_t x = at.row_stride(0), y = at.row_stride(1);
  if (x > 0 && y > 0) return copy_planes(e, a, at, last, {at.row_size(), 1, x, y, false, false});
  copy_planes(e, a, at, at.rank, {1, 1, 1, 1, false, false});
}

}  // namespace

void copy(Encoder& e, const CopyArgs& a) {
  if (a.from != a.to) {
    throw_error(ErrorCode::device, "[copy] {} to {} has no kernel on {}", to_string(a.from),
                to_string(a.to), this_device().name());
  }
  Space at;
  for (int d = 0; d < a.rank; ++d) at.push(a.sizes[d], {a.x_strides[d], a.y_strides[d]});
  if (at.rank == 0 || (at.rank == 1 && at.strides[0][0] == 1 && at.strides[1][0] == 1)) {
    return e.copy(a.y, a.x, at.numel() * info(a.from).block_bytes);
  }
  if (!is_mps_type(a.from) || !e.has_mps()) {
    throw_error(ErrorCode::device, "[copy] {} with strides has no kernel on {}", to_string(a.from),
                this_device().name());
  }
  copy_floats(e, a, at);
}

void fill(Encoder& e, const FillArgs& a) {
  Strided<1> at;
  for (int d = 0; d < a.rank; ++d) at.push(a.sizes[d], {a.strides[d]});
  if (at.numel() == 0) return;
  if (at.rank > 1 || at.row_stride(0) != 1) {
    throw_error(ErrorCode::device, "[fill] with strides has no kernel on {}", this_device().name());
  }
  // The pattern as the CPU makes it, then copies of it.
  const int64_t size = info(a.dtype).block_bytes, count = std::min<int64_t>(at.numel(), 1 << 14);
  std::vector<std::byte> pattern(static_cast<size_t>(count * size));
  FillArgs some{pattern.data(), a.dtype, a.value, 1, {count}, {1}};
  cpu::fill(some);
  const bool bytes_alike = std::equal(pattern.begin() + 1, pattern.end(), pattern.begin());
  if (bytes_alike) return e.fill(a.y, at.numel() * size, static_cast<uint8_t>(pattern[0]));
  e.repeat(a.y, at.numel() * size, pattern.data(), count * size);
}

}  // namespace pewter::metal
