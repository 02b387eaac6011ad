// The walk itself, on graphs whose gradients are known by hand and exact in f32.
#include "support/compare.h"

namespace pewter::test {
namespace {

Tensor leaf(const std::vector<float>& values) {
  Tensor t = from_values(values, {static_cast<int64_t>(values.size())}, {f32, "cpu"});
  t.set_requires_grad();
  return t;
}

std::vector<float> gradient(const Tensor& t) { return t.grad().to_vector<float>(); }
using Values = std::vector<float>;

TEST(Backward, GradientsOfTwoCallsAddUp) {
  const Tensor x = leaf({1, 2});
  backward(sum(mul(x, x)));
  EXPECT_EQ(gradient(x), (Values{2, 4}));
  backward(sum(scale(x, 10)));
  EXPECT_EQ(gradient(x), (Values{12, 14}));
}

// y = x^2, z = y y + y: dz/dx = (2 y + 1) 2 x. y's gradient must be whole before y's node runs.
TEST(Backward, SharedSubexpressionIsWalkedOnce) {
  const Tensor x = leaf({3, -1});
  const Tensor y = mul(x, x);
  backward(sum(add(mul(y, y), y)));
  EXPECT_EQ(gradient(x), (Values{114, -6}));
}

// A gradient handed to two inputs is one tensor; adding to one of them must not change the other.
TEST(Backward, SharedGradientIsNotChangedInPlace) {
  const Tensor a = leaf({1}), b = leaf({2});
  const Tensor c = scale(a, 1), d = scale(b, 1);
  backward(sum(add(add(c, d), add(c, scale(c, 4)))));
  EXPECT_EQ(gradient(a), (Values{6}));
  EXPECT_EQ(gradient(b), (Values{1}));
}

TEST(Backward, LeafGradientIsItsOwnMemory) {
  const Tensor x = leaf({1, 2}), seed = from_values(Values{3, 4}, {2}, {f32, "cpu"});
  backward(add(x, zeros({2}, {f32, "cpu"})), seed);
  fill_(seed, 0);
  EXPECT_EQ(gradient(x), (Values{3, 4}));
}

TEST(Backward, ViewsCarryGradients) {
  const Tensor x = leaf({1, 2, 3, 4, 5, 6});
  const Tensor column = x.reshape({2, 3}).transpose(0, 1).slice(0, 1, 3);
  backward(sum(mul(column, column)));
  EXPECT_EQ(gradient(x), (Values{0, 4, 6, 0, 10, 12}));
}

TEST(Backward, DetachAndFrozenInputsStop) {
  const Tensor x = leaf({2}), frozen = full({1}, 5, {f32, "cpu"});
  backward(sum(mul(mul(x, frozen), x.detach())));
  EXPECT_EQ(gradient(x), (Values{10}));
  EXPECT_FALSE(frozen.grad().defined());
  EXPECT_FALSE(x.detach().requires_grad());
}

TEST(Backward, NoGradRecordsNothingAndNests) {
  const Tensor x = leaf({2});
  {
    const NoGrad outer;
    { const NoGrad inner; }
    EXPECT_FALSE(grad_enabled());
    EXPECT_FALSE(mul(x, x).requires_grad());
  }
  EXPECT_TRUE(grad_enabled());
  EXPECT_TRUE(mul(x, x).requires_grad());
}

// A walk frees what it passed. A second one that needs it must say so, not lose its part of x's
// gradient; and whether an input wants a gradient is decided when the op runs.
TEST(Backward, TapeIsWalkedOnce) {
  const Tensor x = leaf({3, 4}), w = leaf({1, 2});
  const Tensor h = mul(x, x);
  backward(sum(h));
  const Tensor second = sum(mul(mul(h, h), w));
  EXPECT_THROW(backward(second), Error);
  EXPECT_EQ(gradient(x), (Values{6, 8}));
  EXPECT_FALSE(w.grad().defined());
  backward(sum(mul(h.detach(), w)));
  EXPECT_EQ(gradient(w), (Values{9, 16}));

  const Tensor one = leaf({7}).reshape({1, 1});
  Tensor late = full({1, 1}, 5, {f32, "cpu"}), later = full({1, 1}, 5, {f32, "cpu"});
  const Tensor y = matmul(late, one), z = linear(later, one);
  late.set_requires_grad();
  later.set_requires_grad();
  backward(add(y, z));
  EXPECT_FALSE(late.grad().defined());
  EXPECT_FALSE(later.grad().defined());
}

// Depth of the graph must not be depth of the stack.
TEST(Backward, DeepGraph) {
  const Tensor x = leaf({1});
  Tensor y = x;
  for (int i = 0; i < 50000; ++i) y = scale(y, 1);
  backward(sum(y));
  EXPECT_EQ(gradient(x), (Values{1}));
}

// Nor when nobody walks it: not where nodes hold each other by their inputs, nor by what a backward
// of an op's own captured.
TEST(Backward, DeepGraphThatIsNotWalked) {
  const Tensor x = leaf({1});
  Tensor y = x, z = x;
  for (int i = 0; i < 200000; ++i) {
    y = scale(y, 1);
    const Tensor next = full({1}, 1, {f32, "cpu"});
    record(next, "captures", {x, z}, [z](const Tensor& g) { return std::vector{g, g}; });
    z = next;
  }
  EXPECT_TRUE(y.requires_grad());
  y = z = Tensor();
  backward(sum(x));
  EXPECT_EQ(gradient(x), (Values{1}));
}

TEST(Backward, RejectsBadArguments) {
  const auto code_of = [](auto&& call) {
    try {
      call();
    } catch (const Error& e) {
      return e.code();
    }
    return ErrorCode::io;  // none of those expected
  };
  const Tensor x = leaf({1, 2});
  EXPECT_EQ(code_of([&] { backward(Tensor()); }), ErrorCode::argument);
  EXPECT_EQ(code_of([&] { backward(x); }), ErrorCode::argument);
  EXPECT_EQ(code_of([&] { backward(mul(x, x)); }), ErrorCode::shape);
  EXPECT_EQ(code_of([&] { zeros({2}, {i32, "cpu"}).set_requires_grad(); }), ErrorCode::dtype);
  const Tensor y = sum(x);
  backward(y);
  EXPECT_EQ(code_of([&] { backward(y); }), ErrorCode::argument);  // the tape went with the walk
}

}  // namespace
}  // namespace pewter::test
