// A sorted list searched byte by byte does what a trie would, without its memory.
#include "io/added_tokens.h"

#include <algorithm>

#include "io/utf8.h"
#include "pewter/error.h"

namespace pewter::io {
namespace {

// Bounds the work at one position of the text; the longest in use are below 100 bytes.
constexpr size_t kMaxTokenBytes = 1024;

bool is_white_space(uint32_t c) {
  return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

size_t leading_space(std::string_view text) {
  size_t at = 0;
  uint32_t c = 0;
  while (const size_t n = decode_utf8(text.substr(at, 4), &c)) {
    if (!is_white_space(c)) break;
    at += n;
  }
  return at;
}

// `text` without the white space at its end.
std::string_view without_trailing_space(std::string_view text) {
  while (!text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 4 &&
           (static_cast<uint8_t>(text[start]) & 0xC0) == 0x80)
      --start;
    uint32_t c = 0;
    if (decode_utf8(text.substr(start), &c) != text.size() - start || !is_white_space(c)) break;
    text = text.substr(0, start);
  }
  return text;
}

}  // namespace

AddedTokens::AddedTokens(std::string_view file, std::vector<AddedToken> tokens)
    : tokens_(std::move(tokens)) {
  for (const AddedToken& token : tokens_) {
    if (token.content.empty() || token.content.size() > kMaxTokenBytes)
      throw_error(ErrorCode::format, "[tokenizer] {}: added token {} has {} bytes", file, token.id,
                  token.content.size());
    begins_[static_cast<uint8_t>(token.content[0])] = true;
  }
  std::ranges::sort(tokens_, {}, &AddedToken::content);
}

const AddedToken* AddedTokens::longest_match(std::string_view text, bool parse_special) const {
  const AddedToken* best = nullptr;
  auto first = tokens_.begin(), last = tokens_.end();
  for (size_t depth = 0; first != last; ++depth) {
    // Tokens in [first, last) share the first `depth` bytes of the text; the shortest comes first.
    while (first != last && first->content.size() == depth) {
      if (parse_special || !first->special) best = &*first;
      ++first;
    }
    if (depth == text.size()) break;
    const auto byte = static_cast<uint8_t>(text[depth]);
    const auto at_depth = [depth](const AddedToken& t) {
      return static_cast<uint8_t>(t.content[depth]);
    };
    // (Two searches rather than equal_range: its subrange does not compile with clang 14.)
    const auto above = std::ranges::upper_bound(first, last, byte, {}, at_depth);
    first = std::ranges::lower_bound(first, above, byte, {}, at_depth);
    last = above;
  }
  return best;
}

void AddedTokens::split(std::string_view whole, bool parse_special,
                        const std::function<void(std::string_view)>& text,
                        const std::function<void(int32_t)>& token) const {
  size_t done = 0;
  for (size_t at = 0; at < whole.size();) {
    if (!begins_[static_cast<uint8_t>(whole[at])]) {
      ++at;
      continue;
    }
    const AddedToken* match = longest_match(whole.substr(at), parse_special);
    if (!match) {
      ++at;
      continue;
    }
    std::string_view before = whole.substr(done, at - done);
    if (match->strip_left) before = without_trailing_space(before);
    if (!before.empty()) text(before);
    token(match->id);
    at += match->content.size();
    if (match->strip_right) at += leading_space(whole.substr(at));
    done = at;
  }
  if (done < whole.size()) text(whole.substr(done));
}

}  // namespace pewter::io
