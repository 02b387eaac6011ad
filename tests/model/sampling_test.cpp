#include "model/sampling.h"

#include <gtest/gtest.h>

#include <cmath>

#include "pewter/error.h"

namespace pewter {
namespace {

const std::vector<float> kLogits = {1, 3, 2, 3, -1};

std::vector<int> counts(GenerateOptions options, std::span<const int32_t> seen = {}) {
  std::vector<int> n(kLogits.size());
  for (int64_t i = 0; i < 20000; ++i) ++n[static_cast<size_t>(sample(kLogits, seen, options, i))];
  return n;
}

TEST(Sampling, TemperatureZeroTakesTheLowestOfTheBest) { EXPECT_EQ(sample(kLogits, {}, {}, 0), 1); }

TEST(Sampling, FollowsTheDistribution) {
  const auto n = counts({.temperature = 0.7f, .seed = 5});
  double total = 0;
  for (float l : kLogits) total += std::exp(l / 0.7);
  for (size_t i = 0; i < kLogits.size(); ++i) {
    const double p = std::exp(kLogits[i] / 0.7) / total;
    // Six standard deviations of a binomial count.
    EXPECT_NEAR(n[i], 20000 * p, 6 * std::sqrt(20000 * p * (1 - p)) + 1) << i;
  }
}

TEST(Sampling, TopKKeepsTheBest) {
  const auto n = counts({.temperature = 1, .top_k = 2});
  EXPECT_EQ(n[0] + n[2] + n[4], 0);
  EXPECT_GT(n[1], 0);
  EXPECT_GT(n[3], 0);
}

TEST(Sampling, TopPKeepsTheSmallestSetThatReachesIt) {
  // The two best hold 0.79 of the probability, the third brings it to 0.93.
  EXPECT_EQ(counts({.temperature = 1, .top_p = 0.78f})[2], 0);
  EXPECT_GT(counts({.temperature = 1, .top_p = 0.80f})[2], 0);
  EXPECT_EQ(counts({.temperature = 1, .top_p = 0.80f})[0], 0);
}

TEST(Sampling, MinPIsRelativeToTheBest) {
  const auto n = counts({.temperature = 1, .min_p = 0.3f});  // e^-1 = 0.37 stays, e^-2 = 0.14 goes
  EXPECT_GT(n[2], 0);
  EXPECT_EQ(n[0] + n[4], 0);
}

TEST(Sampling, RepetitionPenaltyLowersWhatWasSeen) {
  const std::vector<int32_t> seen = {1, 1, 3, 900};
  EXPECT_EQ(sample(kLogits, seen, {.repetition_penalty = 2}, 0), 2);
}

TEST(Sampling, IsAFunctionOfSeedAndPosition) {
  const GenerateOptions o{.temperature = 1, .seed = 3};
  for (int64_t i = 0; i < 50; ++i) EXPECT_EQ(sample(kLogits, {}, o, i), sample(kLogits, {}, o, i));
  EXPECT_NE(counts(o), counts({.temperature = 1, .seed = 4}));
}

TEST(Sampling, SkipsNan) {
  const std::vector<float> some = {NAN, 1, NAN}, none = {NAN, NAN};
  EXPECT_EQ(sample(some, {}, {}, 0), 1);
  EXPECT_EQ(sample(some, {}, {.temperature = 1}, 0), 1);
  EXPECT_THROW(sample(none, {}, {}, 0), Error);
  EXPECT_THROW(sample(none, {}, {.temperature = 1}, 0), Error);
}

// As near to 0 as it gets, the temperature leaves the best alone: here two of them.
TEST(Sampling, TinyTemperatureTakesTheBest) {
  for (const float temperature : {1e-3f, 1e-38f, 1e-45f}) {
    for (const GenerateOptions& o :
         {GenerateOptions{.temperature = temperature},
          GenerateOptions{.temperature = temperature, .top_p = 0.9f, .min_p = 0.1f}}) {
      const auto n = counts(o);
      EXPECT_EQ(n[1] + n[3], 20000) << temperature;
      EXPECT_GT(n[1], 0);
      EXPECT_GT(n[3], 0);
    }
  }
}

TEST(Sampling, TakesInfiniteLogits) {
  const std::vector<float> some = {1, -INFINITY, INFINITY, 3e38f};
  const std::vector<float> none = {-INFINITY, NAN};
  for (const float temperature : {1e-38f, 1.f, 1e38f}) {
    EXPECT_EQ(sample(some, {}, {.temperature = temperature}, 0), 2);
    EXPECT_EQ(sample(none, {}, {.temperature = temperature}, 0), 0);
  }
}

TEST(Sampling, RejectsBadArguments) {
  EXPECT_NO_THROW(check_sampling({}));
  EXPECT_THROW(check_sampling({.temperature = -1}), Error);
  EXPECT_THROW(check_sampling({.temperature = NAN}), Error);
  EXPECT_THROW(check_sampling({.top_k = -1}), Error);
  EXPECT_THROW(check_sampling({.top_p = 0}), Error);
  EXPECT_THROW(check_sampling({.min_p = 2}), Error);
  EXPECT_THROW(check_sampling({.repetition_penalty = 0}), Error);
  EXPECT_THROW(check_sampling({.max_tokens = 0}), Error);
}

}  // namespace
}  // namespace pewter
