#include "linear_cross_entropy.h"

#include "ops/kernels.h"

namespace pewter {
namespace {

constexpr Kernels<LinearCrossEntropyArgs> kKernels{
    "linear_cross_entropy", cpu::linear_cross_entropy, ref::linear_cross_entropy};

void check(const char* op, const Tensor& x, const Tensor& w, const Tensor& targets,
           const Tensor& row_weights) {
  check_floating(op, "x", x);
  check_defined(op, "weight", w);
  check_defined(op, "targets", targets);
  check_same_device(op, {x, w, targets, row_weights});
  if (!is_quantised(w.dtype())) check_floating(op, "weight", w);
  if (x.rank() != 2 || w.rank() != 2 || x.size(1) != w.size(1) || w.size(0) == 0) {
    throw_error(ErrorCode::shape, "[{}] x is {}, weight is {}", op, x.shape().to_string(),
                w.shape().to_string());
  }
  check_shape(op, "targets", targets, {x.size(0)});
  if (targets.dtype() != i32) {
    throw_error(ErrorCode::dtype, "[{}] targets are {}; i32 is needed", op,
                to_string(targets.dtype()));
  }
  if (!row_weights.defined()) return;
  check_shape(op, "row_weights", row_weights, {x.size(0)});
  if (row_weights.dtype() != f32) {
    throw_error(ErrorCode::dtype, "[{}] row_weights are {}; f32 is needed", op,
                to_string(row_weights.dtype()));
  }
}

struct Results {
  Tensor loss, log_probs, dx, dw;
};

void compute(const Tensor& x, const Tensor& weight, const Tensor& targets,
             const Tensor& row_weights, const Results& out) {
  const Tensor x32 = cast(contiguous(x.detach()), f32), w = contiguous(weight.detach());
  const Tensor ids = contiguous(targets);
  const Tensor weights = row_weights.defined() ? contiguous(row_weights) : Tensor();
  const TensorOptions options{f32, x.device()};
  const int64_t rows = std::min(kLossRows, x.size(0));
  const Tensor logits = empty({rows, w.size(0)}, options);
  const Tensor block = empty({rows, x.size(1)}, options), grads = empty(block.shape(), options);
  run(kKernels, x.device(),
      {weight_args(w), floats(x32), static_cast<const int32_t*>(ids.data()), floats(weights),
       floats_out(out.loss), floats_out(out.log_probs), floats_out(out.dx), floats_out(out.dw),
       floats_out(logits), floats_out(block), floats_out(grads), x.size(0)});
}

}  // namespace

std::vector<int64_t> counted_rows(const LinearCrossEntropyArgs& a) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < a.t; ++i) {
    if (a.row_weights ? a.row_weights[i] == 0 : a.targets[i] < 0) continue;
    if (a.targets[i] < 0 || a.targets[i] >= a.w.n) {
      throw_error(ErrorCode::argument, "[{}] target {} of row {} is outside a vocabulary of {}",
                  a.row_weights ? "linear_cross_entropy" : "target_log_probs", a.targets[i], i,
                  a.w.n);
    }
    rows.push_back(i);
  }
  return rows;
}

Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& targets,
                            const Tensor& row_weights) {
  check("linear_cross_entropy", x, weight, targets, row_weights);
  check_defined("linear_cross_entropy", "row_weights", row_weights);
  Results out;
  out.loss = zeros({1}, {f32, x.device()});
  if (wants_grad({x})) out.dx = zeros(x.shape(), {f32, x.device()});
  if (wants_grad({weight})) out.dw = zeros(weight.shape(), {f32, x.device()});
  compute(x, weight, targets, row_weights, out);
  record(out.loss, "linear_cross_entropy", {x, weight},
         [dx = out.dx, dw = out.dw, x_type = x.dtype(), w_type = weight.dtype()](const Tensor& g) {
           const auto scaled = [&](const Tensor& t, DType dtype) {
             return t.defined() ? cast(mul(t, g), dtype) : Tensor();
           };
           return std::vector{scaled(dx, x_type), scaled(dw, w_type)};
         });
  return out.loss;
}

Tensor target_log_probs(const Tensor& x, const Tensor& weight, const Tensor& targets) {
  check("target_log_probs", x, weight, targets, {});
  Results out;
  out.log_probs = zeros({x.size(0)}, {f32, x.device()});
  compute(x, weight, targets, {}, out);
  return out.log_probs;
}

}  // namespace pewter
