// Which tokens an example becomes, and which of them the loss counts.
#include "train/tokenise.h"

#include <gtest/gtest.h>

#include "support.h"

namespace pewter {
namespace {

using test::expect_error;
using test::kChatMl;
using test::TempFolder;
using test::write_tiny_model;

DatasetImpl parse(std::string_view text) { return parse_dataset(io::copy_bytes("d.jsonl", text)); }

struct Case {
  explicit Case(const std::string& chat_template = kChatMl)
      : model(Model::load(write_tiny_model(folder / "model", chat_template), {.device = "cpu"})) {}
  Document document(const std::string& line, bool raw = false) {
    const DatasetImpl data = parse(line);
    return Tokeniser(model, raw).document(data, data.examples[0]);
  }
  std::string text(const Document& d, bool counted) const {
    std::vector<int32_t> ids;
    for (size_t i = 0; i < d.ids.size(); ++i) {
      if ((d.counted[i] != 0) == counted) ids.push_back(d.ids[i]);
    }
    return model.decode(ids);
  }
  TempFolder folder;
  Model model;
};

TEST(Tokenise, PairGoesThroughTheTemplate) {
  Case c;
  const Document d = c.document(R"({"prompt": "hi", "completion": "the end"})");
  EXPECT_EQ(c.text(d, false), "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(c.text(d, true), "the end<|im_end|>");
  // The prompt's tokens are those of generation.
  const auto prompt = c.model.encode(c.model.chat_prompt({{"user", "hi"}}));
  ASSERT_GT(d.ids.size(), prompt.size());
  EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), d.ids.begin()));
  EXPECT_EQ(d.ids.back(), 2);
  EXPECT_EQ(d.counted_tokens(), static_cast<int64_t>(d.ids.size() - prompt.size()));
}

TEST(Tokenise, RawPairAndModelsWithoutTemplate) {
  Case plain(""), chat;
  for (const auto& [c, raw] : {std::pair(&plain, false), std::pair(&chat, true)}) {
    const Document d = c->document(R"({"prompt": "hi ", "completion": "the"})", raw);
    EXPECT_EQ(c->text(d, false), "hi ");
    EXPECT_EQ(c->text(d, true), c == &plain ? "the<|endoftext|>" : "the<|im_end|>");
  }
}

TEST(Tokenise, TextCountsAllTokens) {
  Case c;
  const Document d = c.document(R"({"text": "the cat"})");
  EXPECT_EQ(c.text(d, true), "the cat<|im_end|>");
  EXPECT_EQ(d.counted_tokens(), d.size() - 1);  // the first is never predicted
}

// Llama 3's template writes bos itself; a model that wants one gets it once either way.
TEST(Tokenise, BosComesOnce) {
  for (const std::string before : {"", "{{ bos_token }}"}) {
    TempFolder folder;
    write_tiny_model(folder / "model", before + kChatMl);
    const std::string path = folder / "model/tokenizer_config.json";
    io::Json config = io::Json::parse(test::read_text(path));
    config.update({{"bos_token", "<|endoftext|>"}, {"add_bos_token", true}});
    test::write_text(path, config.dump());
    const Model model = Model::load(folder / "model", {.device = "cpu"});
    const auto bos_in = [](const std::vector<int32_t>& ids) {
      EXPECT_EQ(ids.at(0), 0);
      return std::count(ids.begin(), ids.end(), 0);
    };
    EXPECT_EQ(bos_in(model.encode(model.chat_prompt({{"user", "hi"}}))), 1) << before;
    EXPECT_EQ(bos_in(model.encode("hi")), 1);
    EXPECT_EQ(bos_in(model.encode("")), 1);
    EXPECT_EQ(bos_in(model.encode("<|endoftext|>", false)), 1) << "as text, not as the token";
    const DatasetImpl data = parse(R"({"prompt": "hi", "completion": "the end"})");
    const Tokeniser tokeniser(model, false);
    EXPECT_EQ(bos_in(tokeniser.document(data, data.examples[0]).ids), 1) << before;
    EXPECT_EQ(bos_in(tokeniser.question(data, data.examples[0])->prompt_ids), 1) << before;
  }
}

