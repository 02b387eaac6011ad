// Words, numbers, strings and marks of a source text; comments and blanks are left out.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace metal_sim::msl {

enum class TokenKind { word, number, text, mark };

struct Token {
  TokenKind kind;
  size_t at, size;  // in the source
};

std::vector<Token> tokenise(std::string_view source);

}  // namespace metal_sim::msl
