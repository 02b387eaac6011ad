// Shapes and the views that need no kernel; src/ops/copy has the others.
#include <gtest/gtest.h>

#include "core/view.h"

namespace pewter {
namespace {

struct HostMemory final : Storage {
  explicit HostMemory(int64_t bytes)
      : Storage(Device(DeviceKind::ref), ::operator new(static_cast<size_t>(bytes)), bytes) {}
  ~HostMemory() override { ::operator delete(data); }
};

Tensor tensor(const Shape& shape, DType dtype = f32) {
  auto memory = std::make_shared<HostMemory>(std::max<int64_t>(byte_size(dtype, shape.numel()), 1));
  return Tensor(memory, shape, contiguous_strides(shape), dtype);
}

void expect_error(ErrorCode code, const std::string& told, const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown: " << told;
  } catch (const Error& e) {
    EXPECT_EQ(to_string(e.code()), to_string(code)) << e.what();
    EXPECT_NE(std::string(e.what()).find(told), std::string::npos) << e.what();
  }
}

TEST(Shape, CountsAndCompares) {
  const Shape s = {4, 8, 3};
  EXPECT_EQ(s.rank(), 3);
  EXPECT_EQ(s.numel(), 96);
  EXPECT_EQ(s[0], 4);
  EXPECT_EQ(s[-1], 3);
  EXPECT_EQ(s.to_string(), "[4, 8, 3]");
  EXPECT_EQ(Shape().to_string(), "[]");
  EXPECT_EQ(Shape().numel(), 1);
  EXPECT_EQ((Shape{5, 0, 2}).numel(), 0);
  EXPECT_FALSE((Shape{4, 8}) == s);
  EXPECT_FALSE((Shape{4, 8, 3, 1}) == s);
}

TEST(Shape, SizesPastTwoToThe31) {
  const int64_t big = int64_t{1} << 33;
  EXPECT_EQ((Shape{big, 16}).numel(), big * 16);
  EXPECT_EQ(contiguous_strides({2, big, 4}), (Shape{big * 4, 4, 1}));
  expect_error(ErrorCode::shape, "2^63", [&] { Shape{big, big}.numel(); });
  // Sizes that would overflow beside one that is zero: strides that are never used.
  EXPECT_EQ(contiguous_strides({0, big, big, big}).rank(), 4);
}

TEST(Shape, RefusesTooManyDimensions) {
  expect_error(ErrorCode::shape, "rank 7", [] { Shape{1, 2, 3, 4, 5, 6, 7}; });
}

TEST(View, SharesMemory) {
  const Tensor x = tensor({4, 6});
  const Tensor y = x.transpose(0, 1), z = x.reshape({2, -1, 3});
  EXPECT_EQ(y.shape(), (Shape{6, 4}));
  EXPECT_EQ(y.strides(), (Shape{1, 6}));
  EXPECT_FALSE(y.is_contiguous());
  EXPECT_EQ(z.shape(), (Shape{2, 4, 3}));
  for (const Tensor& view : {y, z, x.detach()}) {
    EXPECT_EQ(view.data(), x.data());
    EXPECT_EQ(view.storage(), x.storage());
  }
  EXPECT_TRUE(y.transpose(-1, -2).is_contiguous());
}

TEST(View, OffsetsCountInBytesOfTheDtype) {
  for (DType dtype : {f32, bf16, DType::u8}) {
    const Tensor x = tensor({4, 6}, dtype);
    const Tensor row = make_view(x, {6}, {1}, 12);
    EXPECT_EQ(static_cast<char*>(row.data()) - static_cast<char*>(x.data()),
              12 * info(dtype).block_bytes);
    EXPECT_EQ(make_view(row, {3}, {1}, 3).data(), make_view(x, {3}, {1}, 15).data());
  }
}

TEST(View, ReshapesWhatLiesInOneRun) {
  const Tensor x = tensor({4, 6, 5});
  const Tensor columns = make_view(x, {4, 6}, {30, 5}, 2);  // one of the last dimension's five
  EXPECT_EQ(columns.reshape({24}).strides(), (Shape{5}));
  EXPECT_EQ(columns.reshape({2, 2, 3, 2}).strides(), (Shape{60, 30, 10, 5}));
  const Tensor gap = make_view(x, {4, 3}, {30, 5}, 0);  // half of every row
  EXPECT_EQ(gap.reshape({2, 2, 3, 1}).strides(), (Shape{60, 30, 5, 5}));
  expect_error(ErrorCode::shape, "[4, 3] with strides [30, 5] cannot be seen as [12]",
               [&] { gap.reshape({12}); });
  expect_error(ErrorCode::shape, "[6, 2]", [&] { gap.reshape({6, 2}); });
  EXPECT_EQ(tensor({0, 5}).transpose(0, 1).reshape({7, 0}).numel(), 0);
}

TEST(View, RejectsBadArguments) {
  const Tensor x = tensor({4, 6}), blocks = tensor({2, 32}, DType::q4_0);
  const auto shape = ErrorCode::shape;
  expect_error(shape, "[5, 5]", [&] { x.reshape({5, 5}); });
  expect_error(shape, "-1", [&] { x.reshape({-1, -1}); });
  expect_error(shape, "-1", [&] { x.reshape({5, -1}); });
  expect_error(shape, "-4", [&] { x.reshape({-4, -6}); });
  const int64_t big = int64_t{1} << 40;
  expect_error(shape, "", [&] { x.reshape({big, big, -1}); });
  expect_error(shape, "dimension 2 of a tensor of rank 2", [&] { x.transpose(0, 2); });
  expect_error(shape, "dimension -3", [&] { x.transpose(-3, 0); });
  expect_error(ErrorCode::dtype, "q4_0", [&] { blocks.reshape({64}); });
  expect_error(ErrorCode::dtype, "q4_0", [&] { blocks.transpose(0, 1); });
  expect_error(ErrorCode::argument, "before it was given a value", [] { Tensor().shape(); });
}

}  // namespace
}  // namespace pewter
