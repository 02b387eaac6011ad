// One case an op: odd sizes, seeded numbers that are the same on every device. Operands that may
// have a gradient are made first, so that the backward kernels are held to their definitions too.
#include "self_test.h"

#include <cmath>
#include <functional>

#include "pewter/pewter.h"

namespace pewter::cli {
namespace {

using Inputs = std::vector<Tensor>;

struct SelfTest {
  const char* op;
  std::vector<Shape> inputs;
  std::function<Tensor(const Inputs&, Device)> run;
  bool backward = true;
};

Tensor ids_on(Device device) {
  return from_values(std::vector<int32_t>{3, 0, 39, 7}, {4}, {i32, device});
}

// A weight in blocks of 32 bytes a value: f16 scale 1/64, then small integers.
Tensor q8_weight(int64_t rows, int64_t columns, Device device) {
  std::vector<std::byte> bytes(static_cast<size_t>(byte_size(DType::q8_0, rows * columns)));
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t at = i % 34;
    bytes[i] = static_cast<std::byte>(at == 0 ? 0 : at == 1 ? 0x24 : i * 37 % 64);
  }
  return from_bytes(bytes, {rows, columns}, {DType::q8_0, device});
}

Tensor adamw_step(const Inputs& in, Device d) {
  const Tensor p = contiguous(scale(in[0], 1)), m = zeros({5, 33}, {f32, d});
  const Tensor v = zeros({5, 33}, {f32, d});
  const std::vector<float> numbers = {0.01f, 0.1f, 0.001f, 1};
  adamw_(p, in[1], m, v, from_values(numbers, {4}, {f32, d}), {.weight_decay = 0.1f});
  return p;
}

std::vector<SelfTest> element_tests() {
  return {
      {"add", {{5, 33}, {33}}, [](const Inputs& in, Device) { return add(in[0], in[1]); }},
      {"sub", {{5, 33}, {33}}, [](const Inputs& in, Device) { return sub(in[0], in[1]); }},
      {"mul", {{5, 33}, {5, 33}}, [](const Inputs& in, Device) { return mul(in[0], in[1]); }},
      {"scale", {{5, 33}}, [](const Inputs& in, Device) { return scale(in[0], 3); }},
      {"copy",
       {{33, 5}},
       [](const Inputs& in, Device) { return contiguous(in[0].transpose(0, 1)); }},
      {"silu_mul",
       {{5, 33}, {5, 33}},
       [](const Inputs& in, Device) { return silu_mul(in[0], in[1]); }},
      {"gelu", {{5, 33}}, [](const Inputs& in, Device) { return gelu(in[0]); }},
      {"random",
       {},
       [](const Inputs&, Device d) {
         return randn({5, 33}, {f32, d}, 9);
       },
       false},
  };
}

std::vector<SelfTest> row_tests() {
  return {
      {"sum", {{5, 33}}, [](const Inputs& in, Device) { return sum(in[0]); }},
      {"softmax", {{5, 33}}, [](const Inputs& in, Device) { return softmax(in[0]); }},
      {"rms_norm",
       {{5, 33}, {33}},
       [](const Inputs& in, Device) { return rms_norm(in[0], in[1]); }},
      {"layer_norm",
       {{5, 33}, {33}, {33}},
       [](const Inputs& in, Device) { return layer_norm(in[0], in[1], in[2]); }},
      {"rope",
       {{4, 3, 16}},
       [](const Inputs& in, Device d) {
         const RopeTables t = rope_tables(ids_on(d), full({8}, 0.3, {f32, d}));
         return rope(in[0], t.cos, t.sin);
       }},
      {"embedding",
       {{40, 9}},
       [](const Inputs& in, Device d) { return embedding(in[0], ids_on(d)); }},
      {"write_rows",
       {{1, 4, 9}},
       [](const Inputs& in, Device d) {
         const Tensor out = zeros({1, 8, 9}, {f32, d});
         write_rows_(out, in[0], full({1}, 3, {i32, d}));
         return out;
       },
       false},
      {"global_norm",
       {{5, 33}, {7}},
       [](const Inputs& in, Device) { return global_norm(in); },
       false},
      {"adamw", {{5, 33}, {5, 33}}, adamw_step, false},
  };
}

std::vector<SelfTest> product_tests() {
  return {
      {"matmul",
       {{37, 65}, {65, 41}},
       [](const Inputs& in, Device) { return matmul(in[0], in[1]); }},
      {"linear",
       {{37, 64}, {41, 64}},
       [](const Inputs& in, Device) { return linear(in[0], in[1]); }},
      {"linear q8_0",
       {{37, 64}},
       [](const Inputs& in, Device d) { return linear(in[0], q8_weight(41, 64, d)); }},
      {"linear q8_0 int16",
       {{37, 64}},
       [](const Inputs& in, Device d) {
         return linear(in[0], q8_weight(41, 64, d), {}, {Activations::int16});
       }},
      {"lora_linear",
       {{37, 64}, {4, 64}, {41, 4}},
       [](const Inputs& in, Device d) {
         const Tensor w = randn({41, 64}, {f32, d}, 7);
         return lora_linear(in[0], w, {}, in[1], in[2], {.scale = 2});
       }},
      {"attention",
       {{1, 70, 4, 24}, {1, 70, 2, 24}, {1, 70, 2, 24}},
       [](const Inputs& in, Device d) {
         const KeyRange keys = causal_range(1, 70, 0, d);
         return attention(in[0], in[1], in[2], keys.begin, keys.end);
       }},
      {"linear_cross_entropy",
       {{4, 9}, {40, 9}},
       [](const Inputs& in, Device d) {
         return linear_cross_entropy(in[0], in[1], ids_on(d), full({4}, 0.25, {f32, d}));
       }},
      {"target_log_probs",
       {{4, 9}, {40, 9}},
       [](const Inputs& in, Device d) { return target_log_probs(in[0], in[1], ids_on(d)); },
       false},
  };
}

// The result, and the gradient of every input.
std::vector<Tensor> results(const SelfTest& t, Device device) {
  Inputs in;
  uint64_t seed = 1;
  for (const Shape& shape : t.inputs) {
    in.push_back(randn(shape, {f32, device}, seed++));
    if (t.backward) in.back().set_requires_grad();
  }
  std::vector<Tensor> all = {t.run(in, device)};
  if (!t.backward) return all;
  backward(all[0], randn(all[0].shape(), {f32, device}, 99));
  for (const Tensor& input : in) all.push_back(input.grad());
  return all;
}

double relative_error(const Tensor& actual, const Tensor& expected) {
  const auto a = actual.to_vector<double>(), e = expected.to_vector<double>();
  double largest = 0, difference = 0;
  for (size_t i = 0; i < e.size(); ++i) {
    largest = std::max(largest, std::abs(e[i]));
    const double d = std::abs(a[i] - e[i]);
    difference = std::isnan(d) ? INFINITY : std::max(difference, d);
  }
  return difference == 0 ? 0 : difference / largest;
}

SelfTestOutcome test(const SelfTest& t, Device device) {
  SelfTestOutcome outcome{t.op, 0, t.backward, ""};
  try {
    const auto actual = results(t, device), expected = results(t, Device(DeviceKind::ref));
    for (size_t i = 0; i < expected.size(); ++i) {
      outcome.error = std::max(outcome.error, relative_error(actual[i], expected[i]));
    }
  } catch (const Error& e) {
    outcome.problem = e.what();
  }
  return outcome;
}

}  // namespace

// The cases sum at most 70 terms, forward and back: 2^-24 * 70 * 8 leaves room for cancellation in
// the randomly signed sums, and is above what 16-bit activations add (2^-16).
bool SelfTestOutcome::passed() const { return problem.empty() && error <= 70 * 8 * 0x1p-24; }

std::vector<SelfTestOutcome> run_self_tests(Device device) {
  std::vector<SelfTestOutcome> outcomes;
  for (const auto& tests : {element_tests(), row_tests(), product_tests()}) {
    for (const SelfTest& t : tests) outcomes.push_back(test(t, device));
  }
  return outcomes;
}

}  // namespace pewter::cli
