// Copies between strides and dtypes: y = x, each element rounded to nearest even in y's dtype.
#pragma once

#include "copy_args.h"

namespace pewter {
namespace cpu {
void copy(const CopyArgs& args);
void fill(const FillArgs& args);
}  // namespace cpu
namespace ref {
void copy(const CopyArgs& args);
void fill(const FillArgs& args);
}  // namespace ref
}  // namespace pewter
