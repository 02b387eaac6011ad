// Reductions over everything, over rows and over columns, arg reductions, scans, sorting,
// searching.
#include <algorithm>
#include <limits>
#include <numeric>

#include "arrays.h"

namespace metal_sim::air::test {
namespace {

struct Reduction {
  const char* name;
  Dtype type;
};

std::string reduction_name(const testing::TestParamInfo<Reduction>& info) {
  return std::string(info.param.name) + "_" + long_name(info.param.type);
}

std::vector<Reduction> reductions(std::initializer_list<Dtype> types) {
  std::vector<Reduction> all;
  for (const Dtype type : types) {
    for (const char* name : {"sum", "prod", "min", "max"}) all.push_back({name, type});
  }
  return all;
}

// The result, and a bound on what roundings do to it: a chain of at most `chain`.
struct Total {
  double value, bound;
};

Total total(const Array& x, const std::string& name, size_t first, size_t step, size_t count,
            double chain) {
  double value = name == "sum" ? 0 : x.at(first), size = 0;
  if (name == "prod") value = 1;
  for (size_t i = 0; i < count; ++i) {
    const double one = x.at(first + i * step);
    size += std::abs(one);
    value = name == "sum"    ? value + one
            : name == "prod" ? value * one
            : name == "min"  ? std::min(value, one)
                             : std::max(value, one);
  }
  if (name == "min" || name == "max") return {value, 0};
  return {value, name == "sum" ? chain * roundoff(x.type()) * size * 1.1 : 0};
}

Array numbers_for(const Reduction& r, size_t count) {
  Array x = Array::random(r.type, count, 71);
  // In a product every rounding counts, so few of the factors are not one and none needs any.
  for (size_t i = 0; r.name == std::string("prod") && i < count; ++i) {
    x.set(i, i % 97 == 5 ? -0.5f : i % 89 == 7 ? 2.0f : 1.0f);
  }
  return x;
}

class MlxReduce : public MlxWith<Reduction> {};

TEST_P(MlxReduce, Everything) {
  const auto [name, type] = GetParam();
  const size_t count = 3000;
  auto x = numbers_for(GetParam(), count);
  Array out(type, 1);
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, out.bytes())
               .bytes(2, count)
               .bytes(3, count)
               .groups({1}, {256})
               .run(*kernel(std::string("all_reduce_") + name + long_name(type))));
  const Total t = total(x, name, 0, 1, count, 24);
  EXPECT_LE(std::abs(out.at(0) - t.value), t.bound);
}

TEST_P(MlxReduce, Rows) {
  const auto [name, type] = GetParam();
  const size_t rows = 8, width = 333;
  auto x = numbers_for(GetParam(), rows * width);
  Array out(type, rows);
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, out.bytes())
               .bytes(2, width)
               .bytes(3, int64_t(rows))
               .groups({1, rows / 4}, {96})
               .run(*kernel(std::string("row_reduce_simple_") + name + long_name(type))));
  for (size_t r = 0; r < rows; ++r) {
    const Total t = total(x, name, r * width, 1, width, 16);
    ASSERT_LE(std::abs(out.at(r) - t.value), t.bound) << "row " << r;
  }
}

TEST_P(MlxReduce, Columns) {
  const auto [name, type] = GetParam();
  const size_t rows = 60, width = 101;
  auto x = numbers_for(GetParam(), rows * width);
  Array out(type, width);
  const int32_t shape[1] = {1}, reduced[1] = {int32_t(rows)};
  const int64_t strides[1] = {0}, reduced_strides[1] = {int64_t(width)};
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, out.bytes())
               .bytes(2, rows)
               .bytes(3, int64_t(width))
               .bytes(4, std::span<const int32_t>(shape))
               .bytes(5, std::span<const int64_t>(strides))
               .bytes(6, 0)
               .bytes(7, std::span<const int32_t>(reduced))
               .bytes(8, std::span<const int64_t>(reduced_strides))
               .bytes(9, 1)
               .bytes(10, uint64_t(1))
               .groups({1}, {32, 8})
               .run(*kernel(std::string("col_reduce_small_1_reduce_") + name + long_name(type))));
  for (size_t c = 0; c < width; ++c) {
    const Total t = total(x, name, c, width, rows, 16);
    ASSERT_LE(std::abs(out.at(c) - t.value), t.bound) << "column " << c;
  }
}

INSTANTIATE_TEST_SUITE_P(All, MlxReduce,
                         testing::ValuesIn(reductions({Dtype::f32, Dtype::f16, Dtype::bf16})),
                         reduction_name);

TEST_F(Mlx, ReduceIntegersExactly) {
  std::vector<int32_t> x(5000), out(1);
  for (size_t i = 0; i < x.size(); ++i) x[i] = int32_t(i * 2654435761u);
  value_of(Call()
               .buffer(0, x)
               .buffer(1, out)
               .bytes(2, uint64_t(5000))
               .bytes(3, uint64_t(5000))
               .groups({1}, {512})
               .run(*kernel("all_reduce_sumint32")));
  uint32_t sum = 0;
  for (const int32_t v : x) sum += uint32_t(v);
  EXPECT_EQ(uint32_t(out[0]), sum);
}

class MlxArgReduce : public MlxWith<Reduction> {};

