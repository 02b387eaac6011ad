// Gradients of 16-bit operands. Finite differences cannot see them through the rounding of their
// results, so they are held to those of the reference in f32 at the same values, which finite
// differences have checked. Results that a backward keeps (softmax's, attention's) were rounded
// once, the gradient is once more: a few units of what is summed, which `size` bounds.
#include "support/device_test.h"
#include "support/gradcheck.h"
#include "support/products.h"

namespace pewter::test {
namespace {

double largest(const Tensor& t) {
  double most = 0;
  for (double v : t.to_vector<double>()) most = std::max(most, std::abs(v));
  return most;
}

// `f` at `inputs` rounded to `dtype`; those that require a gradient are looked at.
void expect_narrow(const Function& f, const std::vector<Tensor>& inputs, DType dtype, Device device,
                   double size) {
  std::vector<Tensor> narrow, wide;
  for (const Tensor& t : inputs) {
    narrow.push_back(cast(to_device(t.detach(), device), dtype));
    wide.push_back(unrounded_on_ref(narrow.back()));
    narrow.back().set_requires_grad(t.requires_grad());
    wide.back().set_requires_grad(t.requires_grad());
  }
  const Tensor y = f(narrow), reference = f(wide);
  const Tensor dy = cast(randn(y.shape(), {f32, device}, 77), y.dtype());
  backward(y, dy);
  backward(reference, unrounded_on_ref(dy));
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].requires_grad()) continue;
    SCOPED_TRACE("input " + std::to_string(i));
    ASSERT_TRUE(narrow[i].grad().defined());
    EXPECT_EQ(narrow[i].grad().dtype(), dtype);
    const double summed = size * largest(dy) + largest(wide[i].grad());
    expect_close(narrow[i].grad(), wide[i].grad(), [&](size_t, double e) {
      return unit_roundoff(dtype) * (2 * summed + std::abs(e)) + smallest_normal(dtype);
    });
  }
}

// In f16 and in bf16; every input a leaf. `size` bounds what one element's gradient sums, for an
// output's gradient of 1.
void expect_both(const Function& f, std::vector<Tensor> inputs, Device device, double size) {
  for (Tensor& t : inputs) t.set_requires_grad();
  for (DType dtype : {f16, bf16}) expect_narrow(f, inputs, dtype, device, size);
}

Tensor random(const Shape& shape, uint64_t seed) { return randn(shape, {f32, "cpu"}, seed); }

DEVICE_TEST(Elementwise, NarrowGradientsMatchReference) {
  const std::vector<Tensor> in = {random({3, 1, 7}, 1), random({5, 7}, 2)};
  expect_both([](const auto& x) { return add(x[0], x[1]); }, in, device, 5);
  expect_both([](const auto& x) { return sub(x[0], x[1]); }, in, device, 5);
  expect_both([](const auto& x) { return mul(x[0], x[1]); }, in, device, 5 * 4);
  expect_both([](const auto& x) { return scale(x[0], 1.7); }, {in[0]}, device, 2);
}

DEVICE_TEST(Sum, NarrowGradientsMatchReference) {
  expect_both([](const auto& x) { return sum(x[0]); }, {random({3, 7}, 1)}, device, 1);
}

DEVICE_TEST(Copy, NarrowGradientsMatchReference) {
  expect_both([](const auto& x) { return contiguous(x[0].transpose(0, 1)).slice(0, 1, 3); },
              {random({4, 7}, 1)}, device, 1);
}

DEVICE_TEST(Softmax, NarrowGradientsMatchReference) {
  expect_both([](const auto& x) { return softmax(x[0]); }, {random({4, 37}, 1)}, device, 2);
}

DEVICE_TEST(RmsNorm, NarrowGradientsMatchReference) {
  expect_both([](const auto& x) { return rms_norm(x[0], x[1]); },
              {random({6, 40}, 1), random({40}, 2)}, device, 6 * 4);
}

DEVICE_TEST(LayerNorm, NarrowGradientsMatchReference) {
  expect_both([](const auto& x) { return layer_norm(x[0], x[1], x[2]); },
              {random({6, 40}, 1), random({40}, 2), random({40}, 3)}, device, 6 * 4);
}

DEVICE_TEST(SiluMul, NarrowGradientsMatchReference) {
  expect_both([](const auto& x) { return silu_mul(x[0], x[1]); },
              {random({5, 33}, 1), random({5, 33}, 2)}, device, 4);
}

DEVICE_TEST(Gelu, NarrowGradientsMatchReference) {
  for (bool tanh : {false, true}) {
    expect_both([tanh](const auto& x) { return gelu(x[0], tanh); }, {random({5, 33}, 1)}, device,
                2);
  }
}

DEVICE_TEST(Rope, NarrowGradientsMatchReference) {
  expect_both(
      [](const auto& x) {
        const Device d = x[0].device();
        const std::vector<int32_t> positions = {0, 1, 2, 3};
        const RopeTables t =
            rope_tables(from_values(positions, {2, 2}, {i32, d}), full({4}, 0.3, {f32, d}));
        return rope(x[0], t.cos, t.sin);
      },
      {random({2, 2, 3, 8}, 1)}, device, 2);
}

DEVICE_TEST(Embedding, NarrowGradientsMatchReference) {
  expect_both(
      [](const auto& x) {
        const std::vector<int32_t> ids = {3, 1, 3, 0};
        return embedding(x[0], from_values(ids, {4}, {i32, x[0].device()}));
      },
      {random({5, 9}, 1)}, device, 2);
}

DEVICE_TEST(Matmul, NarrowGradientsMatchReference) {
  expect_both(
      [](const auto& x) { return matmul(x[0], x[1], {.alpha = 0.5f, .beta = 2, .c = x[2]}); },
      {random({2, 5, 12}, 1), random({12, 9}, 2), random({9}, 3)}, device, 2 * 5 * 4);
}

DEVICE_TEST(Linear, NarrowGradientsMatchReference) {
  expect_both([](const auto& x) { return linear(x[0], x[1], x[2]); },
              {random({2, 5, 12}, 1), random({9, 12}, 2), random({9}, 3)}, device, 10 * 4);
}

DEVICE_TEST(LoraLinear, NarrowGradientsMatchReference) {
  const Tensor w = random({9, 12}, 2), a = random({4, 12}, 3), b = random({9, 4}, 4);
  expect_both(
      [&](const auto& x) {
        const Device d = x[0].device();
        return lora_linear(x[0], to_device(w, d), {}, to_device(a, d), to_device(b, d),
                           {.scale = 2});
      },
      {random({2, 5, 12}, 1)}, device, 9 * 4 * 10);
}

DEVICE_TEST(Attention, NarrowGradientsMatchReference) {
  expect_both(
      [](const auto& x) {
        const KeyRange range = causal_range(1, 7, 0, x[0].device());
        return attention(x[0], x[1], x[2], range.begin, range.end);
      },
      {random({1, 7, 4, 8}, 1), random({1, 7, 2, 8}, 2), random({1, 7, 2, 8}, 3)}, device,
      8 * 4 * 4);
}

DEVICE_TEST(LinearCrossEntropy, NarrowGradientsMatchReference) {
  expect_both(
      [](const auto& x) {
        const Device d = x[0].device();
        const std::vector<int32_t> targets = {1, 0, 4, 2, 2};
        return linear_cross_entropy(x[0], x[1], from_values(targets, {5}, {i32, d}),
                                    full({5}, 0.2, {f32, d}));
      },
      {random({5, 6}, 1), random({11, 6}, 2)}, device, 4);
}

}  // namespace
}  // namespace pewter::test
