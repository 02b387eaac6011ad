// What a Tensor handle points to. Gradient state sits beside shape and memory so that a handle is
// one pointer and views are cheap.
#pragma once

#include "pewter/tensor.h"

namespace pewter {

struct TensorImpl {
  std::shared_ptr<Storage> storage;
  Shape shape, strides;
  DType dtype;
  int64_t offset_bytes = 0;
  bool requires_grad = false;
  std::shared_ptr<GradNode> node;
  Tensor grad;
};

}  // namespace pewter
