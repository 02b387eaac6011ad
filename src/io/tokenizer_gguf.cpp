// tokenizer.ggml.* of a GGUF file. The file holds the vocabulary and merges, and only the name of
// the patterns; what a name means is llama.cpp's convention.
#include <algorithm>

#include "io/tokenizer.h"
#include "io/tokenizer_parts.h"
#include "pewter/error.h"

namespace pewter::io {
namespace {

// tokenizer.ggml.token_type
enum class TokenType : int64_t { normal = 1, unknown = 2, control = 3, user = 4, unused = 5 };

void read_vocabulary(const GgufFile& file, TokenizerParts* parts) {
  const auto& tokens = file.strings("tokenizer.ggml.tokens");
  const auto types = file.find_integers("tokenizer.ggml.token_type");
  if (types && types->size() != tokens.size())
    throw_error(ErrorCode::format, "[tokenizer] {}: {} tokens but {} token types", file.name(),
                tokens.size(), types->size());
  parts->vocabulary.resize(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) {
    const auto type = types ? static_cast<TokenType>((*types)[id]) : TokenType::normal;
    if (type == TokenType::unused) continue;
    parts->vocabulary[id] = tokens[id];
    if (type == TokenType::normal || tokens[id].empty()) continue;
    if (type == TokenType::control || type == TokenType::user || type == TokenType::unknown)
      parts->added.push_back({static_cast<int32_t>(id), std::string(tokens[id]),
                              type != TokenType::user, false, false});
  }
}

void read_merges(const GgufFile& file, TokenizerParts* parts) {
  const auto& merges = file.strings("tokenizer.ggml.merges");
  parts->merges.reserve(merges.size());
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const std::string_view merge = merges[rank];
    const size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size())
      throw_error(ErrorCode::format, "[tokenizer] {}: merge {} is '{}', not two tokens",
                  file.name(), rank, merge.substr(0, 80));
    parts->merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
}

std::optional<int32_t> read_id(const GgufFile& file, std::string_view key, size_t size) {
  const auto id = file.find_integer(key);
  if (!id) return std::nullopt;
  if (*id < 0 || static_cast<size_t>(*id) >= size)
    throw_error(ErrorCode::format, "[tokenizer] {}: {} is {}, outside the vocabulary of {}",
                file.name(), key, *id, size);
  return static_cast<int32_t>(*id);
}

}  // namespace

Tokenizer Tokenizer::from_gguf(const GgufFile& file) {
  const std::string_view model = file.string("tokenizer.ggml.model");
  if (model != "gpt2")
    throw_error(ErrorCode::format,
                "[tokenizer] {}: tokenizer.ggml.model '{}' is not supported; 'gpt2' (byte-level "
                "BPE) is",
                file.name(), model);
  TokenizerParts parts;
  parts.file = file.name();
  read_vocabulary(file, &parts);
  read_merges(file, &parts);
  const std::string_view name = file.find_string("tokenizer.ggml.pre").value_or("default");
  NamedPreTokenizer scheme = named_pre_tokenizer(file.name(), name);
  parts.rules = std::move(scheme.rules);
  parts.ignore_merges = scheme.ignore_merges;
  parts.nfc = scheme.nfc;
  const size_t size = parts.vocabulary.size();
  parts.bos = read_id(file, "tokenizer.ggml.bos_token_id", size);
  parts.eos = read_id(file, "tokenizer.ggml.eos_token_id", size);
  // Llama 3's files may leave the flag out; llama.cpp then adds bos for its pre-tokenizer alone.
  const bool is_llama3 = name == "llama-bpe" || name == "llama3" || name == "llama-v3";
  parts.add_bos = file.find_bool("tokenizer.ggml.add_bos_token").value_or(is_llama3);
  for (const char* key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"})
    if (const auto id = read_id(file, key, size)) parts.end_of_generation.push_back(*id);
  if (const auto text = file.find_string("tokenizer.chat_template"))
    parts.chat_template = std::string(*text);
  return Tokenizer(build_tokenizer(std::move(parts)));
}

}  // namespace pewter::io
