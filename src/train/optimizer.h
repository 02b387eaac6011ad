// AdamW over what a model trains, clipping and LoRA+ included. Moments are f32 whatever the
// parameters are in. The order of parameters is the model's, so sums and results are repeatable.
#pragma once

#include <string>
#include <vector>

#include "pewter/ops.h"
#include "pewter/train.h"

namespace pewter {

struct Parameter {
  std::string name;
  Tensor value, m, v;
  bool fast = false;   // LoRA+: learning rate times the ratio
  bool decays = true;  // norms and biases do not
};

class Optimizer {
 public:
  // Throws ErrorCode::argument if the model trains nothing.
  Optimizer(const Model& model, const TrainOptions& options);

  // Norm of the gradient as backward() left it.
  double gradient_norm() const;
  // Step `t` (from 1), the gradient clipped to options.clip by its norm (torch's clip_grad_norm_).
  void step(int64_t t, double learning_rate, double gradient_norm);
  void clear_gradients();

  std::vector<Parameter>& parameters() { return parameters_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }

 private:
  Tensor step_numbers(int64_t t, double learning_rate, double factor) const;

  TrainOptions options_;
  std::vector<Parameter> parameters_;
};

}  // namespace pewter
