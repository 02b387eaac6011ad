#include "train/optimizer.h"

#include <cmath>

namespace pewter {

Optimizer::Optimizer(const Model& model, const TrainOptions& options) : options_(options) {
  for (auto& [name, value] : model.trainable()) {
    const TensorOptions moments{f32, value.device()};
    parameters_.push_back(
        {name, value, zeros(value.shape(), moments), zeros(value.shape(), moments),
         options.loraplus > 0 && name.ends_with(".lora_B.weight"), value.rank() > 1});
  }
  if (parameters_.empty()) {
    throw_error(ErrorCode::argument,
                "[train] the model trains nothing; call add_lora() or make_trainable() first");
  }
  clear_gradients();
}

double Optimizer::gradient_norm() const {
  std::vector<Tensor> gradients;
  for (const Parameter& p : parameters_) {
    if (p.value.grad().defined()) gradients.push_back(p.value.grad());
  }
  return gradients.empty() ? 0 : double{global_norm(gradients).item<float>()};
}

Tensor Optimizer::step_numbers(int64_t t, double learning_rate, double factor) const {
  // Of the f32 betas, which the kernel uses: 1 - 0.999f is 1.3e-5 less than 1 - 0.999, and where
  // only one of the two were so, every step would be off by half of that.
  const auto correction = [&](double beta) {
    return static_cast<float>(1 - std::pow(static_cast<float>(beta), static_cast<double>(t)));
  };
  const std::vector<float> numbers = {static_cast<float>(learning_rate), correction(options_.beta1),
                                      correction(options_.beta2), static_cast<float>(factor)};
  return from_values(numbers, {4}, {f32, parameters_.front().value.device()});
}

void Optimizer::step(int64_t t, double learning_rate, double gradient_norm) {
  // 1e-6 as in torch: the factor stays finite for a gradient of zero.
  const double factor =
      options_.clip > 0 ? std::min(1.0, options_.clip / (gradient_norm + 1e-6)) : 1.0;
  const Tensor usual = step_numbers(t, learning_rate, factor);
  const Tensor fast =
      options_.loraplus > 0 ? step_numbers(t, learning_rate * options_.loraplus, factor) : usual;
  NoGrad off;
  AdamwOptions adamw{static_cast<float>(options_.beta1), static_cast<float>(options_.beta2),
                     static_cast<float>(options_.eps), 0};
  for (Parameter& p : parameters_) {
    if (!p.value.grad().defined()) continue;
    adamw.weight_decay = p.decays ? static_cast<float>(options_.weight_decay) : 0;
    adamw_(p.value, p.value.grad(), p.m, p.v, p.fast ? fast : usual, adamw);
  }
}

void Optimizer::clear_gradients() {
  for (Parameter& p : parameters_) p.value.set_grad({});
}

}  // namespace pewter