TEST_P(MlxArgReduce, RowsWithTies) {
  const auto [name, type] = GetParam();
  const size_t rows = 6, width = 500;
  auto x = Array::random(type, rows * width, 72);
  for (size_t r = 0; r < rows; ++r) {
    for (const size_t at : {40 + 13 * r, 300 + r})
      x.set(r * width + at, name == std::string("argmax") ? 2 : -2);
  }
  std::vector<uint32_t> out(rows);
  const int32_t shape[1] = {int32_t(rows)};
  const int64_t in_strides[1] = {int64_t(width)}, out_strides[1] = {1};
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, out)
               .bytes(2, std::span<const int32_t>(shape))
               .bytes(3, std::span<const int64_t>(in_strides))
               .bytes(4, std::span<const int64_t>(out_strides))
               .bytes(5, uint64_t(1))
               .bytes(6, int64_t(1))
               .bytes(7, width)
               .threads({128, rows}, {128, 1})
               .run(*kernel(std::string(name) + "_" + long_name(type))));
  for (size_t r = 0; r < rows; ++r) ASSERT_EQ(out[r], 40 + 13 * r);
}

INSTANTIATE_TEST_SUITE_P(All, MlxArgReduce,
                         testing::Values(Reduction{"argmax", Dtype::f32},
                                         Reduction{"argmin", Dtype::f32},
                                         Reduction{"argmax", Dtype::f16},
                                         Reduction{"argmin", Dtype::bf16}),
                         reduction_name);

struct Scan {
  const char* name;
  bool reverse, inclusive;
  Dtype type;
};

class MlxScan : public MlxWith<Scan> {};

TEST_P(MlxScan, Rows) {
  const Scan p = GetParam();
  const size_t rows = 3, width = 6000;
  const std::string op = p.name;
  auto x = op == "prod" ? numbers_for({"prod", p.type}, rows * width)
                        : Array::random(p.type, rows * width, 73);
  Array out(p.type, x.size());
  const std::string types = std::string("_") + long_name(p.type) + "_" + long_name(p.type);
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, out.bytes())
               .bytes(2, width)
               .groups({1, rows}, {1024})
               .run(*kernel(std::string("contig_scan_") + (p.reverse ? "reverse_" : "") +
                            (p.inclusive ? "inclusive_" : "exclusive_") + op + types)));
  for (size_t r = 0; r < rows; ++r) {
    double value = op == "prod" ? 1 : op == "max" ? -INFINITY : 0, size = 0;
    for (size_t n = 0; n < width; ++n) {
      const size_t i = r * width + (p.reverse ? width - 1 - n : n);
      const double before = value, one = x.at(i);
      value = op == "sum" ? value + one : op == "prod" ? value * one : std::max(value, one);
      size += std::abs(one);
      const double wanted = p.inclusive ? value : before;
      // Four in a thread, a scan over lanes, one over simdgroups, the prefix of earlier blocks.
      const double bound = op == "sum" ? 24 * roundoff(p.type) * size : 0;
      if (std::isinf(wanted)) continue;
      ASSERT_LE(std::abs(out.at(i) - wanted), bound) << "row " << r << " place " << n;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, MlxScan,
    testing::Values(Scan{"sum", false, true, Dtype::f32}, Scan{"sum", true, true, Dtype::f32},
                    Scan{"sum", false, false, Dtype::f32}, Scan{"prod", true, false, Dtype::f32},
                    Scan{"max", false, true, Dtype::f32}, Scan{"max", true, false, Dtype::f32},
                    Scan{"sum", false, true, Dtype::f16}, Scan{"sum", false, true, Dtype::bf16}),
    [](const auto& info) {
      const Scan& p = info.param;
      return std::string(p.name) + (p.reverse ? "_reverse" : "") +
             (p.inclusive ? "_inclusive_" : "_exclusive_") + long_name(p.type);
    });

class MlxSort : public MlxWith<int> {};

TEST_P(MlxSort, ValuesAndPlaces) {
  const int block = GetParam();
  const int32_t rows = 3, width = block * 4 - 7;
  const size_t count = size_t(rows * width);
  auto x = randoms(count, 74);
  std::vector<float> sorted(count);
  std::vector<uint32_t> places(count);
  const std::string tail = "_bn" + std::to_string(block) + "_tn4";
  const auto call = [&] {
    Call c;
    c.buffer(0, x).bytes(2, width).bytes(3, 1).bytes(4, 1).bytes(5, width).bytes(6, width).groups(
        {1, uint64_t(rows)}, {uint64_t(block)});
    return c;
  };
  value_of(call().buffer(1, sorted).run(*kernel("c_block_sort_float32_float32" + tail)));
  value_of(call().buffer(1, places).run(*kernel("carg_block_sort_float32_uint32" + tail)));
  for (size_t r = 0; r < size_t(rows); ++r) {
    std::vector<float> wanted(x.begin() + long(r) * width, x.begin() + long(r + 1) * width);
    std::sort(wanted.begin(), wanted.end());
    for (size_t i = 0; i < size_t(width); ++i) {
      ASSERT_EQ(sorted[r * size_t(width) + i], wanted[i]);
      ASSERT_EQ(x[r * size_t(width) + places[r * size_t(width) + i]], wanted[i]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Blocks, MlxSort, testing::Values(32, 128, 256));

}  // namespace
}  // namespace metal_sim::air::test
