// The tokenizer's own promises: bytes come back, merging is what a plain loop gives, control tokens
// are text unless asked for, hostile vocabularies are refused.
#include "io/tokenizer.h"

#include <chrono>
#include <map>
#include <random>

#include "io/bpe.h"
#include "io/json_file.h"
#include "io/nfc.h"
#include "io/pre_tokenizer.h"
#include "io/small_tokenizer.h"
#include "io/support.h"
#include "io/utf8.h"

namespace pewter::io {
namespace {

Tokenizer from(const Json& json) {
  return Tokenizer::from_json(copy_bytes("tokenizer.json", json.dump()));
}
Tokenizer from(const GgufBuilder& builder) {
  return Tokenizer::from_gguf(GgufFile::parse(copy_bytes("t.gguf", builder.bytes())));
}

std::vector<int32_t> ids(const SmallTokenizer& s, const std::vector<std::string>& tokens) {
  std::vector<int32_t> out;
  for (const std::string& token : tokens) out.push_back(s.id(token));
  return out;
}

TEST(Tokenizer, MergesByRankThenPosition) {
  const SmallTokenizer s;
  for (const Tokenizer& t : {from(s.json()), from(s.gguf())}) {
    EXPECT_EQ(t.encode("abab"), ids(s, {"abab"}));
    EXPECT_EQ(t.encode("aab"), ids(s, {"a", "ab"}));
    EXPECT_EQ(t.encode("aaa"), ids(s, {"aa", "a"}));
    EXPECT_EQ(t.encode("aaaab"), ids(s, {"aa", "a", "ab"}));
    EXPECT_EQ(t.encode("cabab"), ids(s, {"c", "abab"}));
    EXPECT_EQ(t.encode("cab"), ids(s, {"cab"}));
    EXPECT_EQ(t.encode("x abc"), ids(s, {"x", "Ġ", "ab", "c"}));
    EXPECT_EQ(t.encode("é"), ids(s, {"Ã©"}));
    EXPECT_TRUE(t.encode("").empty());
    EXPECT_TRUE(t.missing_bytes().empty());
    EXPECT_EQ(t.vocab_size(), 267);
  }
}

// BPE as it is defined: find the pair of lowest rank, leftmost first, merge it, start again.
std::vector<int32_t> merge_slowly(const Bpe& bpe, std::string_view word) {
  std::vector<int32_t> out;
  for (char c : word) out.push_back(bpe.byte_ids[static_cast<uint8_t>(c)]);
  while (true) {
    const MergeTable::Merge* best = nullptr;
    size_t at = 0;
    for (size_t i = 0; i + 1 < out.size(); ++i) {
      const auto* merge = bpe.merges.find(out[i], out[i + 1]);
      if (merge && (!best || merge->rank < best->rank)) best = merge, at = i;
    }
    if (!best) return out;
    out[at] = best->result;
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

TEST(Bpe, MatchesItsDefinition) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    Bpe bpe;
    for (int i = 0; i < 4; ++i) bpe.byte_ids[static_cast<size_t>('a' + i)] = i;
    const int merges = 1 + static_cast<int>(random() % 40);
    bpe.merges.reserve(static_cast<size_t>(merges));
    for (int32_t rank = 0; rank < merges; ++rank) {
      const auto known = static_cast<uint32_t>(4 + rank);
      const auto left = static_cast<int32_t>(random() % known),
                 right = static_cast<int32_t>(random() % known);
      if (!bpe.merges.find(left, right)) bpe.merges.insert(left, right, {rank, 4 + rank});
    }
    BpeScratch plain, cached;
    cached.cache.resize(16);
    for (int i = 0; i < 100; ++i) {
      std::string word;
      for (size_t n = random() % 60; n > 0; --n) word += static_cast<char>('a' + random() % 4);
      const auto expected = merge_slowly(bpe, word);
      for (BpeScratch* scratch : {&plain, &cached}) {
        std::vector<int32_t> out;
        bpe.encode_word(word, scratch, &out);
        EXPECT_EQ(out, expected) << word;
      }
    }
  }
}

TEST(Bpe, UnknownBytes) {
  Bpe bpe;
  bpe.byte_ids['a'] = 1;
  bpe.merges.reserve(0);
  BpeScratch scratch;
  const auto encode = [&] {
    std::vector<int32_t> out;
    bpe.encode_word("axxa", &scratch, &out);
    return out;
  };
  EXPECT_EQ(encode(), (std::vector<int32_t>{1, 1}));
  bpe.unknown = 9;
  EXPECT_EQ(encode(), (std::vector<int32_t>{1, 9, 9, 1}));
  bpe.fuse_unknown = true;
  EXPECT_EQ(encode(), (std::vector<int32_t>{1, 9, 1}));
}

TEST(Tokenizer, GivesAnyBytesBack) {
  const SmallTokenizer s;
  std::mt19937 random(5);
  for (const char* pre : {"gpt-2", "smollm", "llama-bpe", "tekken", "default"}) {
    const Tokenizer t = from(s.gguf(pre));
    for (int i = 0; i < 500; ++i) {
      std::string text;
      for (size_t n = random() % 50; n > 0; --n)
        text += random() % 3 == 0 ? static_cast<char>(random()) : "ab \n1é'"[random() % 8];
      EXPECT_EQ(t.decode(t.encode(text)), text);
    }
    const std::string broken =
        "ab\xC3 \xF0\x9F\x98 ok \xED\xA0\x80 \xC0\x80 \xF8\x88\x80\x80\x80 \x80\xBF";
    EXPECT_EQ(t.decode(t.encode(broken)), broken);
  }
}

TEST(Tokenizer, InvalidBytesAreWordsOfTheirOwn) {
  const SmallTokenizer s;
  const Tokenizer t = from(s.json());
  EXPECT_EQ(t.encode("a\xFF\xFE"
                     "b"),
            ids(s, {"a", "ÿ", "þ", "b"}));
  // Half of é, then the other half in another run: never merged across valid text.
  EXPECT_EQ(t.encode("\xC3"
                     "x\xA9"),
            ids(s, {"Ã", "x", "©"}));
}

TEST(Tokenizer, ControlTokensAreTextUnlessAskedFor) {
  const SmallTokenizer s;
  const Tokenizer t = from(s.json());
  const std::string text = "ab<|im_end|>ab<|x|><|im_end|<|im_end|>";
  EXPECT_EQ(t.encode(text, {.parse_special = true}).size(), 2 + 1 + 1 + 9 + 1);
  for (int32_t id : t.encode(text)) EXPECT_FALSE(t.is_special(id));
  EXPECT_EQ(t.decode(t.encode(text)), text);
  EXPECT_EQ(t.decode(t.encode(text, {.parse_special = true})), text);
  EXPECT_EQ(t.decode(t.encode(text, {.parse_special = true}), true), "abab<|im_end|");
  EXPECT_EQ(t.end_of_generation(), std::vector<int32_t>{1});
  EXPECT_EQ(t.find_token("<|x|>"), 2);
  EXPECT_EQ(t.find_token("abab"), s.id("abab"));
  EXPECT_EQ(t.find_token("zzz"), std::nullopt);
}

TEST(Tokenizer, AddedTokensLongestFirstWithWhiteSpace) {
  SmallTokenizer s;
  Json json = s.json();
  const auto add = [&](int id, const std::string& content, bool special, bool left, bool right) {
    json["added_tokens"].push_back({{"id", id},
                                    {"content", content},
                                    {"special", special},
                                    {"lstrip", left},
                                    {"rstrip", right}});
  };
  add(267, "<|x|>ab", false, false, false);
  add(268, "<u>", false, false, false);
  add(269, "<m>", true, true, true);
  const Tokenizer t = from(json);
  EXPECT_EQ(t.encode("<|x|>abc", {.parse_special = true}), (std::vector<int32_t>{267, s.id("c")}));
  EXPECT_EQ(t.encode("a<u>b"), (std::vector<int32_t>{s.id("a"), 268, s.id("b")}));  // not special
  EXPECT_EQ(t.encode("a \xE2\x80\x83<m>\n\n b", {.parse_special = true}),
            (std::vector<int32_t>{s.id("a"), 269, s.id("b")}));
  EXPECT_EQ(t.token_bytes(269), "<m>");
}

TEST(Tokenizer, BosAndEnds) {
  SmallTokenizer s;
  const Tokenizer gguf = from(s.gguf("llama-bpe").u32("tokenizer.ggml.eot_token_id", 5));
  EXPECT_TRUE(gguf.add_bos());  // what llama.cpp does for this pre-tokenizer
  EXPECT_EQ(gguf.bos(), 0);
  EXPECT_EQ(gguf.encode("c", {.add_bos = true}), (std::vector<int32_t>{0, s.id("c")}));
  EXPECT_EQ(gguf.end_of_generation(), (std::vector<int32_t>{1, 2, 5}));
  EXPECT_FALSE(from(s.gguf("llama-bpe").boolean("tokenizer.ggml.add_bos_token", false)).add_bos());
  Json json = s.json();
  json["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {{{"SpecialToken", {{"id", "<|bos|>"}}}}, {{"Sequence", {{"id", "A"}}}}}}};
  const auto config = copy_bytes("c", R"({"eos_token":{"content":"<|x|>"},"chat_template":[
      {"name":"tool_use","template":"no"},{"name":"default","template":"yes"}]})");
  const auto generation = copy_bytes("g", R"({"eos_token_id":[7,8],"bos_token_id":3})");
  const Tokenizer t = Tokenizer::from_json(copy_bytes("t", json.dump()), config, generation);
  EXPECT_TRUE(t.add_bos());
  EXPECT_EQ(t.bos(), 0);
  EXPECT_EQ(t.eos(), 2);
  EXPECT_EQ(t.chat_template(), "yes");
  EXPECT_EQ(t.end_of_generation(), (std::vector<int32_t>{1, 2, 7, 8}));
  // Written and read again, it is the same.
  const Tokenizer again =
      Tokenizer::from_json(copy_bytes("t", t.to_json()), copy_bytes("c", t.config_json()));
  EXPECT_EQ(again.bos(), 0);
  EXPECT_EQ(again.eos(), 2);
  EXPECT_TRUE(again.add_bos());
  EXPECT_EQ(again.chat_template(), "yes");
}

TEST(Tokenizer, IgnoreMergesTakesWholeWords) {
  SmallTokenizer s;
  s.tokens.push_back("zab");  // a word that no merges lead to
  EXPECT_EQ(from(s.gguf("llama-bpe")).encode("zab"), ids(s, {"zab"}));
  EXPECT_EQ(from(s.gguf("gpt-2")).encode("zab"), ids(s, {"z", "ab"}));
}

TEST(Tokenizer, RefusesIdsOutsideTheVocabulary) {
  const Tokenizer t = from(SmallTokenizer().json());
  for (int32_t id : {-1, 267, 1 << 30})
    expect_error(ErrorCode::argument, {fmt::format("id {}", id)},
                 [&] { t.decode(std::vector{id}); });
}

// A megabyte without a break, and one of the worst case for a heap: quadratic merging would take
// hours, not seconds.
TEST(Tokenizer, LongWordsAreNotQuadratic) {
  const Tokenizer t = from(SmallTokenizer().json());
  const auto start = std::chrono::steady_clock::now();
  const std::string same(1 << 20, 'a');
  EXPECT_EQ(t.encode(same).size(), same.size() / 4);
  std::string mixed;
  while (mixed.size() < (1 << 20)) mixed += "abcaababca";
  EXPECT_EQ(t.decode(t.encode(mixed)), mixed);
  const std::string spaces(1 << 20, ' ');
  EXPECT_EQ(t.decode(t.encode(spaces)), spaces);
  const std::string almost(1 << 20, '<');
  EXPECT_EQ(t.encode(almost, {.parse_special = true}).size(), almost.size());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

void expect_refused(const std::string& message, const std::function<void(Json*)>& change) {
  SCOPED_TRACE(message);
  Json json = SmallTokenizer().json();
  change(&json);
  expect_error(ErrorCode::format, {"tokenizer.json", message}, [&] { from(json); });
}

TEST(TokenizerJson, RefusesWhatItDoesNotKnowByName) {
  expect_refused("'model.type' is \"Unigram\"", [](Json* j) { (*j)["model"]["type"] = "Unigram"; });
  expect_refused("byte_fallback", [](Json* j) { (*j)["model"]["byte_fallback"] = true; });
  expect_refused("end_of_word_suffix",
                 [](Json* j) { (*j)["model"]["end_of_word_suffix"] = "</w>"; });
  expect_refused("continuing_subword_prefix",
                 [](Json* j) { (*j)["model"]["continuing_subword_prefix"] = "##"; });
  expect_refused("dropout", [](Json* j) { (*j)["model"]["dropout"] = 0.1; });
  expect_refused("\"Lowercase\", a normalizer", [](Json* j) {
    (*j)["normalizer"] = {{"type", "Lowercase"}};
  });
  expect_refused("\"Metaspace\", a pre-tokenizer", [](Json* j) {
    (*j)["pre_tokenizer"] = {{"type", "Metaspace"}};
  });
  expect_refused("\"Digits\", without ByteLevel", [](Json* j) {
    (*j)["pre_tokenizer"] = {{"type", "Digits"}};
  });
  expect_refused("add_prefix_space",
                 [](Json* j) { (*j)["pre_tokenizer"]["add_prefix_space"] = true; });
  expect_refused("\"BertProcessing\", a post-processor", [](Json* j) {
    (*j)["post_processor"] = {{"type", "BertProcessing"}};
  });
  expect_refused("single_word", [](Json* j) { (*j)["added_tokens"][0]["single_word"] = true; });
  expect_refused("\"MergedWithNext\", only Isolated", [](Json* j) {
    (*j)["pre_tokenizer"] = {
        {"type", "Split"}, {"pattern", {{"Regex", "a"}}}, {"behavior", "MergedWithNext"}};
  });
}

TEST(TokenizerJson, RefusesWrongVocabularies) {
  expect_refused("'model' is missing", [](Json* j) { j->erase("model"); });
  expect_refused("'model.vocab' is missing", [](Json* j) { (*j)["model"].erase("vocab"); });
  expect_refused("expected an object", [](Json* j) { (*j)["model"]["vocab"] = {1}; });
  expect_refused("is -1, expected an integer", [](Json* j) { (*j)["model"]["vocab"]["q"] = -1; });
  expect_refused("is 2000000000, expected",
                 [](Json* j) { (*j)["model"]["vocab"]["q"] = 2000000000; });
  expect_refused("share id 10", [](Json* j) { (*j)["model"]["vocab"]["qq"] = 10; });
  expect_refused("merge 8 makes or uses 'qz'",
                 [](Json* j) { (*j)["model"]["merges"].push_back("qz z"); });
  expect_refused("merge 8 makes or uses 'zz'", [](Json* j) {
    (*j)["model"]["merges"].push_back({"z", "z"});
  });
  expect_refused("not two tokens", [](Json* j) { (*j)["model"]["merges"].push_back("a b c"); });
  expect_refused("not two tokens", [](Json* j) { (*j)["model"]["merges"].push_back("ab"); });
  expect_refused("not two tokens", [](Json* j) { (*j)["model"]["merges"].push_back({"a", 1}); });
  expect_refused("not two tokens", [](Json* j) { (*j)["model"]["merges"].push_back(5); });
  expect_refused("has id 1000000", [](Json* j) { (*j)["added_tokens"][0]["id"] = 1000000; });
  expect_refused("is both 'a' and added token '<|bos|>'",
                 [](Json* j) { (*j)["added_tokens"][0]["id"] = 3 + 'a'; });
  expect_refused("added token '<|bos|>' occurs twice",
                 [](Json* j) { (*j)["added_tokens"][1]["content"] = "<|bos|>"; });
  expect_refused("added token 0 has 0 bytes",
                 [](Json* j) { (*j)["added_tokens"][0]["content"] = ""; });
  expect_refused("added token 0 has 2000 bytes",
                 [](Json* j) { (*j)["added_tokens"][0]["content"] = std::string(2000, 'x'); });
  expect_refused("unk_token 'none'", [](Json* j) { (*j)["model"]["unk_token"] = "none"; });
  expect_refused("split pattern '('", [](Json* j) {
    (*j)["pre_tokenizer"] = {
        {"type", "Sequence"},
        {"pretokenizers",
         {{{"type", "Split"}, {"pattern", {{"Regex", "("}}}, {"behavior", "Isolated"}},
          {{"type", "ByteLevel"}}}}};
  });
}

TEST(TokenizerJson, RefusesEveryTruncation) {
  const std::string whole = SmallTokenizer().json().dump();
  for (size_t n = 0; n < whole.size(); n += 1 + n / 64)
    EXPECT_THROW(Tokenizer::from_json(copy_bytes("t", whole.substr(0, n))), Error) << n;
}

Tokenizer that_splits_by(const std::string& pattern) {
  Json json = SmallTokenizer().json();
  json["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}},
        {{"type", "ByteLevel"}, {"use_regex", false}}}}};
  return from(json);
}

