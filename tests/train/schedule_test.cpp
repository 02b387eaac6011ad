// Learning rates and the order of examples.
#include "train/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support.h"
#include "train/sampler.h"

namespace pewter {
namespace {

// Values of transformers 5.23's schedules at lr = 1 (get_*_schedule_with_warmup(optimizer, 4, 20)).
TEST(Schedule, ValuesOfTransformers) {
  const std::vector<std::pair<int64_t, double>> linear = {
      {0, 0}, {1, 0.25}, {3, 0.75}, {4, 1}, {5, 0.9375}, {12, 0.5}, {19, 0.0625}, {20, 0}};
  const std::vector<std::pair<int64_t, double>> cosine = {{0, 0},
                                                          {2, 0.5},
                                                          {4, 1},
                                                          {8, 0.8535533905932737},
                                                          {12, 0.5},
                                                          {16, 0.14644660940672627},
                                                          {19, 0.009607359798384785},
                                                          {20, 0}};
  // Each is one or two double operations on numbers below 1 and a cosine: a few roundings of 2^-53.
  const double bound = 8 * 0x1p-53;
  for (const auto& [step, factor] : linear) {
    EXPECT_NEAR(schedule_factor(Schedule::linear, step, 4, 20), factor, bound) << step;
  }
  for (const auto& [step, factor] : cosine) {
    EXPECT_NEAR(schedule_factor(Schedule::cosine, step, 4, 20), factor, bound) << step;
  }
  EXPECT_EQ(schedule_factor(Schedule::constant, 1, 4, 20), 0.25);
  EXPECT_EQ(schedule_factor(Schedule::constant, 19, 4, 20), 1);
}

TEST(Schedule, OddSettingsStayBounded) {
  for (const Schedule s : {Schedule::constant, Schedule::linear, Schedule::cosine}) {
    for (int64_t warmup : {0, 5, 50}) {
      for (int64_t step = 0; step <= 12; ++step) {
        const double f = schedule_factor(s, step, warmup, 10);
        EXPECT_TRUE(f >= 0 && f <= 1) << step << " " << warmup << " " << f;
      }
    }
  }
}

TEST(Sampler, EveryEpochIsAPermutation) {
  Sampler sampler(7, 3);
  std::vector<std::vector<int64_t>> epochs;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<int64_t> order;
    for (int64_t i = 0; i < 7; ++i) order.push_back(sampler.at(epoch * 7 + i));
    epochs.push_back(order);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6}));
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
}

TEST(Sampler, PositionAloneDecides) {
  Sampler forward(10, 1), backward(10, 1);
  std::vector<int64_t> a, b(40);
  for (int64_t i = 0; i < 40; ++i) a.push_back(forward.at(i));
  for (int64_t i = 39; i >= 0; --i) b[static_cast<size_t>(i)] = backward.at(i);
  EXPECT_EQ(a, b);
}

// A checkpoint stores a position, so the order must never change.
TEST(Sampler, OrderIsFixedForever) {
  EXPECT_EQ(epoch_order(8, 1, 0), (std::vector<int64_t>{4, 1, 7, 5, 3, 0, 6, 2}));
  EXPECT_EQ(epoch_order(8, 1, 1), (std::vector<int64_t>{4, 7, 5, 1, 6, 0, 2, 3}));
  EXPECT_NE(epoch_order(8, 2, 0), epoch_order(8, 1, 1));
}

// Each of the 6 orders of 3 should come 1000 times in 6000; the deviation of a binomial count is
// sqrt(6000 * 1/6 * 5/6) = 29, and five of them are allowed.
TEST(Sampler, OrdersAreEquallyLikely) {
  std::map<std::vector<int64_t>, int> seen;
  for (int64_t epoch = 0; epoch < 6000; ++epoch) ++seen[epoch_order(3, 99, epoch)];
  EXPECT_EQ(seen.size(), 6u);
  for (const auto& [order, count] : seen) EXPECT_NEAR(count, 1000, 145);
}

TEST(Sampler, RefusesNothing) {
  test::expect_error(ErrorCode::argument, {"0 examples"}, [] { Sampler(0, 1); });
}

}  // namespace
}  // namespace pewter
