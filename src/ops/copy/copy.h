// Copies between strides and dtypes: y = x, each element rounded to nearest even in y's dtype. To
// an integer dtype: towards zero, what does not fit becomes the nearest number that does, NaN 0.
#pragma once

#include <limits>

#include "copy_args.h"

namespace pewter {

template <typename To>
To to_integer(double x) {
  using Limits = std::numeric_limits<To>;
  if (!(x > Limits::min())) return x < 0 ? Limits::min() : To{0};
  return x < Limits::max() ? static_cast<To>(x) : Limits::max();
}

namespace metal {
class Encoder;
// One dtype only, so far: floating types of any strides, others contiguous.
void copy(Encoder& e, const CopyArgs& args);
// Contiguous memory only, so far.
void fill(Encoder& e, const FillArgs& args);
}  // namespace metal
namespace cpu {
void copy(const CopyArgs& args);
void fill(const FillArgs& args);
}  // namespace cpu
namespace ref {
void copy(const CopyArgs& args);
void fill(const FillArgs& args);
}  // namespace ref
}  // namespace pewter
