// Evaluation against the plain way: one prompt at a time through generate().
#include <gtest/gtest.h>

#include "support.h"
#include "support/quantised_model.h"
#include "train/batch_generate.h"

namespace pewter {
namespace {

using test::TempFolder;
using test::write_text;
using test::write_tiny_model;

// A model that has learnt most of a few answers by heart, so that some are right and others not.
class Evaluate : public ::testing::Test {
 protected:
  static constexpr int kPairs = 8;

  static std::string pair(int i, const char* before = "") {
    constexpr const char* kAnswers[] = {"the cat", "no", "42", "yes and no"};
    return fmt::format("{{\"prompt\": \"question {}\", \"completion\": \"{}{}\"}}\n", i, before,
                       kAnswers[i % 4]);
  }

  static void SetUpTestSuite() {
    folder_ = new TempFolder;
    write_tiny_model(*folder_ / "model");
    std::string train_lines, lines;
    for (int i = 0; i < kPairs; ++i) lines += pair(i);
    for (int i = 0; i < 5; ++i) train_lines += pair(i);
    write_text(*folder_ / "train.jsonl", train_lines);
    write_text(*folder_ / "eval.jsonl", lines + "{\"text\": \"plain text\"}\n");
    model_ = new Model(Model::load(*folder_ / "model", {.device = "cpu"}));
    model_->make_trainable();
    TrainOptions o;
    o.steps = 60;
    o.batch = 5;
    o.seq_len = 128;
    o.learning_rate = 1e-2;
    final_loss_ = train(*model_, Dataset::jsonl(*folder_ / "train.jsonl"), o).final_loss;
  }
  static void TearDownTestSuite() {
    delete model_;
    delete folder_;
  }

  static std::string trimmed(const std::string& text) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return "";
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
  }

  static GenerateResult answer(const std::string& prompt, int max_tokens = 128) {
    GenerateOptions o;
    o.max_tokens = max_tokens;
    return model_->generate(model_->chat_prompt({{"user", prompt}}), o);
  }

