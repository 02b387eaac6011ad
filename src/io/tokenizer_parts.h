// What both sources of a tokenizer (GGUF metadata, tokenizer.json) come down to, and the finished
// state that is built from it once everything has been checked.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/added_tokens.h"
#include "io/bpe.h"
#include "io/pre_tokenizer.h"

namespace pewter::io {

struct TokenizerParts {
  std::string file;                     // for messages
  std::vector<std::string> vocabulary;  // by id, in the byte alphabet; empty: not a BPE token
  std::vector<std::pair<std::string, std::string>> merges;  // by rank
  std::vector<AddedToken> added;
  std::vector<SplitRule> rules;
  bool ignore_merges = false;
  bool nfc = false;
  std::optional<std::string> unknown_token;
  bool fuse_unknown = false;
  std::optional<int32_t> bos, eos;
  bool add_bos = false;
  std::vector<int32_t> end_of_generation;  // from metadata; eos and known names are added
  std::optional<std::string> chat_template;
};

struct TokenizerState {
  std::string file;
  std::vector<std::string> spelling;  // as in the vocabulary; empty for ids that are only added
  std::vector<std::string> bytes;     // what decode gives
  std::vector<bool> special;
  std::vector<std::pair<int32_t, int32_t>> merges;  // by rank
  Bpe bpe;
  std::unique_ptr<PreTokenizer> pre_tokenizer;
  AddedTokens added;
  bool nfc = false;
  std::optional<int32_t> bos, eos;
  bool add_bos = false;
  std::vector<int32_t> end_of_generation;
  std::optional<std::string> chat_template;
  std::vector<uint8_t> missing_bytes;
};

std::shared_ptr<const TokenizerState> build_tokenizer(TokenizerParts parts);

}  // namespace pewter::io
