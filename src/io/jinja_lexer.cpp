// Jinja's lexer with trim_blocks and lstrip_blocks on, as transformers sets them: the newline after
// a block tag goes, and so does the indentation of a line that holds nothing before its block tag.
#include <algorithm>
#include <array>

#include "io/jinja_ast.h"
#include "io/utf8.h"

namespace pewter::io::jinja {
namespace {

constexpr std::string_view kSpace = " \t\n\r\f\v";

// Longest first.
constexpr std::array<std::string_view, 24> kOperators = {
    "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~",
    "<",  ">",  "=",  "|",  ".",  ",",  ":", "(", ")", "[", "]", "{"};

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "\r\n" and "\r" become "\n", and one newline at the very end goes, as Jinja does.
std::string normalized(std::string_view source) {
  std::string out;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalized(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      const size_t tag = find_tag();
      text_until(tag);
      if (tag == std::string::npos) break;
      read_tag();
    }
    add(TokenKind::end, "");
    return std::move(tokens_);
  }

 private:
  void add(TokenKind kind, std::string text) { tokens_.push_back({kind, line_, std::move(text)}); }

  std::string_view rest() const { return std::string_view(source_).substr(at_); }

  void advance(size_t bytes) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(at_ + bytes),
                                         '\n'));
    at_ += bytes;
  }

  size_t find_tag() const {
    for (size_t i = at_; i + 1 < source_.size(); ++i)
      if (source_[i] == '{' &&
          (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#'))
        return i;
    return std::string::npos;
  }

  char char_at(size_t i) const { return i < source_.size() ? source_[i] : '\0'; }

  // The text before the tag at `tag`, less what the tag's white space control takes from its end.
  void text_until(size_t tag) {
    const size_t end = std::min(tag, source_.size());
    std::string_view text = rest().substr(0, end - at_);
    const bool line_start = at_ == 0 || source_[at_ - 1] == '\n';
    if (tag != std::string::npos) {
      const char control = char_at(tag + 2);
      if (control == '-') {
        text = text.substr(0, text.find_last_not_of(kSpace) + 1);
      } else if (control != '+' && source_[tag + 1] != '{') {
        const size_t newline = text.rfind('\n');
        const size_t line = newline == text.npos ? 0 : newline + 1;
        const bool starts_line = newline != text.npos || line_start;
        if (starts_line && text.find_first_not_of(kSpace, line) == text.npos)
          text = text.substr(0, line);
      }
    }
    if (!text.empty()) add(TokenKind::text, std::string(text));
    advance(end - at_);
  }

  void read_tag() {
    const char kind = source_[at_ + 1];
    advance(2);
    if (char_at(at_) == '-' || char_at(at_) == '+') advance(1);
    if (kind == '#') {
      const size_t end = rest().find("#}");
      if (end == std::string::npos) fail(line_, "comment without an end");
      const bool strip = end > 0 && rest()[end - 1] == '-';
      advance(end + 2);
      after_tag(strip, true);
      return;
    }
    const bool is_block = kind == '%';
    add(is_block ? TokenKind::begin_block : TokenKind::begin_output, "");
    read_expression_tokens(is_block ? "%}" : "}}", is_block);
  }

  // White space behind a tag: "-" takes all of it, a block tag its newline (trim_blocks).
  void after_tag(bool strip, bool trims_newline) {
    if (strip) {
      advance(std::min(rest().find_first_not_of(kSpace), rest().size()));
    } else if (trims_newline && char_at(at_) == '\n') {
      advance(1);
    }
  }

  void read_expression_tokens(std::string_view closing, bool is_block) {
    int braces = 0;
    while (true) {
      advance(std::min(rest().find_first_not_of(kSpace), rest().size()));
      if (at_ >= source_.size()) fail(line_, "tag without '{}'", closing);
      const char control = rest()[0];
      const bool has_control =
          (control == '-' || control == '+') && rest().substr(1).starts_with(closing);
      if (braces == 0 && (has_control || rest().starts_with(closing))) {
        advance(has_control ? 3 : 2);
        add(is_block ? TokenKind::end_block : TokenKind::end_output, "");
        after_tag(has_control && control == '-', is_block && !has_control);
        return;
      }
      if (control == '{') ++braces;
      if (control == '}' && braces > 0) {
        --braces;
        add(TokenKind::op, "}");
        advance(1);
        continue;
      }
      read_token();
    }
  }

  void read_token() {
    const char c = rest()[0];
    if (c == '"' || c == '\'') {
      read_string(c);
    } else if (is_digit(c)) {
      read_number();
    } else if (is_name_start(c)) {
      size_t n = 1;
      while (is_name_start(char_at(at_ + n)) || is_digit(char_at(at_ + n))) ++n;
      add(TokenKind::name, std::string(rest().substr(0, n)));
      advance(n);
    } else {
      for (std::string_view op : kOperators) {
        if (!rest().starts_with(op)) continue;
        add(TokenKind::op, std::string(op));
        advance(op.size());
        return;
      }
      fail(line_, "unexpected character '{}'", rest().substr(0, 1));
    }
  }

  void read_number() {
    size_t n = 0;
    while (is_digit(char_at(at_ + n)) || char_at(at_ + n) == '_') ++n;
    bool floating = false;
    if (char_at(at_ + n) == '.' && is_digit(char_at(at_ + n + 1))) {
      floating = true;
      for (++n; is_digit(char_at(at_ + n));) ++n;
    }
    std::string text(rest().substr(0, n));
    std::erase(text, '_');
    if (text.size() > 18) fail(line_, "number of {} digits", text.size());
    add(floating ? TokenKind::floating : TokenKind::integer, std::move(text));
    advance(n);
  }

  void read_string(char quote) {
    const int start_line = line_;
    std::string out;
    size_t i = 1;
    for (;; ++i) {
      if (at_ + i >= source_.size()) fail(start_line, "string without an end");
      const char c = source_[at_ + i];
      if (c == quote) break;
      if (c != '\\') {
        out += c;
        continue;
      }
      ++i;
      i += read_escape(at_ + i, &out);
    }
    add(TokenKind::string, std::move(out));
    advance(i + 1);
  }

  // The escape whose letter stands at `where`; returns how many characters follow that letter.
  size_t read_escape(size_t where, std::string* out) {
    const char c = char_at(where);
    constexpr std::string_view kLetters = "ntrbfva0\\'\"";
    constexpr std::string_view kValues("\n\t\r\b\f\v\a\0\\'\"", 11);
    if (const size_t i = kLetters.find(c); c != '\0' && i != kLetters.npos) {
      *out += kValues[i];
      return 0;
    }
    if (c == '\n') return 0;  // an escaped newline is nothing
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) {  // as in Python, an unknown escape stands for itself
      *out += '\\';
      *out += c;
      return 0;
    }
    uint32_t value = 0;
    for (size_t i = 1; i <= digits; ++i) {
      const size_t digit =
          std::string_view("0123456789abcdef")
              .find(static_cast<char>(char_at(where + i) | (char_at(where + i) >= 'A' ? 0x20 : 0)));
      if (digit == std::string_view::npos) fail(line_, "escape \\{} needs {} digits", c, digits);
      value = value << 4 | static_cast<uint32_t>(digit);
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
      fail(line_, "escape of no character, U+{:X}", value);
    append_utf8(value, out);
    return digits;
  }

  std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  if (source.size() > kMaxSourceBytes) fail(1, "template of {} bytes", source.size());
  return Lexer(source).run();
}

}  // namespace pewter::io::jinja
