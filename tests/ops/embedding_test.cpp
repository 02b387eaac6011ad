// Rows are copied, so every comparison is to the bit.
#include "support/device_test.h"
#include "support/gradcheck.h"
#include "support/products.h"

namespace pewter::test {
namespace {

Tensor some_ids(const std::vector<int32_t>& ids, const Shape& shape, Device device) {
  return from_values(ids, shape, {i32, device});
}

DEVICE_TEST(Embedding, MatchesReference) {
  const Tensor ids = some_ids({0, 6, 3, 3, 1, 0}, {2, 3}, device);
  for (DType dtype : {f32, f16, bf16}) {
    const Tensor table = randn({7, 300}, {dtype, device}), y = embedding(table, ids);
    EXPECT_EQ(y.dtype(), dtype);
    expect_same_bits(y, embedding(on_ref(table), on_ref(ids)));
    expect_same_bits(y.slice(0, 0, 1).slice(1, 1, 2).reshape({1, 300}), table.slice(0, 6, 7));
  }
  for (DType dtype : kQuantised) {
    const Tensor table = random_blocks({7, 512}, dtype, device), y = embedding(table, ids);
    EXPECT_EQ(y.dtype(), f32);
    expect_same_bits(y.reshape({6, 512}).slice(0, 1, 2), cast(table, f32).slice(0, 6, 7));
    expect_same_bits(y, embedding(on_ref(table), on_ref(ids)));
  }
}

DEVICE_TEST(Embedding, OddSizes) {
  for (int64_t n = 1; n <= 70; ++n) {
    const Tensor table = randn({3, n}, {f32, device}, n);
    expect_same_bits(embedding(table, some_ids({2}, Shape(), device)),
                     table.slice(0, 2, 3).reshape({n}));
  }
  const Tensor none = embedding(randn({3, 5}, {f32, device}), some_ids({}, {0}, device));
  EXPECT_EQ(none.shape().to_string(), "[0, 5]");
}

DEVICE_TEST(Embedding, ExtremeValues) {
  const Tensor table =
      from_values(std::vector<float>{INFINITY, NAN, -0.0f, 1e-45f}, {2, 2}, {f32, device});
  expect_same_bits(embedding(table, some_ids({0, 1}, {2}, device)), table);
}

DEVICE_TEST(Embedding, Strided) {
  const Tensor table = randn({12, 9}, {f32, device}).transpose(0, 1);
  const Tensor ids = some_ids({0, 8, 5, 1, 2, 2}, {2, 3}, device).transpose(0, 1);
  expect_same_bits(embedding(table, ids), embedding(contiguous(table), contiguous(ids)));
}

DEVICE_TEST(Embedding, Repeatable) {
  const Tensor table = randn({100, 64}, {f32, device});
  const Tensor ids = some_ids({5, 99, 5, 0}, {4}, device);
  expect_same_bits(embedding(table, ids), embedding(table, ids));
}

// A row that is looked up twice gets both gradients.
DEVICE_TEST(Embedding, GradientMatchesFiniteDifference) {
  Tensor table = randn({5, 4}, {f32, device});
  table.set_requires_grad();
  expect_gradients(
      [](const auto& in) {
        return embedding(in[0], some_ids({4, 1, 4, 0}, {4}, in[0].device()));
      },
      {table}, device);
}

DEVICE_TEST(Embedding, RejectsBadArguments) {
  const Tensor table = zeros({5, 4}, {f32, device}), ids = some_ids({1}, {1}, device);
  EXPECT_THROW(embedding(Tensor(), ids), Error);
  EXPECT_THROW(embedding(table, Tensor()), Error);
  EXPECT_THROW(embedding(zeros({5}, {f32, device}), ids), Error);
  EXPECT_THROW(embedding(table, zeros({1}, {f32, device})), Error);
  EXPECT_THROW(embedding(table, on_ref(ids)), Error);
  for (int32_t bad : {-1, 5, INT32_MIN, INT32_MAX}) {
    try {
      embedding(table, some_ids({0, bad}, {2}, device));
      ADD_FAILURE() << bad << " was taken";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::argument);
      EXPECT_NE(std::string(e.what()).find(std::to_string(bad)), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace pewter::test
