// sum(x), and the sums over broadcast dimensions that backward passes need. An element of the
// result is summed in f32 in blocks of at most 1024 terms, the blocks in double, in an order that
// depends on shapes and strides alone: |error| <= (1024 + 2) * 2^-24 * sum |terms|, then one
// rounding.
#pragma once

#include "pewter/tensor.h"
#include "sum_args.h"

namespace pewter {

// x summed to `shape`, which broadcasts to x's shape; x itself when the shapes are equal.
Tensor sum_to(const Tensor& x, const Shape& shape);
// The same of a * b, b broadcasting to a's shape; products are not rounded to the dtype.
Tensor product_sum_to(const Tensor& a, const Tensor& b, const Shape& shape);

namespace cpu {
void sum(const SumArgs& args);
}
namespace ref {
void sum(const SumArgs& args);
}
}  // namespace pewter
