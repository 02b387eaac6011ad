// Whether and what to record. Recording lives below the ops so that each op writes its own backward
// beside its forward; walking the tape is autograd's.
#include "pewter/tensor.h"

namespace pewter {
namespace {
thread_local bool grad_on = true;
}

bool grad_enabled() { return grad_on; }
NoGrad::NoGrad() : before_(grad_on) { grad_on = false; }
NoGrad::~NoGrad() { grad_on = before_; }

bool wants_grad(std::initializer_list<Tensor> inputs) {
  if (!grad_on) return false;
  for (const Tensor& t : inputs) {
    if (t.requires_grad()) return true;
  }
  return false;
}

void record(const Tensor& output, const char* op, std::vector<Tensor> inputs,
            std::function<std::vector<Tensor>(const Tensor& grad)> backward) {
  if (!grad_on) return;
  for (const Tensor& t : inputs) {
    if (!t.requires_grad()) continue;
    output.set_grad_node(
        std::make_shared<GradNode>(GradNode{op, std::move(inputs), std::move(backward)}));
    return;
  }
}

}  // namespace pewter
