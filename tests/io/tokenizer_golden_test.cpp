// Ids against the `tokenizers` package, on the lines of data/golden/tokenizer/ (made by
// tools/golden/tokenizer.py), for the vocabulary of SmolLM2 from tokenizer.json and, where the
// model is in the cache, from the GGUF file itself.
#include <chrono>
#include <cstdlib>

#include "io/json_file.h"
#include "io/pre_tokenizer.h"
#include "io/support.h"
#include "io/tokenizer.h"

namespace pewter::io {
namespace {

Json vocabulary_json() {
  const FileBytes file = map_file(golden("tokenizer/tokenizer.json"));
  return parse_json(file.name, file.text());
}

const Tokenizer& smollm2() {
  static const Tokenizer tokenizer =
      Tokenizer::from_json(map_file(golden("tokenizer/tokenizer.json")));
  return tokenizer;
}

std::vector<int32_t> ids_of(const JsonView& field) {
  std::vector<int32_t> ids;
  for (const JsonView& id : field.elements())
    ids.push_back(static_cast<int32_t>(id.integer(0, 1 << 30)));
  return ids;
}

bool has_missing_byte(const Tokenizer& tokenizer, std::string_view text) {
  for (uint8_t byte : tokenizer.missing_bytes())
    if (text.find(static_cast<char>(byte)) != std::string_view::npos) return true;
  return false;
}

void expect_golden(const Tokenizer& tokenizer) {
  size_t cases = 0, round_trips = 0;
  for_each_json_line(
      map_file(golden("tokenizer/cases.jsonl")), [&](size_t line, const JsonView& c) {
        const std::string text(c.at("text").string());
        const auto expected = ids_of(c.at("ids"));
        const auto plain = c.find("plain");
        ++cases;
        EXPECT_EQ(tokenizer.encode(text, {.parse_special = true}), expected) << "line " << line;
        EXPECT_EQ(tokenizer.encode(text), plain ? ids_of(*plain) : expected) << "line " << line;
        if (has_missing_byte(tokenizer, text)) return;
        ++round_trips;
        EXPECT_EQ(tokenizer.decode(expected), text) << "line " << line;
        EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text) << "line " << line;
      });
  EXPECT_GE(cases, 2000u);
  EXPECT_GE(round_trips, 2000u);
}

TEST(TokenizerGolden, SmolLM2FromJson) { expect_golden(smollm2()); }

TEST(TokenizerGolden, WrittenAndReadAgain) {
  const Tokenizer again = Tokenizer::from_json(copy_bytes("again", smollm2().to_json()),
                                               copy_bytes("config", smollm2().config_json()));
  expect_golden(again);
  EXPECT_EQ(again.to_json(), smollm2().to_json());
}

TEST(TokenizerGolden, SmolLM2FromGguf) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::filesystem::path folder =
      cache && *cache ? cache : std::filesystem::path(home ? home : "") / ".cache";
  const auto model = folder / "pewter" / "SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(model)) GTEST_SKIP() << model << " is not there";
  const Tokenizer tokenizer = Tokenizer::from_gguf(GgufFile::open(model));
  expect_golden(tokenizer);
  EXPECT_EQ(tokenizer.vocab_size(), 49152);
  EXPECT_EQ(tokenizer.bos(), 1);
  EXPECT_EQ(tokenizer.eos(), 2);
  EXPECT_FALSE(tokenizer.add_bos());
  EXPECT_EQ(tokenizer.end_of_generation(), (std::vector<int32_t>{0, 2}));
  EXPECT_TRUE(tokenizer.is_special(2));
  EXPECT_FALSE(tokenizer.is_special(100));
  ASSERT_TRUE(tokenizer.chat_template());
  EXPECT_NE(tokenizer.chat_template()->find("<|im_start|>"), std::string::npos);
  // The vocabulary is the one the golden ids were made with.
  EXPECT_EQ(tokenizer.to_json(), smollm2().to_json());
}

// The patterns of the other models, over the same vocabulary.
TEST(TokenizerGolden, OtherSchemes) {
  Json root = vocabulary_json();
  std::map<std::string, Tokenizer> by_name;
  for (const std::string name : {"gpt-2", "llama-bpe", "qwen2", "tekken"}) {
    const NamedPreTokenizer scheme = named_pre_tokenizer("test", name);
    Json other = root;
    Json chain = Json::array();
    for (const SplitRule& rule : scheme.rules)
      chain.push_back({{"type", "Split"},
                       {"pattern", {{"Regex", rule.pattern}}},
                       {"behavior", "Isolated"},
                       {"invert", false}});
    chain.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}});
    other["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", chain}};
    other["model"]["ignore_merges"] = scheme.ignore_merges;
    if (scheme.nfc) other["normalizer"] = {{"type", "NFC"}};
    by_name.emplace(name, Tokenizer::from_json(copy_bytes(name, other.dump())));
  }
  size_t cases = 0;
  for_each_json_line(
      map_file(golden("tokenizer/schemes.jsonl")), [&](size_t line, const JsonView& c) {
        const std::string scheme(c.at("scheme").string());
        const std::string text(c.at("text").string());
        EXPECT_EQ(by_name.at(scheme).encode(text, {.parse_special = true}), ids_of(c.at("ids")))
            << "line " << line << ", " << scheme;
        ++cases;
      });
  EXPECT_GE(cases, 1600u);
}

}  // namespace
}  // namespace pewter::io
