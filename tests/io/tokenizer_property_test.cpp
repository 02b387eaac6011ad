// text -> ids -> text gives the text back, for anything that may come: SmolLM2's tokenizer (the
// golden one, all bytes but those its vocabulary lacks) and a small one that lacks nothing.
#include <set>

#include "io/small_tokenizer.h"
#include "io/tokenizer.h"
#include "support/property.h"

namespace pewter::io {
namespace {

// Pieces that pre-tokenizers, merges, added tokens and UTF-8 checks each treat in their own way.
// clang-format off
const std::vector<std::string> kPieces = {
    "a", "b", "ab", "abab", "l", "The", " the", "don't", "'LL", "I'm", "0", "12", "3456", "٣", "½",
    " ", "  ", "\t", "\n", "\r\n", "\n\n ", "\u00a0", "\u3000", "\u200d", "{", "};", "==", "_",
    "é", "e\u0301", "ß", "ſ", "漢字", "ひ", "한", "ع", "न\u093f", "😀", "👩\u200d🚀", "\u202e", "\ufeff",
    std::string(1, '\0'), "\x01", "\x7f", "\x80", "\xc3", "\xe4\xb8", "\xf0\x9f\x98", "\xff\xfe",
    "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80", "<|im_start|>", "<|im_end|>", "<|endoftext|>",
    "<|im_", "|>", "<|bos|>", "<|x|>"};
// clang-format on

using test::any_of;

std::string any_text() {
  std::string text;
  for (int64_t n = any_of(0, 24); n > 0; --n) {
    if (any_of(0, 7) == 7) {
      for (std::byte b : test::any_bytes(any_of(0, 6))) text += static_cast<char>(b);
    } else {
      text += *rc::gen::elementOf(kPieces);
    }
  }
  return text;
}

void expect_texts_back(const Tokenizer& tokenizer) {
  const std::set<uint8_t> missing(tokenizer.missing_bytes().begin(),
                                  tokenizer.missing_bytes().end());
  EXPECT_PROPERTY("decode(encode(text)) is the text", [&] {
    std::string text = any_text();
    std::erase_if(text, [&](char c) { return missing.contains(static_cast<uint8_t>(c)); });
    for (const bool special : {false, true}) {
      const std::vector<int32_t> ids = tokenizer.encode(text, {.parse_special = special});
      RC_ASSERT(tokenizer.decode(ids) == text);
      std::string pieces;
      for (int32_t id : ids) {
        RC_ASSERT(id >= 0 && id < tokenizer.vocab_size());
        RC_ASSERT(special || !tokenizer.is_special(id));
        pieces += tokenizer.token_bytes(id);
      }
      RC_ASSERT(pieces == text);
    }
  });
}

TEST(Tokenizer, AnyTextComesBack) {
  const SmallTokenizer small;
  const Tokenizer tokenizer = Tokenizer::from_json(copy_bytes("t.json", small.json().dump()));
  EXPECT_TRUE(tokenizer.missing_bytes().empty());
  expect_texts_back(tokenizer);
}

TEST(TokenizerGolden, AnyTextComesBack) {
  expect_texts_back(Tokenizer::from_folder(golden("tokenizer")));
}

}  // namespace
}  // namespace pewter::io