  static TempFolder* folder_;
  static Model* model_;
  static double final_loss_;
};
TempFolder* Evaluate::folder_ = nullptr;
Model* Evaluate::model_ = nullptr;
double Evaluate::final_loss_ = 0;

TEST_F(Evaluate, AnswersAreThoseOfGenerate) {
  const Dataset data = Dataset::jsonl(*folder_ / "eval.jsonl");
  for (const int seq_len : {64, 512}) {
    EvalOptions o;
    o.seq_len = seq_len;
    o.complete = 3;
    const EvalResult r = evaluate(*model_, data, o);
    EXPECT_EQ(r.examples, kPairs + 1);
    ASSERT_EQ(r.answers.size(), static_cast<size_t>(kPairs));
    int right = 0;
    for (size_t i = 0; i < r.answers.size(); ++i) {
      const EvalResult::Answer& a = r.answers[i];
      const std::string alone = answer(a.prompt).text;
      EXPECT_EQ(a.right, trimmed(alone) == a.expected) << a.prompt << ": " << alone;
      EXPECT_EQ(alone.substr(0, a.given.size()), a.given) << a.prompt;
      if (a.right || i < 3) {
        EXPECT_EQ(a.given, alone);
      }
      right += a.right;
    }
    EXPECT_GE(right, 4) << "learnt by heart, loss " << final_loss_;
    EXPECT_LT(right, kPairs) << "never seen";
    EXPECT_DOUBLE_EQ(r.exact_match, right / static_cast<double>(kPairs));
  }
}

// The final norm gives one channel of each block of 32 a hundred thousand times the size of the
// others, and the head does not look at it: rounded to 16 bits beside it, the others lose most of
// what they hold, so here rounding decides every token.
Model model_that_rounding_changes() {
  const Model model = test::quantised_model();
  Decoder& decoder = model.impl().decoder;
  for (auto& [name, tensor] : decoder.parameters()) {
    auto values = cast(*tensor, f32).to_vector<float>();
    const bool head = name == "model.embed_tokens.weight";
    if (!head && name != "model.norm.weight") continue;
    for (size_t i = 0; i < values.size(); i += 32) values[i] = head ? 0 : 1e5f;
    const Tensor changed = from_values(values, tensor->shape(), {f32, tensor->device()});
    *tensor = head ? test::to_q8_0(changed) : changed;
  }
  return model;
}

TEST(EvaluateQuantised, AnswersAreThoseOfGenerate) {
  const Model model = model_that_rounding_changes();
  TempFolder folder;
  std::string lines;
  std::vector<std::string> alone;
  constexpr int kTokens = 6;
  for (int i = 0; i < 8; ++i) {
    const std::string prompt = fmt::format("turn on lamp {}", i);
    alone.push_back(
        model.generate(model.chat_prompt({{"user", prompt}}), {.max_tokens = kTokens}).text);
    lines += io::Json{{"prompt", prompt}, {"completion", alone.back()}}.dump() + "\n";
  }
  write_text(folder / "eval.jsonl", lines);
  EvalOptions o;
  o.max_tokens = kTokens;
  o.complete = 8;
  const EvalResult r = evaluate(model, Dataset::jsonl(folder / "eval.jsonl"), o);
  ASSERT_EQ(r.answers.size(), alone.size());
  for (size_t i = 0; i < alone.size(); ++i) EXPECT_EQ(r.answers[i].given, alone[i]);
  EXPECT_EQ(r.exact_match, 1);
}

TEST_F(Evaluate, LossDoesNotDependOnRows) {
  const Dataset data = Dataset::jsonl(*folder_ / "eval.jsonl");
  EvalOptions o;
  o.exact_match = false;
  const EvalResult wide = evaluate(*model_, data, o);
  o.seq_len = 48;
  const EvalResult narrow = evaluate(*model_, data, o);
  EXPECT_EQ(wide.tokens, narrow.tokens);
  // Sums of `tokens` f32 terms in another order.
  EXPECT_NEAR(wide.loss, narrow.loss, static_cast<double>(wide.tokens) * 0x1p-24 * wide.loss);
  EXPECT_DOUBLE_EQ(wide.perplexity, std::exp(wide.loss));
  EXPECT_TRUE(wide.answers.empty());
}

// The model answers without the blank that this file wants first, so its tokens leave the expected
// ones at once; outer blanks do not count, so the answer is still right.
TEST_F(Evaluate, OtherTokensForTheSameAnswerAreRight) {
  std::string lines;
  for (int i = 0; i < 4; ++i) lines += pair(i, " ");
  write_text(*folder_ / "blank.jsonl", lines);
  const EvalResult r = evaluate(*model_, Dataset::jsonl(*folder_ / "blank.jsonl"));
  for (const EvalResult::Answer& a : r.answers) {
    EXPECT_EQ(a.right, trimmed(answer(a.prompt).text) == trimmed(a.expected)) << a.given;
  }
  EXPECT_GE(r.exact_match, 0.75);
}

TEST_F(Evaluate, AnswersEndAtMaxTokens) {
  const Dataset data = Dataset::jsonl(*folder_ / "eval.jsonl");
  for (const int max_tokens : {1, 2, 3, 8}) {
    EvalOptions o;
    o.max_tokens = max_tokens;
    for (const EvalResult::Answer& a : evaluate(*model_, data, o).answers) {
      const std::string alone = answer(a.prompt, max_tokens).text;
      EXPECT_EQ(a.right, trimmed(alone) == a.expected) << a.prompt << " " << max_tokens;
    }
  }
}

// Prompts that do not fit a row are answered by generation.
TEST_F(Evaluate, LongExamplesAreCutForTheLossOnly) {
  const Dataset data = Dataset::jsonl(*folder_ / "train.jsonl");
  EvalOptions o;
  const EvalResult whole = evaluate(*model_, data, o);
  o.seq_len = 32;
  const EvalResult cut = evaluate(*model_, data, o);
  EXPECT_LT(cut.tokens, whole.tokens);
  EXPECT_EQ(whole.cut, 0);
  EXPECT_GT(cut.cut, 0);
  EXPECT_FALSE(whole.cancelled);
  EXPECT_EQ(cut.exact_match, whole.exact_match);
}

TEST_F(Evaluate, CanBeCancelled) {
  const Dataset data = Dataset::jsonl(*folder_ / "eval.jsonl");
  EvalOptions o;
  o.seq_len = 48;
  int calls = 0;
  o.cancelled = [&] { return calls++ >= 1; };
  int64_t last = 0;
  o.on_progress = [&](int64_t done, int64_t all) {
    EXPECT_GT(done, last);
    EXPECT_EQ(all, kPairs + 1);
    last = done;
  };
  const EvalResult r = evaluate(*model_, data, o);
  EXPECT_TRUE(r.cancelled);
  EXPECT_LT(r.examples, kPairs + 1);
  EXPECT_EQ(r.all, kPairs + 1);
  EXPECT_TRUE(r.answers.empty());  // no share of answers that were not asked
}

TEST_F(Evaluate, BatchedAnswersAreThoseOfOneByOne) {
  std::vector<GenerateResult> alone;
  std::vector<std::vector<int32_t>> prompts;
  std::string prompt = "question";
  for (int i = 0; i < 9; ++i) {
    prompt += static_cast<char>('0' + i);
    prompts.push_back(model_->encode(model_->chat_prompt({{"user", prompt}})));
    alone.push_back(answer(prompt, 12 + i % 3));
  }
  for (const int64_t batch : {1, 2, 4, 16}) {
    std::vector<AnswerTask> tasks(prompts.size());
    for (size_t i = 0; i < tasks.size(); ++i) {
      tasks[i].prompt = prompts[i];
      tasks[i].max_tokens = 12 + static_cast<int64_t>(i) % 3;
    }
    generate_batch(*model_, tasks, batch);
    for (size_t i = 0; i < tasks.size(); ++i) {
      EXPECT_EQ(tasks[i].ids, alone[i].ids) << "prompt " << i << ", batch " << batch;
      EXPECT_EQ(tasks[i].ended, alone[i].finish == "stop");
    }
  }
}

TEST_F(Evaluate, RefusesOptionsOutOfRange) {
  const Dataset data = Dataset::jsonl(*folder_ / "eval.jsonl");
  for (const EvalOptions& o :
       {EvalOptions{.batch = 0}, EvalOptions{.seq_len = 1}, EvalOptions{.max_tokens = 0}}) {
    test::expect_error(ErrorCode::argument, {"seq_len", "max_tokens", "batch"},
                       [&] { evaluate(*model_, data, o); });
  }
}

}  // namespace
}  // namespace pewter
