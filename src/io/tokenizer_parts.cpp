// Checks and joins the parts of a tokenizer. Every id that leaves this file is below vocab_size().
#include "io/tokenizer_parts.h"

#include <algorithm>
#include <array>
#include <limits>

#include "io/utf8.h"
#include "pewter/error.h"

namespace pewter::io {
namespace {

// Control tokens by which models end a turn or a text, whatever their metadata says.
constexpr std::array kEndNames =
    std::to_array<std::string_view>({"<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>",
                                     "<|end_of_text|>", "<end_of_turn>", "<|end|>", "</s>"});

using Spelling = std::unordered_map<std::string_view, int32_t>;

int32_t require(const Spelling& ids, const TokenizerParts& parts, std::string_view token,
                size_t rank) {
  const auto found = ids.find(token);
  if (found == ids.end())
    throw_error(ErrorCode::format, "[tokenizer] {}: merge {} makes or uses '{}', not a token",
                parts.file, rank, token.substr(0, 80));
  return found->second;
}

void build_merges(const TokenizerParts& parts, const Spelling& ids, TokenizerState* state) {
  state->bpe.merges.reserve(parts.merges.size());
  state->merges.reserve(parts.merges.size());
  std::string joined;
  for (size_t rank = 0; rank < parts.merges.size(); ++rank) {
    const auto& [left, right] = parts.merges[rank];
    joined.assign(left).append(right);
    const int32_t a = require(ids, parts, left, rank), b = require(ids, parts, right, rank);
    const int32_t result = require(ids, parts, joined, rank);
    state->bpe.merges.insert(a, b, {static_cast<int32_t>(rank), result});
    state->merges.emplace_back(a, b);
  }
}

void build_bytes(const Spelling& ids, TokenizerState* state) {
  for (int b = 0; b < 256; ++b) {
    std::string letter;
    append_utf8(byte_to_alphabet(static_cast<uint8_t>(b)), &letter);
    const auto found = ids.find(letter);
    if (found != ids.end()) {
      state->bpe.byte_ids[static_cast<size_t>(b)] = found->second;
    } else {
      state->missing_bytes.push_back(static_cast<uint8_t>(b));
    }
  }
}

void check_id(const TokenizerParts& parts, std::optional<int32_t> id, std::string_view field,
              size_t size) {
  if (id && (*id < 0 || static_cast<size_t>(*id) >= size))
    throw_error(ErrorCode::format, "[tokenizer] {}: {} is {}, outside the vocabulary of {}",
                parts.file, field, *id, size);
}

// Grows the vocabulary to the added tokens' ids, which may leave no more holes than there are
// tokens.
size_t checked_size(const TokenizerParts& parts) {
  size_t size = parts.vocabulary.size();
  const size_t most = 2 * (parts.vocabulary.size() + parts.added.size()) + 1024;
  for (const AddedToken& token : parts.added) {
    if (token.id < 0 || static_cast<size_t>(token.id) >= most)
      throw_error(ErrorCode::format, "[tokenizer] {}: added token '{}' has id {}, but there are {}",
                  parts.file, token.content.substr(0, 80), token.id, parts.vocabulary.size());
    size = std::max(size, static_cast<size_t>(token.id) + 1);
  }
  if (size == 0 || size > size_t{std::numeric_limits<int32_t>::max()} / 2)
    throw_error(ErrorCode::format, "[tokenizer] {}: vocabulary of {} tokens", parts.file, size);
  return size;
}

void place_added(const TokenizerParts& parts, TokenizerState* state) {
  std::unordered_map<std::string_view, int32_t> seen;
  for (const AddedToken& token : parts.added) {
    const auto id = static_cast<size_t>(token.id);
    if (!seen.emplace(token.content, token.id).second)
      throw_error(ErrorCode::format, "[tokenizer] {}: added token '{}' occurs twice", parts.file,
                  token.content.substr(0, 80));
    if (!state->spelling[id].empty() && state->spelling[id] != token.content)
      throw_error(ErrorCode::format, "[tokenizer] {}: id {} is both '{}' and added token '{}'",
                  parts.file, token.id, state->spelling[id].substr(0, 80),
                  token.content.substr(0, 80));
    state->bytes[id] = token.content;
    state->special[id] = token.special;
  }
}

void collect_ends(const TokenizerParts& parts, TokenizerState* state) {
  std::vector<int32_t>& ends = state->end_of_generation;
  for (int32_t id : parts.end_of_generation) {
    check_id(parts, id, "an end-of-generation id", state->bytes.size());
    ends.push_back(id);
  }
  if (state->eos) ends.push_back(*state->eos);
  for (const AddedToken& token : parts.added)
    if (std::ranges::find(kEndNames, token.content) != kEndNames.end()) ends.push_back(token.id);
  std::ranges::sort(ends);
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
}

}  // namespace

std::shared_ptr<const TokenizerState> build_tokenizer(TokenizerParts parts) {
  auto state = std::make_shared<TokenizerState>();
  const size_t size = checked_size(parts);
  state->file = parts.file;
  state->spelling = std::move(parts.vocabulary);
  state->spelling.resize(size);
  state->special.resize(size);
  state->bytes.resize(size);
  Spelling ids;
  ids.reserve(size);
  for (size_t id = 0; id < size; ++id) {
    if (state->spelling[id].empty()) continue;
    ids.insert_or_assign(state->spelling[id], static_cast<int32_t>(id));
    state->bytes[id] = bytes_of_token(state->spelling[id]);
  }
  build_bytes(ids, state.get());
  build_merges(parts, ids, state.get());
  if (parts.unknown_token) {
    const auto found = ids.find(*parts.unknown_token);
    if (found == ids.end())
      throw_error(ErrorCode::format, "[tokenizer] {}: unk_token '{}' is not in the vocabulary",
                  parts.file, parts.unknown_token->substr(0, 80));
    state->bpe.unknown = found->second;
    state->bpe.fuse_unknown = parts.fuse_unknown;
  }
  state->bpe.ignore_merges = parts.ignore_merges;
  place_added(parts, state.get());
  if (parts.ignore_merges)  // views into state->bytes, which stays as it is from here on
    for (const auto& [spelling, id] : ids)
      if (!state->special[static_cast<size_t>(id)])
        state->bpe.words.emplace(state->bytes[static_cast<size_t>(id)], id);
  state->added = AddedTokens(parts.file, parts.added);
  state->pre_tokenizer = std::make_unique<PreTokenizer>(parts.file, std::move(parts.rules));
  state->nfc = parts.nfc;
  check_id(parts, parts.bos, "bos", size);
  check_id(parts, parts.eos, "eos", size);
  state->bos = parts.bos;
  state->eos = parts.eos;
  state->add_bos = parts.add_bos && parts.bos;
  state->chat_template = std::move(parts.chat_template);
  collect_ends(parts, state.get());
  return state;
}

}  // namespace pewter::io