// Nested quantifiers: the pattern must give up, not run for years.
TEST(TokenizerJson, HostilePatternsGiveUp) {
  const Tokenizer t = that_splits_by("(a+)+(a+)+$");
  expect_error(ErrorCode::argument, {"(a+)+(a+)+$", "gives up"},
               [&] { t.encode(std::string(5000, 'a') + "b"); });
}

// A place to go back to for every byte of the text: gigabytes, were there no limit.
TEST(TokenizerJson, PatternsThatTakeTooMuchMemoryGiveUp) {
  const Tokenizer t = that_splits_by("(?:a|b)+");
  std::string text(4 << 20, 'a');
  for (size_t i = 0; i < text.size(); i += 2) text[i] = 'b';
  expect_error(ErrorCode::argument, {"(?:a|b)+", "gives up"}, [&] { t.encode(text); });
  text.resize(1 << 14);
  EXPECT_EQ(t.decode(t.encode(text)), text);
}

TEST(TokenizerGguf, RefusesWhatIsWrong) {
  const auto refused = [](const std::string& message, const GgufBuilder& builder) {
    SCOPED_TRACE(message);
    expect_error(ErrorCode::format, {"t.gguf", message}, [&] { from(builder); });
  };
  const SmallTokenizer s;
  refused("no 'tokenizer.ggml.model'", GgufBuilder());
  refused("'llama' is not supported", GgufBuilder().string("tokenizer.ggml.model", "llama"));
  refused("no 'tokenizer.ggml.tokens'", GgufBuilder().string("tokenizer.ggml.model", "gpt2"));
  refused("pre-tokenizer 'martian' is not supported", s.gguf("martian"));
  refused("eot_token_id is 267", s.gguf().u32("tokenizer.ggml.eot_token_id", 267));
  SmallTokenizer short_merge = s;
  short_merge.merges.push_back("a");
  short_merge.merges.back() = "x";
  refused("merge 8 is 'x', not two tokens", short_merge.gguf());
  GgufBuilder types;
  types.string("tokenizer.ggml.model", "gpt2").strings("tokenizer.ggml.tokens", {"a", "b"});
  refused("2 tokens but 1 token types", types.i32s("tokenizer.ggml.token_type", {1}));
}

