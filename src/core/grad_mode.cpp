// Whether and what to record. Recording lives below the ops so that each op writes its own backward
// beside its forward; walking the tape is autograd's.
#include <new>

#include "pewter/tensor.h"

namespace pewter {
namespace {
thread_local bool grad_on = true;

// What a node held, to be let go of.
struct Remains {
  std::vector<Tensor> inputs;
  GradNode::Backward backward;
};
thread_local std::vector<Remains>* remains = nullptr;  // of the destructor that is at work
}  // namespace

// The last handle to an input runs the destructor of its node, and so on down the graph. Only the
// first of them works; those below it hand over what they hold and return.
GradNode::~GradNode() {
  Remains own{std::move(inputs), std::move(backward)};
  if (remains) {
    try {
      remains->push_back(std::move(own));
    } catch (const std::bad_alloc&) {  // `own` goes here, a level deeper
    }
    return;
  }
  std::vector<Remains> list;
  remains = &list;
  for (own = {}; !list.empty();) {
    const Remains next = std::move(list.back());
    list.pop_back();
  }
  remains = nullptr;
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
    output.set_grad_node(std::make_shared<GradNode>(op, std::move(inputs), std::move(backward)));
    return;
  }
}

}  // namespace pewter
