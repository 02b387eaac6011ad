// A block-quantised operand is its values: what else is differentiated gets the bits that it gets
// from the same values in f32. linear_test.cpp has linear's.
#include "support/device_test.h"
#include "support/products.h"

namespace pewter::test {
namespace {

// The gradients of `inputs` through f(inputs, weight), for w in blocks and for its values.
void expect_gradients_of_values(
    const std::function<Tensor(const std::vector<Tensor>&, const Tensor&)>& f,
    const std::vector<Tensor>& inputs, const Shape& weight, Device device) {
  for (DType dtype : kQuantised) {
    SCOPED_TRACE(std::string(to_string(dtype)));
    const Tensor blocks = random_blocks(weight, dtype, device);
    std::vector<Tensor> all[2];
    for (int plain = 0; plain < 2; ++plain) {
      for (const Tensor& t : inputs) all[plain].push_back(t.detach().set_requires_grad());
      const Tensor y = f(all[plain], plain ? cast(blocks, f32) : blocks);
      backward(y, randn(y.shape(), {f32, device}, 5));
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      SCOPED_TRACE("input " + std::to_string(i));
      expect_same_bits(all[0][i].grad(), all[1][i].grad());
    }
  }
}

DEVICE_TEST(Matmul, QuantisedGradientIsThatOfItsValues) {
  for (int64_t rows : {1, 7, 40}) {
    expect_gradients_of_values(
        [](const auto& in, const Tensor& w) {
          return matmul(in[0], w, {.alpha = 0.5f, .beta = 2, .c = in[1], .transpose_b = true});
        },
        {randn({rows, 512}, {f32, device}, 1), randn({33}, {f32, device}, 2)}, {33, 512}, device);
  }
}

DEVICE_TEST(LoraLinear, QuantisedGradientIsThatOfItsValues) {
  for (float dropout : {0.0f, 0.25f}) {
    LoraOptions options{.scale = 2, .dropout = dropout};
    options.dropout_counter = zeros({16}, {DType::u8, device});
    expect_gradients_of_values(
        [&](const auto& in, const Tensor& w) {
          return lora_linear(in[0], w, {}, in[1], in[2], options);
        },
        {randn({21, 512}, {f32, device}, 1), randn({8, 512}, {f32, device}, 2),
         randn({70, 8}, {f32, device}, 3)},
        {70, 512}, device);
  }
}

DEVICE_TEST(LinearCrossEntropy, QuantisedGradientIsThatOfItsValues) {
  std::vector<int32_t> targets;
  for (int32_t i = 0; i < 21; ++i) targets.push_back(i * 7 % 50);
  expect_gradients_of_values(
      [&](const auto& in, const Tensor& w) {
        return linear_cross_entropy(in[0], w, from_values(targets, {21}, {i32, device}),
                                    full({21}, 0.25, {f32, device}));
      },
      {scale(randn({21, 256}, {f32, device}, 1), 0.01)}, {50, 256}, device);
}

}  // namespace
}  // namespace pewter::test