TEST(Utf8Stream, GivesWholeCharactersOnly) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("a\xC3"), "a");
  EXPECT_EQ(stream.push("\xA9"), "é");
  EXPECT_EQ(stream.push("\xF0\x9F"), "");
  EXPECT_EQ(stream.push("\x98"), "");
  EXPECT_EQ(stream.push("\x80!"), "😀!");
  EXPECT_EQ(stream.push("\xFF"), "\uFFFD");
  EXPECT_EQ(stream.push("\xE2\x82"), "");
  EXPECT_EQ(stream.push("x"), "\uFFFDx");
  EXPECT_EQ(stream.push("\xE2"), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.finish(), "");
}

// Cutting a text anywhere gives the same characters as not cutting it.
TEST(Utf8Stream, DoesNotDependOnTheCuts) {
  std::mt19937 random(9);
  for (int i = 0; i < 300; ++i) {
    std::string bytes;
    for (size_t n = random() % 30; n > 0; --n)
      bytes += random() % 2 ? static_cast<char>(random()) : 'a';
    for (const char* piece : {"é", "😀", "漢", "\xE6\xBC"})
      bytes.insert(random() % (bytes.size() + 1), piece);
    Utf8Stream whole, cut;
    std::string expected = whole.push(bytes);
    expected += whole.finish();
    std::string out;
    for (char c : bytes) {
      const std::string piece = cut.push(std::string_view(&c, 1));
      EXPECT_EQ(valid_utf8_prefix(piece), piece.size());
      out += piece;
    }
    EXPECT_EQ(out + cut.finish(), expected);
  }
}

