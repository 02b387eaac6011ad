// N operands walked together over one index space, each with its own strides (in elements; 0 where
// an operand is broadcast). Sizes of 1 are dropped and dimensions that every operand holds one
// behind the other are merged, so that most walks are a few long rows.
#pragma once

#include "pewter/tensor.h"

namespace pewter {

template <int N>
struct Strided {
  int32_t rank = 0;
  int64_t sizes[kMaxRank] = {};
  int64_t strides[N][kMaxRank] = {};

  // Adds a dimension inside those added before.
  void push(int64_t size, const int64_t (&stride)[N]) {
    if (size == 1) return;
    if (rank > 0 && joins(size, stride)) {
      sizes[rank - 1] *= size;
      for (int n = 0; n < N; ++n) strides[n][rank - 1] = stride[n];
      return;
    }
    sizes[rank] = size;
    for (int n = 0; n < N; ++n) strides[n][rank] = stride[n];
    ++rank;
  }
  // Adds an innermost dimension of size 1 and unit strides, for kernels that work on runs.
  void push_unit() {
    sizes[rank] = 1;
    for (int n = 0; n < N; ++n) strides[n][rank] = 1;
    ++rank;
  }
  int64_t numel() const { return product(rank); }
  // All dimensions but the innermost, counted as one; the innermost's size.
  int64_t rows() const { return product(rank - 1); }
  int64_t row_size() const { return rank > 0 ? sizes[rank - 1] : 1; }
  int64_t row_stride(int n) const { return rank > 0 ? strides[n][rank - 1] : 1; }

 private:
  bool joins(int64_t size, const int64_t (&stride)[N]) const {
    for (int n = 0; n < N; ++n) {
      if (strides[n][rank - 1] != size * stride[n]) return false;
    }
    return true;
  }
  int64_t product(int dims) const {
    int64_t n = 1;
    for (int d = 0; d < dims; ++d) n *= sizes[d];
    return n;
  }
};

// Walks the first `dims` dimensions of a Strided from position `start`, keeping each operand's
// offset.
template <int N>
class Walk {
 public:
  Walk(const Strided<N>& space, int dims, int64_t start) : space_(space), dims_(dims) {
    for (int d = dims - 1; d >= 0; --d) {
      index_[d] = start % space.sizes[d];
      start /= space.sizes[d];
      for (int n = 0; n < N; ++n) offsets_[n] += index_[d] * space.strides[n][d];
    }
  }
  int64_t operator[](int n) const { return offsets_[n]; }
  const int64_t (&offsets() const)[N] { return offsets_; }
  void next() {
    for (int d = dims_ - 1; d >= 0; --d) {
      for (int n = 0; n < N; ++n) offsets_[n] += space_.strides[n][d];
      if (++index_[d] < space_.sizes[d]) return;
      for (int n = 0; n < N; ++n) offsets_[n] -= space_.strides[n][d] * space_.sizes[d];
      index_[d] = 0;
    }
  }

 private:
  const Strided<N>& space_;
  int dims_;
  int64_t index_[kMaxRank] = {};
  int64_t offsets_[N] = {};
};

}  // namespace pewter
