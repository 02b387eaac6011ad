#include <cmath>

#include "support/device_test.h"
#include "support/gradcheck.h"
#include "support/products.h"

namespace pewter::test {
namespace {

struct Case {
  Tensor x, w, targets, weights;
  Tensor on(Device device) const {
    const auto to = [&](const Tensor& t) { return to_device(t, device); };
    return linear_cross_entropy(to(x), to(w), to(targets), to(weights));
  }
};

Case random_case(int64_t t, int64_t d, int64_t v, double size = 1) {
  std::vector<int32_t> targets;
  std::vector<float> weights;
  for (int64_t i = 0; i < t; ++i) {
    targets.push_back(static_cast<int32_t>((i * 7 + 3) % v));
    weights.push_back(i % 3 == 1 ? 0.0f : 0.25f + 0.01f * static_cast<float>(i));
  }
  return {scale(randn({t, d}, {f32, "cpu"}, 1), size), randn({v, d}, {f32, "cpu"}, 2),
          from_values(targets, {t}, {i32, "cpu"}), from_values(weights, {t}, {f32, "cpu"})};
}

// The largest sum of |x||w| that any logit has.
double largest_logit(const Case& c) {
  double most = 0;
  for (double v : linear(magnitude(c.x), magnitude(c.w)).to_vector<double>()) {
    most = std::max(most, v);
  }
  return most;
}

// Row losses each within (V + D + 8) roundings of their largest logit, summed with their weights.
void expect_matches(const Case& c, Device device, double logit) {
  const double roundings = static_cast<double>(c.x.size(1) + c.w.size(0) + 8);
  double weight = 0;
  for (double w : c.weights.to_vector<double>()) weight += w;
  expect_close(c.on(device), c.on(Device(DeviceKind::ref)),
               [&](size_t, double e) { return rounding_bound(f32, roundings, weight * logit, e); });
}

DEVICE_TEST(LinearCrossEntropy, MatchesReference) {
  expect_matches(random_case(300, 64, 500), device, 8 * 8);
  for (DType dtype : {f16, bf16}) {
    covers(dtype);
    Case c = random_case(40, 64, 50);
    c.x = cast(c.x, dtype), c.w = cast(c.w, dtype);
    expect_matches(c, device, 8 * 8);
  }
}

DEVICE_TEST(LinearCrossEntropy, QuantisedMatchesReference) {
  covers(DType::q8_0);
  Case c = random_case(20, 64, 60);
  std::vector<std::byte> blocks(static_cast<size_t>(byte_size(DType::q8_0, 60 * 64)));
  for (size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<std::byte>(i * 37 % 251);
  for (size_t i = 0; i < blocks.size(); i += 34)
    blocks[i] = std::byte{0}, blocks[i + 1] = std::byte{0x20};
  c.w = from_bytes(blocks, {60, 64}, {DType::q8_0, "cpu"});
  expect_matches(c, device, 128 * 0.01 * 64);
  Tensor x[2];
  for (int i = 0; i < 2; ++i) {
    const Device d = i ? Device(DeviceKind::ref) : device;
    x[i] = to_device(c.x, d).set_requires_grad();
    backward(linear_cross_entropy(x[i], to_device(c.w, d), to_device(c.targets, d),
                                  to_device(c.weights, d)));
  }
  expect_close(x[0].grad(), x[1].grad(),
               [](size_t, double e) { return rounding_bound(f32, 60 + 64 + 16, 1.3 * 60, e); });
}

// Every format, against the reference's loss at the values it stands for.
DEVICE_TEST(LinearCrossEntropy, QuantisedValuesMatchReference) {
  for (DType dtype : kQuantised) {
    SCOPED_TRACE(std::string(to_string(dtype)));
    Case c = random_case(20, 256, 60, 0.01);
    c.w = random_blocks({60, 256}, dtype, "cpu");
    expect_matches(c, device, largest_logit(c));
  }
}

DEVICE_TEST(LinearCrossEntropy, OddSizes) {
  for (int64_t v : {1, 2, 15, 16, 17, 33, 100}) {
    expect_matches(random_case(5, 7, v), device, 30);
    expect_matches(random_case(131, 1, v), device, 10);
  }
  EXPECT_EQ(random_case(0, 4, 9).on(device).item<float>(), 0.0f);
}

DEVICE_TEST(LinearCrossEntropy, ExtremeValues) {
  const Case huge = random_case(6, 8, 40, 1e4);
  const float loss = huge.on(device).item<float>();
  EXPECT_TRUE(std::isfinite(loss));
  expect_matches(huge, device, 1e5);
}

DEVICE_TEST(LinearCrossEntropy, SkipsRowsOfWeightZero) {
  Case c = random_case(9, 6, 12);
  const float before = c.on(device).item<float>();
  auto x = c.x.to_vector<float>();
  for (int64_t i = 6; i < 12; ++i) x[static_cast<size_t>(i)] = NAN;  // row 1 has weight 0
  auto targets = c.targets.to_vector<int32_t>();
  targets[1] = -100;
  c.x = from_values(x, c.x.shape(), {f32, "cpu"});
  c.targets = from_values(targets, c.targets.shape(), {i32, "cpu"});
  EXPECT_EQ(c.on(device).item<float>(), before);
}

// Rows far apart and columns of a wider matrix, and what came in 16 bits.
DEVICE_TEST(LinearCrossEntropy, Strided) {
  const Case c = random_case(20, 24, 40);
  const auto spread = [&](const Tensor& t) {
    const Tensor wide = zeros({3 * t.size(0), t.size(1) + 5}, {t.dtype(), device});
    const Tensor view = wide.slice(0, 0, wide.size(0), 3).slice(1, 2, 2 + t.size(1));
    copy_(view, to_device(t, device));
    return view;
  };
  const Tensor columns = contiguous(to_device(c.x, device).transpose(0, 1)).transpose(0, 1);
  const Tensor expected = c.on(device), w = to_device(c.w, device);
  const Tensor targets = to_device(c.targets, device), weights = to_device(c.weights, device);
  expect_same_bits(linear_cross_entropy(spread(c.x), spread(c.w), targets, weights), expected);
  expect_same_bits(linear_cross_entropy(columns, w, targets, weights), expected);
  const Tensor pairs = contiguous(weights.reshape({20, 1}).expand({20, 2})).reshape({40});
  expect_same_bits(linear_cross_entropy(columns, w, targets, pairs.slice(0, 0, 40, 2)), expected);
  const Tensor narrow = cast(columns, bf16);
  expect_same_bits(linear_cross_entropy(narrow, w, targets, weights),
                   linear_cross_entropy(cast(narrow, f32), w, targets, weights));
}

DEVICE_TEST(LinearCrossEntropy, Repeatable) {
  const Case c = random_case(200, 32, 300);
  const Tensor y = c.on(device);
  const int threads = num_threads();
  for (int n : {1, 2, 3}) {
    set_num_threads(n);
    expect_same_bits(c.on(device), y);
  }
  set_num_threads(threads);
}

DEVICE_TEST(LinearCrossEntropy, LogProbsAgreeWithTheLoss) {
  const Case c = random_case(140, 32, 50);
  auto targets = c.targets.to_vector<int32_t>();
  targets[3] = -1;
  const auto to = [&](const Tensor& t) { return to_device(t, device); };
  const Tensor ids = from_values(targets, {140}, {i32, device});
  const auto p = target_log_probs(to(c.x), to(c.w), ids).to_vector<float>();
  EXPECT_EQ(p[3], 0.0f);
  const auto weights = c.weights.to_vector<float>();
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) sum -= i == 3 ? 0 : double{weights[i]} * p[i];
  Case without = c;
  auto w = weights;
  w[3] = 0;
  without.weights = from_values(w, {140}, {f32, "cpu"});
  EXPECT_EQ(without.on(device).item<float>(), static_cast<float>(sum));
}

DEVICE_TEST(LinearCrossEntropy, GradientMatchesFiniteDifference) {
  Case c = random_case(7, 6, 11);
  c.x.set_requires_grad();
  c.w.set_requires_grad();
  expect_gradients(
      [&](const std::vector<Tensor>& in) {
        const Device d = in[0].device();
        return linear_cross_entropy(in[0], in[1], to_device(c.targets, d), to_device(c.weights, d));
      },
      {c.x, c.w}, device, 4);
}

DEVICE_TEST(LinearCrossEntropy, RejectsBadArguments) {
  const Case ok = random_case(4, 6, 11);
  const auto with = [&](Tensor Case::*member, const Tensor& t) {
    Case c = ok;
    c.*member = t;
    return [c, device] { c.on(device); };
  };
  const Tensor ids = from_values(std::vector<int32_t>{0, 1, 11, 2}, {4}, {i32, "cpu"});
  const TensorOptions cpu{f32, "cpu"};
  EXPECT_EQ(message_of(ErrorCode::argument, with(&Case::targets, ids)),
            "[linear_cross_entropy] target 11 of row 2 is outside a vocabulary of 11");
  message_of(ErrorCode::dtype, with(&Case::targets, zeros({4}, cpu)));
  message_of(ErrorCode::shape, with(&Case::targets, zeros({3}, {i32, "cpu"})));
  message_of(ErrorCode::shape, with(&Case::w, zeros({11, 7}, cpu)));
  message_of(ErrorCode::shape, with(&Case::weights, zeros({3}, cpu)));
  const auto to = [&](const Tensor& t) { return to_device(t, device); };
  EXPECT_EQ(message_of(ErrorCode::argument, [&] { target_log_probs(to(ok.x), to(ok.w), to(ids)); }),
            "[target_log_probs] target 11 of row 2 is outside a vocabulary of 11");
}

}  // namespace
}  // namespace pewter::test
