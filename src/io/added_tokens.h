// Tokens that are matched in the text before it is cut into words: control tokens (only where the
// caller asks for them) and tokens a user added to the vocabulary. Leftmost match first, longest
// among those, as in `tokenizers`.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pewter::io {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;
  bool strip_left = false;   // takes the white space before it along
  bool strip_right = false;  // ... and after it
};

class AddedTokens {
 public:
  AddedTokens() = default;
  // Throws ErrorCode::format (with `file`) for an empty or overlong token.
  AddedTokens(std::string_view file, std::vector<AddedToken> tokens);

  // By content, in byte order.
  const std::vector<AddedToken>& tokens() const { return tokens_; }

  // Calls text() and token() for the parts of `whole` in order.
  void split(std::string_view whole, bool parse_special,
             const std::function<void(std::string_view)>& text,
             const std::function<void(int32_t)>& token) const;

 private:
  const AddedToken* longest_match(std::string_view text, bool parse_special) const;

  std::vector<AddedToken> tokens_;
  std::array<bool, 256> begins_{};  // bytes a token begins with
};

}  // namespace pewter::io
