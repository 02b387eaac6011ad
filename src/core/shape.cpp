// Shapes are small fixed arrays: no allocation when a view is made.
#include <algorithm>

#include "pewter/tensor.h"

namespace pewter {

Shape::Shape(std::span<const int64_t> sizes) {
  if (sizes.size() > kMaxRank) {
    throw_error(ErrorCode::shape, "[shape] rank {} exceeds {}", sizes.size(), kMaxRank);
  }
  for (int64_t size : sizes) sizes_[rank_++] = size;
}

int64_t Shape::numel() const {
  int64_t n = 1;
  for (int64_t size : *this) {
    if (__builtin_mul_overflow(n, size, &n)) {
      throw_error(ErrorCode::shape, "[shape] {} has more than 2^63 elements", to_string());
    }
  }
  return n;
}

std::string Shape::to_string() const {
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) text += (i ? ", " : "") + std::to_string(sizes_[i]);
  return text + "]";
}

Shape contiguous_strides(const Shape& shape) {
  Shape strides = shape;
  uint64_t stride = 1;  // wraps only where another size is 0, and then no stride is ever used
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = static_cast<int64_t>(stride);
    stride *= static_cast<uint64_t>(std::max<int64_t>(shape[i], 1));
  }
  return strides;
}

}  // namespace pewter
