// The one way to make a view: same memory, other shape and strides.
#pragma once

#include "pewter/tensor.h"

namespace pewter {

Tensor make_view(const Tensor& t, Shape shape, Shape strides, int64_t add_elements);
// `dim` counted from the front; throws ErrorCode::shape when it is out of range.
int checked_dim(int dim, int rank, const char* op);
void refuse_quantised(const Tensor& t, const char* op);

}  // namespace pewter
