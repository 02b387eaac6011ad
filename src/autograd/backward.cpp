// Walks the tape from an output to the leaves, each node once, after every node that uses it. The
// tape is the graph of GradNodes that the ops left on their results; walking frees it, so the
// activations a node held go as soon as its gradient is known.
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "pewter/ops.h"

namespace pewter {
namespace {

// Producers before consumers; iterative, because a deep model makes a deep graph.
std::vector<Tensor> in_order(const Tensor& output) {
  std::vector<Tensor> order;
  std::unordered_set<const GradNode*> seen;
  std::vector<std::pair<Tensor, size_t>> stack;
  const auto visit = [&](const Tensor& t) {
    if (t.defined() && t.grad_node() && seen.insert(t.grad_node().get()).second) {
      stack.emplace_back(t, 0);
    }
  };
  visit(output);
  while (!stack.empty()) {
    auto& [tensor, next] = stack.back();
    const auto& inputs = tensor.grad_node()->inputs;
    if (next < inputs.size()) {
      visit(inputs[next++]);
    } else {
      order.push_back(tensor);
      stack.pop_back();
    }
  }
  return order;
}

class Gradients {
 public:
  // Sums in the order in which consumers are walked, which the graph fixes.
  void add(const Tensor& t, const Tensor& gradient) {
    if (!t.grad_node()) return add_to_leaf(t, gradient);
    Entry& entry = pending_[t.grad_node().get()];
    if (!entry.sum.defined()) {
      entry = {gradient, false};
    } else if (!entry.owned) {  // the first gradient may be shared with another input
      entry = {pewter::add(entry.sum, gradient), true};
    } else {
      add_(entry.sum, gradient);
    }
  }
  Tensor take(const Tensor& t) {
    auto node = pending_.extract(t.grad_node().get());
    return node.empty() ? Tensor() : node.mapped().sum;
  }

 private:
  struct Entry {
    Tensor sum;
    bool owned = false;
  };

  static void add_to_leaf(const Tensor& t, const Tensor& gradient) {
    if (!t.requires_grad()) return;
    if (t.grad().defined()) {
      add_(t.grad(), gradient);
    } else {
      Tensor own = empty(gradient.shape(), {t.dtype(), t.device()});
      copy_(own, gradient);
      t.set_grad(own);
    }
  }

  std::unordered_map<const GradNode*, Entry> pending_;
};

}  // namespace

void backward(const Tensor& output, const Tensor& seed) {
  if (!output.defined() || !output.grad_node()) {
    throw_error(ErrorCode::argument, "[backward] the output was not computed from anything that "
                                     "requires a gradient");
  }
  if (!seed.defined() && output.numel() != 1) {
    throw_error(ErrorCode::shape, "[backward] output {} is not a scalar; give its gradient",
                output.shape().to_string());
  }
  NoGrad off;
  Gradients gradients;
  gradients.add(output, seed.defined()
                            ? seed
                            : full(output.shape(), 1, {output.dtype(), output.device()}));
  std::vector<Tensor> order = in_order(output);
  for (; !order.empty(); order.pop_back()) {
    const Tensor& tensor = order.back();
    const Tensor gradient = gradients.take(tensor);
    const std::shared_ptr<GradNode> node = tensor.grad_node();
    tensor.set_grad_node(nullptr);
    if (!gradient.defined()) continue;
    // A transpose hands back a transposed gradient, which a reshape before it could not view.
    const std::vector<Tensor> of_inputs = node->backward(contiguous(gradient));
    for (size_t i = 0; i < of_inputs.size(); ++i) {
      if (of_inputs[i].defined() && node->inputs[i].defined()) {
        gradients.add(node->inputs[i], of_inputs[i]);
      }
    }
  }
}

}  // namespace pewter
