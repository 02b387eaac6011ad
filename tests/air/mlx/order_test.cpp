// The order in which threads and threadgroups run is nobody's promise: results must not depend on
// it, and neither may the checks' verdict.
#include "arrays.h"

namespace metal_sim::air::test {
namespace {

TEST_F(Mlx, ResultsDoNotDependOnTheOrderOfThreads) {
  const int32_t width = 1020;
  auto x = Array::random(Dtype::f32, 4 * 1020, 81);
  const auto softmax = kernel("block_softmax_float32");
  const auto sort = kernel("c_block_sort_float32_float32_bn256_tn4");
  const auto run = [&](uint64_t seed, bool checks) {
    Array soft(Dtype::f32, x.size()), sorted(Dtype::f32, x.size());
    value_of(Call()
                 .buffer(0, x.bytes())
                 .buffer(1, soft.bytes())
                 .bytes(2, width)
                 .groups({4}, {256})
                 .seed(seed)
                 .checks(checks)
                 .run(*softmax));
    value_of(Call()
                 .buffer(0, x.bytes())
                 .buffer(1, sorted.bytes())
                 .bytes(2, width)
                 .bytes(3, 1)
                 .bytes(4, 1)
                 .bytes(5, width)
                 .bytes(6, width)
                 .groups({1, 4}, {256})
                 .seed(seed)
                 .checks(checks)
                 .run(*sort));
    std::vector<double> all;
    for (size_t i = 0; i < x.size(); ++i) all.insert(all.end(), {soft.at(i), sorted.at(i)});
    return all;
  };
  const auto first = run(0, true);
  for (const uint64_t seed : {0, 1, 2, 3}) {
    EXPECT_EQ(run(seed, true), first) << "seed " << seed;
    EXPECT_EQ(run(seed, false), first) << "seed " << seed << " without checks";
  }
}

}  // namespace
}  // namespace metal_sim::air::test
