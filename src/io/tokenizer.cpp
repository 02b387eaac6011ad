// encode() in the order `tokenizers` has it: added tokens, normalization, cutting, merging.
#include "io/tokenizer.h"

#include <algorithm>
#include <bit>

#include "io/nfc.h"
#include "io/tokenizer_parts.h"
#include "io/utf8.h"
#include "pewter/error.h"

namespace pewter::io {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;
constexpr size_t kMaxCachedWords = 8192;
constexpr size_t kLeastTextForCache = 512;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

class Encoder {
 public:
  Encoder(const TokenizerState& state, size_t text_bytes, std::vector<int32_t>* out)
      : state_(state), session_(*state.pre_tokenizer), out_(out) {
    if (text_bytes >= kLeastTextForCache)
      scratch_.cache.resize(std::bit_ceil(std::min(kMaxCachedWords, text_bytes / 8)));
  }

  // Text without added tokens: runs of UTF-8 are cut by the patterns, what is between them is not.
  void text(std::string_view whole) {
    while (!whole.empty()) {
      const size_t valid = valid_utf8_prefix(whole);
      if (valid > 0) valid_text(whole.substr(0, valid));
      whole.remove_prefix(valid);
      size_t invalid = 0;
      uint32_t ignored = 0;
      while (invalid < whole.size() && decode_utf8(whole.substr(invalid, 4), &ignored) == 0)
        ++invalid;
      if (invalid > 0) word(whole.substr(0, invalid));
      whole.remove_prefix(invalid);
    }
  }

 private:
  void valid_text(std::string_view text) {
    const auto use = [this](std::string_view piece) { word(piece); };
    if (state_.nfc && !is_surely_nfc(text)) {
      session_.cut(to_nfc(text), use);
    } else {
      session_.cut(text, use);
    }
  }

  void word(std::string_view piece) { state_.bpe.encode_word(piece, &scratch_, out_); }

  const TokenizerState& state_;
  PreTokenizer::Session session_;
  BpeScratch scratch_;
  std::vector<int32_t>* out_;
};

}  // namespace

std::vector<int32_t> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  if (text.size() > kMaxTextBytes)
    throw_error(ErrorCode::argument, "[tokenizer] text of {} bytes; at most {} are taken at once",
                text.size(), kMaxTextBytes);
  std::vector<int32_t> ids;
  if (options.add_bos && state_->bos) ids.push_back(*state_->bos);
  Encoder encoder(*state_, text.size(), &ids);
  state_->added.split(
      text, options.parse_special, [&](std::string_view part) { encoder.text(part); },
      [&](int32_t id) { ids.push_back(id); });
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string text;
  for (int32_t id : ids) {
    const std::string_view bytes = token_bytes(id);
    if (!skip_special || !is_special(id)) text += bytes;
  }
  return text;
}

std::string_view Tokenizer::token_bytes(int32_t id) const {
  if (id < 0 || id >= vocab_size())
    throw_error(ErrorCode::argument, "[tokenizer] {}: id {} is outside the vocabulary of {}",
                state_->file, id, vocab_size());
  return state_->bytes[static_cast<size_t>(id)];
}

int32_t Tokenizer::vocab_size() const { return static_cast<int32_t>(state_->bytes.size()); }
std::optional<int32_t> Tokenizer::bos() const { return state_->bos; }
std::optional<int32_t> Tokenizer::eos() const { return state_->eos; }
bool Tokenizer::add_bos() const { return state_->add_bos; }

bool Tokenizer::is_special(int32_t id) const {
  return id >= 0 && id < vocab_size() && state_->special[static_cast<size_t>(id)];
}

std::optional<int32_t> Tokenizer::find_token(std::string_view bytes) const {
  const auto& all = state_->bytes;
  const auto found = std::ranges::find(all, bytes);
  if (found == all.end() || bytes.empty()) return std::nullopt;
  return static_cast<int32_t>(found - all.begin());
}

const std::vector<int32_t>& Tokenizer::end_of_generation() const {
  return state_->end_of_generation;
}
const std::optional<std::string>& Tokenizer::chat_template() const { return state_->chat_template; }
const std::vector<uint8_t>& Tokenizer::missing_bytes() const { return state_->missing_bytes; }

std::string Utf8Stream::push(std::string_view bytes) {
  pending_ += bytes;
  std::string out;
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const size_t valid = valid_utf8_prefix(rest);
    out += rest.substr(0, valid);
    rest.remove_prefix(valid);
    if (rest.empty() || is_utf8_beginning(rest)) break;
    // One U+FFFD for each longest beginning of a character, as Unicode recommends and Python does.
    size_t bad = 1;
    while (bad < rest.size() && is_utf8_beginning(rest.substr(0, bad + 1))) ++bad;
    out += kReplacement;
    rest.remove_prefix(bad);
  }
  pending_ = std::string(rest);
  return out;
}

std::string Utf8Stream::finish() {
  const bool unfinished = !pending_.empty();
  pending_.clear();
  return unfinished ? std::string(kReplacement) : std::string();
}

}  // namespace pewter::io
