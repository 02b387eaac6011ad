// Chains of views against a list of numbers that is moved about by hand.
#include "support/compare.h"
#include "support/property.h"

namespace pewter::test {
namespace {

// Row-major numbers and their sizes; each function is what the view of that name means.
struct Plain {
  std::vector<int64_t> sizes;
  std::vector<int32_t> values;

  // The value at the index that `from(index)` maps each index of `to` to.
  Plain gathered(std::vector<int64_t> to,
                 const std::function<std::vector<int64_t>(std::vector<int64_t>)>& from) const {
    Plain out{std::move(to), {}};
    int64_t count = 1;
    for (int64_t size : out.sizes) count *= size;
    for (int64_t i = 0; i < count; ++i) {
      std::vector<int64_t> index(out.sizes.size());
      int64_t rest = i, at = 0;
      for (size_t d = index.size(); d-- > 0; rest /= out.sizes[d]) index[d] = rest % out.sizes[d];
      index = from(index);
      for (size_t d = 0; d < sizes.size(); ++d) at = at * sizes[d] + index[d];
      out.values.push_back(values[static_cast<size_t>(at)]);
    }
    return out;
  }
};

struct Both {
  Tensor tensor;
  Plain plain;
};

void transpose(Both* x) {
  const auto a = static_cast<size_t>(any_of(0, x->tensor.rank() - 1));
  const auto b = static_cast<size_t>(any_of(0, x->tensor.rank() - 1));
  x->tensor = x->tensor.transpose(static_cast<int>(a), static_cast<int>(b) - x->tensor.rank());
  std::vector<int64_t> sizes = x->plain.sizes;
  std::swap(sizes[a], sizes[b]);
  x->plain = x->plain.gathered(sizes, [=](std::vector<int64_t> index) {
    std::swap(index[a], index[b]);
    return index;
  });
}

void slice(Both* x) {
  const auto d = static_cast<size_t>(any_of(0, x->tensor.rank() - 1));
  const int64_t start = any_of(0, x->plain.sizes[d]), stop = any_of(start, x->plain.sizes[d]);
  const int64_t step = any_of(1, 3);
  x->tensor = x->tensor.slice(static_cast<int>(d), start, stop, step);
  std::vector<int64_t> sizes = x->plain.sizes;
  sizes[d] = 0;
  for (int64_t i = start; i < stop; i += step) ++sizes[d];
  x->plain = x->plain.gathered(sizes, [=](std::vector<int64_t> index) {
    index[d] = start + index[d] * step;
    return index;
  });
}

// To sizes of the same product; where the memory does not lie so, reshape() must refuse.
void reshape(Both* x) {
  std::vector<int64_t> sizes;
  int64_t rest = x->tensor.numel();
  while (rest > 1 && sizes.size() < 4) {
    int64_t factor = any_of(2, 5);
    while (rest % factor != 0) factor = factor == 2 ? rest : factor - 1;
    sizes.push_back(factor);
    rest /= factor;
  }
  sizes.push_back(rest);
  if (any_of(0, 1) == 1) sizes.insert(sizes.begin() + any_of(0, std::ssize(sizes)), 1);
  const Shape shape{std::span<const int64_t>(sizes)};
  try {
    x->tensor = x->tensor.reshape(shape);
  } catch (const Error&) {
    RC_ASSERT(!x->tensor.is_contiguous());
    x->tensor = contiguous(x->tensor).reshape(shape);
  }
  x->plain.sizes = sizes;
}

TEST(Views, AnyChainShowsTheRightNumbers) {
  EXPECT_PROPERTY("a chain of views shows the numbers it should", [] {
    const std::vector<int64_t> sizes = {any_of(1, 6), any_of(1, 6), any_of(1, 6)};
    Both x{{}, {sizes, {}}};
    for (int32_t i = 0; i < sizes[0] * sizes[1] * sizes[2]; ++i) x.plain.values.push_back(i);
    x.tensor = from_values(x.plain.values, Shape{std::span<const int64_t>(sizes)}, {i32, "cpu"});
    for (int64_t steps = any_of(1, 6); steps > 0; --steps) {
      switch (any_of(0, 2)) {
        case 0:
          transpose(&x);
          break;
        case 1:
          slice(&x);
          break;
        default:
          reshape(&x);
      }
      RC_ASSERT(x.tensor.shape() == Shape{std::span<const int64_t>(x.plain.sizes)});
      RC_ASSERT(x.tensor.to_vector<int32_t>() == x.plain.values);
      RC_ASSERT(contiguous(x.tensor).to_vector<int32_t>() == x.plain.values);
    }
  });
}

}  // namespace
}  // namespace pewter::test
