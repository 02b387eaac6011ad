// Walks the tape from an output to the leaves, each node once, after every node that uses it. The
// tape is the graph of GradNodes that the ops left on their results; walking frees it, so the
// activations a node held go as soon as its gradient is known.
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "pewter/ops.h"

namespace pewter {
namespace {

void check_not_walked(const Tensor& t) {
  if (t.grad_node()->backward) return;
  throw_error(ErrorCode::argument,
              "[backward] the tape of a {} of shape {} was walked already, by "
              "another call; compute it again",
              t.grad_node()->op, t.shape().to_string());
}

// Producers before consumers; iterative, because a deep model makes a deep graph.
std::vector<Tensor> in_order(const Tensor& output) {
  std::vector<Tensor> order;
  std::unordered_set<const GradNode*> seen;
  std::vector<std::pair<Tensor, size_t>> stack;
  const auto visit = [&](const Tensor& t) {
    if (t.defined() && t.grad_node() && seen.insert(t.grad_node().get()).second) {
      check_not_walked(t);
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
    throw_error(ErrorCode::argument,
                "[backward] the output was not computed from anything that "
                "requires a gradient");
  }
  if (!seed.defined() && output.numel() != 1) {
    throw_error(ErrorCode::shape, "[backward] output {} is not a scalar; give its gradient",
                output.shape().to_string());
  }
  NoGrad off;
  std::vector<Tensor> order = in_order(output);
  Gradients gradients;
  gradients.add(output,
                seed.defined() ? seed : full(output.shape(), 1, {output.dtype(), output.device()}));
  for (; !order.empty(); order.pop_back()) {
    const Tensor& tensor = order.back();
    const Tensor gradient = gradients.take(tensor);
    GradNode& node = *tensor.grad_node();  // stays, empty, so that a second walk is told
    const auto inputs = std::exchange(node.inputs, {});
    const auto gradient_of_inputs = std::exchange(node.backward, nullptr);
    if (!gradient.defined()) continue;
    // A transpose hands back a transposed gradient, which a reshape before it could not view.
    const std::vector<Tensor> of_inputs = gradient_of_inputs(contiguous(gradient));
    for (size_t i = 0; i < of_inputs.size(); ++i) {
      if (of_inputs[i].defined() && inputs[i].defined()) gradients.add(inputs[i], of_inputs[i]);
    }
  }
}

}  // namespace pewter
