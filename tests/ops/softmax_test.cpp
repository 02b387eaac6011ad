#include "support/device_test.h"
#include "support/gradcheck.h"

namespace pewter::test {
namespace {

void expect_matches(const Tensor& x, Device device) {
  const Tensor y = softmax(to_device(x, device));
  EXPECT_EQ(y.device(), device);
  const double columns = static_cast<double>(x.size(-1));
  expect_close(y, softmax(unrounded_on_ref(x)),
               [&](size_t, double e) { return rounding_bound(x.dtype(), columns + 8, e, e); });
}

DEVICE_TEST(Softmax, MatchesReference) {
  for (DType dtype : {f32, f16, bf16}) {
    if (dtype == bf16 && device.kind() != DeviceKind::cpu) continue;  // MPS has none
    expect_matches(randn({5, 7, 300}, {dtype, device}), device);
  }
}

DEVICE_TEST(Softmax, OddSizes) {
  for (int64_t n = 1; n <= 70; ++n) expect_matches(randn({3, n}, {f32, device}, n), device);
  EXPECT_EQ(softmax(randn({0, 5}, {f32, device})).numel(), 0);
}

DEVICE_TEST(Softmax, ExtremeValues) {
  const float inf = INFINITY, nan = NAN;
  const std::vector<float> x = {1e30f, -1e30f, 0,    3,    inf, 1, 2, 3,    -inf, 1,    2,   3,
                                -inf,  -inf,   -inf, -inf, nan, 1, 2, -inf, 88,   -104, 200, 100};
  expect_matches(from_values(x, {6, 4}, {f32, device}), device);
}

DEVICE_TEST(Softmax, Strided) {
  const Tensor x = randn({6, 9, 4}, {f32, device});
  expect_close(softmax(x.transpose(0, 2)), softmax(contiguous(x.transpose(0, 2))),
               [](size_t, double) { return 0.0; });
}

DEVICE_TEST(Softmax, Repeatable) {
  const Tensor x = randn({64, 1000}, {f32, device});
  const Tensor y = softmax(x);
  expect_same_bits(softmax(x), y);
  expect_same_bits(softmax(x.slice(0, 63, 64)), y.slice(0, 63, 64));
}

DEVICE_TEST(Softmax, GradientMatchesFiniteDifference) {
  Tensor x = randn({3, 17}, {f32, device});
  x.set_requires_grad();
  expect_gradients([](const auto& in) { return softmax(in[0]); }, {x}, device);
}

DEVICE_TEST(Softmax, RejectsBadArguments) {
  EXPECT_THROW(softmax(Tensor()), Error);
  EXPECT_THROW(softmax(empty({3, 0}, {f32, device})), Error);
  EXPECT_THROW(softmax(zeros({3}, {i32, device})), Error);
}

ALSO_ON_METAL(Softmax, MatchesReference);
ALSO_ON_METAL(Softmax, OddSizes);
ALSO_ON_METAL(Softmax, ExtremeValues);
ALSO_ON_METAL(Softmax, Strided);
ALSO_ON_METAL(Softmax, Repeatable);
ALSO_ON_METAL(Softmax, GradientMatchesFiniteDifference);
ALSO_ON_METAL(Softmax, RejectsBadArguments);

}  // namespace
}  // namespace pewter::test