// Special tokens written in data are text, except in a prompt, which generate() reads the same way.
TEST(Tokenise, AnswersHoldNoSpecialTokens) {
  Case c;
  const Document d = c.document(R"({"prompt": "a", "completion": "<|im_end|>"})");
  EXPECT_EQ(std::count(d.ids.begin(), d.ids.end(), 2), 2);  // the user's and the assistant's end
}

TEST(Tokenise, EveryAnswerOfAConversationCounts) {
  Case c;
  const Document d = c.document(
      R"({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}, {"role": "user", "content": "e"}]})");
  EXPECT_EQ(c.text(d, true), "b<|im_end|>d<|im_end|>");
  EXPECT_EQ(c.text(d, false),
            "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\na<|im_end|>\n"
            "<|im_start|>assistant\n\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n");
}

// A template that drops what was said before the last question, as some drop earlier reasoning.
TEST(Tokenise, RewrittenHistoryCountsTheLastAnswerOnly) {
  Case c(
      "{% for m in messages %}{% if m['role'] == 'assistant' and not loop.last %}(cut)"
      "<|im_end|>{% else %}<|im_start|>{{ m['role'] }}:{{ m['content'] }}<|im_end|>{% endif %}"
      "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant:{% endif %}");
  const Document d = c.document(
      R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}]})");
  EXPECT_EQ(c.text(d, true), "d<|im_end|>");
  EXPECT_EQ(c.text(d, false),
            "<|im_start|>user:a<|im_end|>(cut)<|im_end|><|im_start|>user:c<|im_end|>"
            "<|im_start|>assistant:");
}

TEST(Tokenise, TrimmingTemplatesTrimTheAnswer) {
  Case c(
      "{% for m in messages %}<|im_start|>{{ m['role'] }}:{{ m['content'] | trim }}<|im_end|>"
      "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant:{% endif %}");
  EXPECT_EQ(c.text(c.document(R"({"prompt": " a ", "completion": " b "})"), true), "b<|im_end|>");
}

TEST(Tokenise, CutsAndDropsWithACount) {
  Case c;
  const DatasetImpl data = parse(
      "{\"prompt\": \"hi\", \"completion\": \"there\"}\n"
      "{\"prompt\": \"a prompt that is so long that nothing of the answer is left of it\", "
      "\"completion\": \"b\"}\n"
      "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}");
  const Documents all = tokenise(c.model, data, 512, false);
  EXPECT_EQ(all.documents.size(), 2u);
  EXPECT_EQ(all.dropped, 1);
  EXPECT_EQ(all.cut, 0);
  const Documents some = tokenise(c.model, data, all.documents[0].size() - 2, false);
  ASSERT_EQ(some.documents.size(), 1u);
  EXPECT_EQ(some.dropped, 2);
  EXPECT_EQ(some.cut, 2);
  EXPECT_EQ(some.documents[0].size(), all.documents[0].size() - 2);
  EXPECT_NE(some.hash, all.hash);
}

TEST(Tokenise, QuestionsAreAskedAsInUse) {
  Case c;
  const DatasetImpl data = parse(
      "{\"prompt\": \"p\", \"completion\": \"c\"}\n{\"text\": \"t\"}\n"
      "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"},"
      "{\"role\": \"assistant\", \"content\": \"b\"}]}\n"
      "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}");
  const Tokeniser tokeniser(c.model, false);
  const auto first = tokeniser.question(data, data.examples[0]);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->expected, "c");
  EXPECT_EQ(c.model.decode(first->prompt_ids), c.model.chat_prompt({{"user", "p"}}));
  EXPECT_FALSE(tokeniser.question(data, data.examples[1]));
  EXPECT_EQ(tokeniser.question(data, data.examples[2])->prompt, "a");
  EXPECT_FALSE(tokeniser.question(data, data.examples[3]));
}

TEST(Tokenise, ErrorsNameTheLine) {
  Case plain("");
  expect_error(ErrorCode::format, {"d.jsonl:1", "no chat template"}, [&] {
    plain.document(
        R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]})");
  });
  Case strict(
      "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}"
      "{% endif %}{{ messages[0]['content'] }}<|im_end|>");
  expect_error(ErrorCode::format, {"d.jsonl:1", "no system"}, [&] {
    strict.document(
        R"({"messages": [{"role": "system", "content": "a"}, {"role": "assistant", "content": "b"}]})");
  });
}

}  // namespace
}  // namespace pewter
