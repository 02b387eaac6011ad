// The tree of a template. One node type for everything: a template is small, and a generic node
// keeps parser and evaluator short.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pewter/error.h"

namespace pewter::io::jinja {

inline constexpr size_t kMaxSourceBytes = size_t{1} << 20;
inline constexpr int kMaxDepth = 200;  // of the tree; bounds the recursion of everything below

template <typename... Args>
[[noreturn]] void fail(int line, fmt::format_string<Args...> format, Args&&... args) {
  throw_error(ErrorCode::format, "[chat_template] line {}: {}", line,
              fmt::format(format, std::forward<Args>(args)...));
}

enum class Kind {
  // statements
  block,      // children in order
  text,       // text
  output,     // expression
  if_chain,   // condition, block, condition, block, ...; an odd last child is else
  for_loop,   // iterable, condition or empty, body, else or empty; names = targets
  set,        // value; names[0], or names[0].text for a namespace's field
  set_block,  // body; names[0]
  loop_break,
  loop_continue,
  // expressions
  literal_string,
  literal_integer,
  literal_float,
  literal_true,
  literal_false,
  literal_none,
  name,
  list,
  dict,         // key, value, key, value, ...
  attribute,    // object; text
  item,         // object, index
  slice,        // object, start, stop, step (each may be empty)
  call,         // callee, arguments; keyword arguments are `keyword` nodes
  keyword,      // value; text
  filter,       // value, arguments; text
  test,         // value, arguments; text; negated
  unary,        // operand; text: "-", "+", "not"
  binary,       // left, right; text
  compare,      // first, then operands; names = operators
  conditional,  // value, condition, otherwise or empty
};

struct Node {
  Kind kind;
  int line = 0;
  int depth = 1;
  bool negated = false;
  int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<std::string> names;
  std::vector<std::unique_ptr<Node>> children;  // null where a part is absent
};
using NodePtr = std::unique_ptr<Node>;

enum class TokenKind {
  text,
  begin_output,
  end_output,
  begin_block,
  end_block,
  name,
  string,
  integer,
  floating,
  op,
  end
};

struct Token {
  TokenKind kind;
  int line;
  std::string text;
};

// Cuts a template into tokens, with white space control applied to the text between tags.
std::vector<Token> tokenize(std::string_view source);
NodePtr parse(std::string_view source);

struct Template {
  NodePtr root;
  size_t source_bytes = 0;
};

}  // namespace pewter::io::jinja
