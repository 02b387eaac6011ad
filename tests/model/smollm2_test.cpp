// The real model against transformers on the same weights, dequantised, in double precision
// (tools/golden/smollm2_logits.py). Runs where `pewter fetch smollm2-135m` has been; elsewhere it
// says that it is skipped.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "io/safetensors.h"
#include "model/model_impl.h"
#include "model/placement.h"
#include "model/session.h"
#include "pewter/model.h"
#include "pewter/ops.h"

namespace pewter {
namespace {

namespace fs = std::filesystem;

std::string cached_model() {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const fs::path cache = xdg && *xdg ? fs::path(xdg) : fs::path(home ? home : ".") / ".cache";
  return (cache / "pewter" / "SmolLM2-135M-Instruct.Q4_1.gguf").string();
}

struct SmolLM2 : ::testing::Test {
  void SetUp() override {
    if (!fs::exists(cached_model())) GTEST_SKIP() << cached_model() << " is not there";
    model.emplace(Model::load(cached_model()));
    std::ifstream file(std::string(PEWTER_DATA_DIR) + "/golden/smollm2/texts.json");
    texts = nlohmann::json::parse(file);
  }
  std::optional<Model> model;
  nlohmann::json texts;
};

// Bit j of the v-th draw of SplitMix64(seed) is the sign of entry v in projection j, set for minus.
std::vector<uint64_t> sign_bits(uint64_t seed, size_t n) {
  std::vector<uint64_t> bits(n);
  for (uint64_t& b : bits) {
    uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    b = z ^ (z >> 31);
  }
  return bits;
}

// What the golden file keeps of one position.
struct Position {
  const int32_t* top_ids;
  const float *top_logits, *projections;
  float logsumexp, norm;
};

// The cosine with the golden logits, from the distance that the projections estimate: the mean
// square of 64 projections of the difference is its squared length within a relative standard
// deviation of sqrt(2/64) = 0.18, and 1 - cosine is at most half the squared relative distance.
double estimated_cosine(const float* logits, const std::vector<uint64_t>& bits, const Position& p) {
  double squares = 0;
  for (int j = 0; j < 64; ++j) {
    double projection = 0;
    for (size_t v = 0; v < bits.size(); ++v) {
      projection += (bits[v] >> j) & 1 ? -double{logits[v]} : double{logits[v]};
    }
    squares += (projection - p.projections[j]) * (projection - p.projections[j]);
  }
  return 1 - squares / 64 / (double{p.norm} * p.norm) / 2;
}

TEST_F(SmolLM2, LogitsMatchTransformers) {
  const auto golden =
      io::read_safetensors(std::string(PEWTER_DATA_DIR) + "/golden/smollm2/logits.safetensors");
  const auto floats = [&](const std::string& name) {
    return reinterpret_cast<const float*>(golden.tensors.at(name).data.data());
  };
  for (const auto& text : texts["texts"]) {
    const std::string name = text["name"];
    const auto ids = text["ids"].get<std::vector<int32_t>>();
    auto encoded = model->encode(text["text"].get<std::string>());
    encoded.resize(ids.size());
    EXPECT_EQ(encoded, ids) << name;
    const Tensor logits = model->logits(ids);
    const auto values = logits.to_vector<float>();
    const auto v = static_cast<size_t>(logits.size(1));
    const auto bits = sign_bits(texts["sign_seed"], v);
    const auto* top_ids =
        reinterpret_cast<const int32_t*>(golden.tensors.at(name + ".top_ids").data.data());
    double worst = 1;
    for (size_t t = 0; t < ids.size(); ++t) {
      const Position p{top_ids + t * 64, floats(name + ".top_logits") + t * 64,
                       floats(name + ".projections") + t * 64, floats(name + ".logsumexp")[t],
                       floats(name + ".norm")[t]};
      const float* row = &values[t * v];
      worst = std::min(worst, estimated_cosine(row, bits, p));
      // A chain of K <= 1536 terms of random sign carries K roundings of its running sum, together
      // about 2^-24 sqrt(K / 2) = 2^-19 of its result; the 60 of them that are added to the
      // residual stream make that sqrt(60) = 2^3 times, five standard deviations 2^-14, and a
      // factor of 4 is for what later blocks amplify: 2^-12 of the largest logit.
      for (int i = 0; i < 64; ++i) {
        EXPECT_NEAR(row[p.top_ids[i]], p.top_logits[i], 0x1p-12 * std::abs(p.top_logits[0]))
            << name << " position " << t << " id " << p.top_ids[i];
      }
    }
    // The tolerance above alone puts it within 2^-24 of 1; this is for the logits outside the 64,
    // where a wrong constant or order moves a hundredth of the length or more.
    EXPECT_GE(worst, 0.9999) << name;
    RecordProperty(name + "_cosine", std::to_string(worst));
  }
}

TEST_F(SmolLM2, GreedyContinuationsMatchTransformers) {
  for (const auto& item : texts["greedy"]) {
    const auto expected = item["continuation"].get<std::vector<int32_t>>();
    const std::string prompt = item["prompt"];
    EXPECT_EQ(model->encode(prompt), item["ids"].get<std::vector<int32_t>>()) << prompt;
    // Through the cache and the captured step, past end-of-turn tokens, which generate stops at.
    Session session(model->impl().decoder, 128);
    std::vector<int32_t> made;
    auto logits = session.feed(item["ids"].get<std::vector<int32_t>>());
    while (made.size() < expected.size()) {
      made.push_back(
          static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
      logits = session.feed(std::span(&made.back(), 1));
    }
    EXPECT_EQ(made, expected) << prompt;
  }
}

TEST_F(SmolLM2, PromptKeepsItsBitsHoweverItIsRun) {
  const auto ids = texts["texts"][0]["ids"].get<std::vector<int32_t>>();
  const std::span<const int32_t> some(ids.data(), 70);
  const auto whole = model->logits(some).slice(0, 40, 41).to_vector<float>();
  const auto prefix = model->logits(some.first(41)).slice(0, 40, 41).to_vector<float>();
  EXPECT_EQ(whole, prefix);
  // Through the cache with rounded activations: at once, and from the 31st token one by one.
  Session at_once(model->impl().decoder, 70), one_by_one(model->impl().decoder, 70);
  const auto expected = at_once.feed(some);
  auto logits = one_by_one.feed(some.first(30));
  for (size_t i = 30; i < some.size(); ++i) logits = one_by_one.feed(some.subspan(i, 1));
  EXPECT_EQ(logits, expected);
}

Tensor logits_on(const Decoder& decoder, std::span<const int32_t> ids, Activations activations) {
  NoGrad off;
  const auto tokens = static_cast<int64_t>(ids.size());
  const Device device = decoder.device();
  const Tensor hidden =
      decoder.hidden(from_values(ids, {1, tokens}, {i32, device}), one_sequence(tokens, 0, device),
                     {.activations = activations});
  return decoder.logits(hidden.reshape({tokens, decoder.config().width}), activations);
}

// Standard deviation of what roundings make of a logit, relative to the row's root mean square, for
// chains of terms of random sign. An f32 rounding is off by 2^-25.3 of its value (half a unit at
// most, spread evenly over logarithmic mantissas); a chain of K <= 1536 has K of them on a running
// sum, together 2^-25.3 sqrt(K / 2). An activation rounded to 16 bits is off by 2^-15 / sqrt(12) of
// its group's largest, which is sqrt(32) times the group's root mean square at most. 60 products
// are added to the residual stream; a factor of 4 is for what later blocks amplify.
double expected_deviation(Activations activations) {
  double product = std::exp2(-25.3) * std::sqrt(1536 / 2);
  if (activations == kGeneration) product = std::hypot(product, 0x1p-15 * std::sqrt(32. / 12));
  return 4 * std::sqrt(60) * product;
}

// Holds each row to `expected` within 6 deviations (the largest of 10 million normal numbers lies
// at 5.4), and its root mean square within one. Returns the largest of the latter, over the bound.
double expect_rows(const std::vector<float>& actual, const std::vector<float>& expected,
                   size_t tokens, double deviation) {
  const size_t v = expected.size() / tokens;
  double worst = 0;
  for (size_t t = 0; t < tokens; ++t) {
    double squares = 0, difference_squares = 0, largest = 0;
    for (size_t i = t * v; i < (t + 1) * v; ++i) {
      const double difference = std::abs(double{actual[i]} - expected[i]);
      largest = std::max(largest, difference);
      difference_squares += difference * difference;
      squares += double{expected[i]} * expected[i];
    }
    const double rms = std::sqrt(squares / static_cast<double>(v));
    const double off = std::sqrt(difference_squares / static_cast<double>(v));
    EXPECT_LE(largest, 6 * deviation * rms) << "position " << t;
    EXPECT_LE(off, deviation * rms) << "position " << t;
    worst = std::max(worst, off / (deviation * rms));
  }
  return worst;
}

// Against the project's own definitions, sums in double precision. The first 64 tokens of each
// text: the reference is plain loops, a tenth of a second a token.
TEST_F(SmolLM2, LogitsMatchReferenceDevice) {
  const Decoder ref(model->impl().files, Device("ref"));
  for (const auto& text : texts["texts"]) {
    SCOPED_TRACE(text["name"].get<std::string>());
    const auto all = text["ids"].get<std::vector<int32_t>>();
    const auto ids = std::span(all).first(64);
    const auto expected = logits_on(ref, ids, Activations::f32).to_vector<float>();
    std::vector<float> results[2];
    for (const auto activations : {Activations::f32, kGeneration}) {
      auto& actual = results[activations == kGeneration];
      actual = logits_on(model->impl().decoder, ids, activations).to_vector<float>();
      ASSERT_EQ(actual.size(), expected.size());
      const double worst =
          expect_rows(actual, expected, ids.size(), expected_deviation(activations));
      RecordProperty(text["name"].get<std::string>() +
                         (activations == kGeneration ? "_16_bit" : "_f32") + "_of_bound",
                     std::to_string(worst));
    }
    EXPECT_NE(results[0], results[1]) << "both ran with the same activations";
  }
}

}  // namespace
}  // namespace pewter
