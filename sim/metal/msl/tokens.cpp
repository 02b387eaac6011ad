// Enough of C++'s lexer to tell words from what only looks like them; see tokens.h.
#include "tokens.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace metal_sim::msl {
namespace {

bool starts_word(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool in_word(char c) { return starts_word(c) || is_digit(c); }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) step();
    return std::move(tokens_);
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  void step() {
    const char c = peek();
    if (c == '/' && peek(1) == '/') {
      skip_to("\n");
    } else if (c == '/' && peek(1) == '*') {
      at_ += 2;
      skip_to("*/");
      at_ = std::min(source_.size(), at_ + 2);
    } else if (starts_word(c)) {
      word();
    } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      number();
    } else if (c == '"' || c == '\'') {
      string(c);
    } else if (std::isspace(static_cast<unsigned char>(c)) || continues_line()) {
      ++at_;
    } else {
      add(TokenKind::mark, at_ + 1);
    }
  }

  bool continues_line() const { return peek() == '\\' && (peek(1) == '\n' || peek(1) == '\r'); }

  void skip_to(std::string_view end) { at_ = std::min(source_.find(end, at_), source_.size()); }

  void add(TokenKind kind, size_t end) {
    end = std::min(end, source_.size());
    tokens_.push_back({kind, at_, end - at_});
    at_ = end;
  }

  void word() {
    size_t end = at_;
    while (end < source_.size() && in_word(source_[end])) ++end;
    if (source_.substr(at_, end - at_) == "R" && end < source_.size() && source_[end] == '"') {
      raw_string(end);
    } else {
      add(TokenKind::word, end);
    }
  }

  void raw_string(size_t quote) {
    const size_t open = source_.find('(', quote);
    if (open == std::string_view::npos) return add(TokenKind::mark, at_ + 1);
    const std::string end = ")" + std::string(source_.substr(quote + 1, open - quote - 1)) + "\"";
    const size_t close = source_.find(end, open);
    add(TokenKind::text, close == std::string_view::npos ? source_.size() : close + end.size());
  }

  void number() {
    size_t end = at_;
    while (end < source_.size()) {
      const char c = source_[end], before = end > at_ ? source_[end - 1] : '\0';
      const bool sign = (c == '+' || c == '-') && std::string_view("eEpP").find(before) < 4;
      if (!in_word(c) && c != '.' && c != '\'' && !sign) break;
      // 0x1e+2 is a sum.
      if (sign && before != 'p' && before != 'P' && source_.substr(at_, 2) == "0x") break;
      ++end;
    }
    add(TokenKind::number, end);
  }

  void string(char quote) {
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote && source_[end] != '\n') {
      end += source_[end] == '\\' ? 2 : 1;
    }
    add(TokenKind::text, end + 1);
  }

  std::string_view source_;
  size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenise(std::string_view source) { return Lexer(source).run(); }

}  // namespace metal_sim::msl
