// One model used by several threads at once: each gets what it would get alone. Weights, what is
// derived from them, the chat template and the allocator are shared; run under the thread
// sanitizer.
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "model/session.h"
#include "support/quantised_model.h"

namespace pewter {
namespace {

// Runs `body(i)` for i in 0 .. 3, each on a thread of its own.
void on_four_threads(const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

std::vector<float> fed(const Model& model, int first) {
  Session session(model.impl().decoder, 24);
  std::vector<int32_t> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(first + i);
  std::vector<float> logits = session.feed(ids);
  for (int i = 0; i < 4; ++i) logits = session.feed(std::span(&ids[static_cast<size_t>(i)], 1));
  return logits;
}

TEST(SeveralThreads, FeedSessionsOfOneModel) {
  const Model alone = test::quantised_model(), shared = test::quantised_model();
  std::vector<float> expected[4], actual[4];
  for (int i = 0; i < 4; ++i) expected[i] = fed(alone, 5 + i);
  on_four_threads([&](int i) { actual[i] = fed(shared, 5 + i); });
  for (int i = 0; i < 4; ++i) EXPECT_EQ(actual[i], expected[i]) << i;
}

TEST(SeveralThreads, GenerateFromOneModel) {
  const std::string source = std::string(PEWTER_DATA_DIR) + "/small";
  const Model alone = Model::load(source, {.device = "cpu"});
  const Model shared = Model::load(source, {.device = "cpu"});
  const auto answer = [](const Model& model, int i) {
    const auto prompt = model.chat_prompt({{"user", "turn on lamp " + std::to_string(i)}});
    return model.generate(prompt, {.max_tokens = 8, .temperature = 1}).text;
  };
  std::string actual[4];
  on_four_threads([&](int i) { actual[i] = answer(shared, i); });
  for (int i = 0; i < 4; ++i) EXPECT_EQ(actual[i], answer(alone, i)) << i;
}

TEST(SeveralThreads, ShareATokenizer) {
  const Model model = Model::load(std::string(PEWTER_DATA_DIR) + "/small", {.device = "cpu"});
  std::string text[4], decoded[4];
  for (int i = 0; i < 4; ++i) {
    for (int n = 0; n < 200; ++n) text[i] += "lamp no. " + std::to_string(n * i) + " <|im_end|>\n";
  }
  on_four_threads([&](int i) { decoded[i] = model.decode(model.encode(text[i])); });
  for (int i = 0; i < 4; ++i) EXPECT_EQ(decoded[i], text[i]) << i;
}

}  // namespace
}  // namespace pewter