TEST(Utf8, AcceptsExactlyTheCharacters) {
  size_t valid = 0;
  for (uint32_t c = 0; c <= 0x10FFFF; ++c) {
    std::string text;
    append_utf8(c, &text);
    uint32_t decoded = 0;
    const bool surrogate = c >= 0xD800 && c < 0xE000;
    EXPECT_EQ(decode_utf8(text, &decoded), surrogate ? 0 : text.size());
    if (surrogate) continue;
    ++valid;
    ASSERT_EQ(decoded, c);
    for (size_t n = 1; n < text.size(); ++n) {
      ASSERT_TRUE(is_utf8_beginning(text.substr(0, n)));
      ASSERT_EQ(decode_utf8(text.substr(0, n), &decoded), 0u);
    }
  }
  EXPECT_EQ(valid, 0x110000u - 0x800);
  uint32_t ignored = 0;
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3("})
    EXPECT_EQ(decode_utf8(bad, &ignored), 0u);
  for (int b = 0; b < 256; ++b)
    EXPECT_EQ(alphabet_to_byte(byte_to_alphabet(static_cast<uint8_t>(b))), static_cast<uint8_t>(b));
}

TEST(Nfc, Normalizes) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"plain", "plain"},
      {"e\u0301", "é"},
      {"é", "é"},
      {"\u212B", "Å"},                     // a singleton
      {"q\u0307\u0323", "q\u0323\u0307"},  // marks in order
      {"a\u0328\u0301", "ą\u0301"},        // ogonek composes, acute stays
      {"a\u0301\u0328", "ą\u0301"},
      {"\u1100\u1161\u11A8", "각"},  // Hangul
      {"\uAC00\u11A8", "각"},
      {"\u0958", "\u0915\u093C"},  // excluded from composition
      {"\u0344", "\u0308\u0301"},
      {"a\u0315\u0300\u05AE\u0300b", "\u00E0\u05AE\u0300\u0315b"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(to_nfc(text), expected);
    EXPECT_EQ(to_nfc(expected), expected);
    EXPECT_TRUE(!is_surely_nfc(text) || text == expected) << text;
  }
  EXPECT_TRUE(is_surely_nfc("plain ÿ"));
  EXPECT_FALSE(is_surely_nfc("e\u0301"));
}

}  // namespace
}  // namespace pewter::io
