// A byte-level tokenizer small enough to write down: all 256 bytes, a few merges, some control
// tokens; as tokenizer.json and as GGUF metadata.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "io/support.h"
#include "io/utf8.h"

namespace pewter::io {

struct SmallTokenizer {
  std::vector<std::string> tokens;  // 0..2 control, then the bytes, then what the merges make
  std::vector<std::string> merges = {"a b", "ab ab", "Ġ a", "a a", "aa aa", "c ab", "Ã ©", "l l"};

  SmallTokenizer() {
    tokens = {"<|bos|>", "<|im_end|>", "<|x|>"};
    for (int b = 0; b < 256; ++b) {
      std::string letter;
      append_utf8(byte_to_alphabet(static_cast<uint8_t>(b)), &letter);
      tokens.push_back(letter);
    }
    for (const std::string& merge : merges) {
      const size_t space = merge.find(' ');
      tokens.push_back(merge.substr(0, space) + merge.substr(space + 1));
    }
  }

  int32_t id(const std::string& token) const {
    return static_cast<int32_t>(std::ranges::find(tokens, token) - tokens.begin());
  }

  nlohmann::json json() const {
    nlohmann::json vocabulary, added = nlohmann::json::array();
    for (size_t i = 3; i < tokens.size(); ++i) vocabulary[tokens[i]] = i;
    for (int i = 0; i < 3; ++i)
      added.push_back({{"id", i}, {"content", tokens[static_cast<size_t>(i)]}, {"special", true}});
    return {{"added_tokens", added},
            {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
            {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", merges}}}};
  }

  GgufBuilder gguf(const std::string& pre = "gpt-2") const {
    std::vector<int32_t> types(tokens.size(), 1);
    types[0] = types[1] = types[2] = 3;
    GgufBuilder out;
    out.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", pre);
    out.strings("tokenizer.ggml.tokens", tokens).i32s("tokenizer.ggml.token_type", types);
    out.strings("tokenizer.ggml.merges", merges);
    out.u32("tokenizer.ggml.bos_token_id", 0).u32("tokenizer.ggml.eos_token_id", 2);
    return out;
  }
};

}  // namespace pewter::io
