// Recursive descent with Jinja's own precedences. Depth is kept in the nodes rather than counted on
// the way down, because chains such as a + b + c grow deep without any recursion here.
#include <algorithm>
#include <array>
#include <charconv>

#include "io/jinja_ast.h"

namespace pewter::io::jinja {
namespace {

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  NodePtr run() {
    NodePtr root = block({});
    if (current().kind != TokenKind::end) unexpected();
    return root;
  }

 private:
  // Counts nesting on the way down, for what recurses before a node exists: brackets, not, blocks.
  struct Level {
    explicit Level(Parser* parser) : parser(parser) {
      if (++parser->level_ > kMaxDepth)
        fail(parser->current().line, "nested more than {} deep", kMaxDepth);
    }
    ~Level() { --parser->level_; }
    Parser* parser;
  };

  const Token& current() const { return tokens_[at_]; }
  const Token& next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  bool is_op(std::string_view op) const {
    return current().kind == TokenKind::op && current().text == op;
  }
  bool is_name(std::string_view name) const {
    return current().kind == TokenKind::name && current().text == name;
  }
  bool skip_op(std::string_view op) {
    if (!is_op(op)) return false;
    ++at_;
    return true;
  }
  bool skip_name(std::string_view name) {
    if (!is_name(name)) return false;
    ++at_;
    return true;
  }

  [[noreturn]] void unexpected() const {
    static constexpr std::array<std::string_view, 11> kNames = {
        "text",   "'{{'",    "'}}'",   "'{%'", "'%}'",   "name",
        "string", "integer", "number", "",     "the end"};
    const auto kind = static_cast<size_t>(current().kind);
    fail(current().line, "unexpected {}{}{}", kNames[kind], kNames[kind].empty() ? "" : " ",
         current().text.substr(0, 40));
  }
  void expect_op(std::string_view op) {
    if (!skip_op(op)) unexpected();
  }
  void expect(TokenKind kind) {
    if (current().kind != kind) unexpected();
    ++at_;
  }
  std::string expect_identifier() {
    if (current().kind != TokenKind::name) unexpected();
    return tokens_[at_++].text;
  }

  template <typename... Children>
  NodePtr make(Kind kind, int line, std::string text, Children... children) {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->line = line;
    node->text = std::move(text);
    (adopt(node.get(), std::move(children)), ...);
    return node;
  }
  void adopt(Node* parent, NodePtr child) {
    if (child) parent->depth = std::max(parent->depth, child->depth + 1);
    if (parent->depth > kMaxDepth) fail(parent->line, "nested more than {} deep", kMaxDepth);
    parent->children.push_back(std::move(child));
  }

  // Statements up to a tag whose name is one of `ends` (which stays current) or the end.
  NodePtr block(const std::vector<std::string_view>& ends) {
    const Level level(this);
    NodePtr out = make(Kind::block, current().line, "");
    while (current().kind != TokenKind::end) {
      if (current().kind == TokenKind::text) {
        adopt(out.get(), make(Kind::text, current().line, current().text));
        ++at_;
      } else if (current().kind == TokenKind::begin_output) {
        ++at_;
        const int line = current().line;
        adopt(out.get(), make(Kind::output, line, "", tuple_or_expression()));
        expect(TokenKind::end_output);
      } else if (current().kind == TokenKind::begin_block) {
        if (next().kind == TokenKind::name &&
            std::ranges::find(ends, std::string_view(next().text)) != ends.end())
          return out;
        ++at_;
        adopt(out.get(), statement());
      } else {
        unexpected();
      }
    }
    if (!ends.empty()) fail(current().line, "the template ends before '{}'", ends.back());
    return out;
  }

  void end_tag() { expect(TokenKind::end_block); }
  void end_statement(std::string_view name) {
    expect(TokenKind::begin_block);
    if (!skip_name(name)) unexpected();
    end_tag();
  }

  NodePtr statement() {
    const int line = current().line;
    const std::string name = expect_identifier();
    if (name == "if") return if_statement(line);
    if (name == "for") return for_statement(line);
    if (name == "set") return set_statement(line);
    if (name == "break" || name == "continue") {
      if (loops_ == 0) fail(line, "'{}' outside a loop", name);
      end_tag();
      return make(name == "break" ? Kind::loop_break : Kind::loop_continue, line, "");
    }
    if (name == "generation") {  // marks the assistant's text for training; prints what it holds
      end_tag();
      NodePtr body = block({"endgeneration"});
      end_statement("endgeneration");
      return body;
    }
    fail(line, "tag '{}' is not supported", name);
  }

  NodePtr if_statement(int line) {
    NodePtr out = make(Kind::if_chain, line, "", expression());
    end_tag();
    while (true) {
      adopt(out.get(), block({"elif", "else", "endif"}));
      expect(TokenKind::begin_block);
      const std::string name = expect_identifier();
      if (name == "elif") {
        adopt(out.get(), expression());
        end_tag();
        continue;
      }
      end_tag();
      if (name == "else") {
        adopt(out.get(), block({"endif"}));
        end_statement("endif");
      }
      return out;
    }
  }

  NodePtr for_statement(int line) {
    std::vector<std::string> targets;
    const bool bracketed = skip_op("(");
    do {
      targets.push_back(expect_identifier());
    } while (skip_op(","));
    if (bracketed) expect_op(")");
    if (!skip_name("in")) unexpected();
    NodePtr iterable = logical_or();  // a condition behind it belongs to the loop
    NodePtr condition = skip_name("if") ? expression() : nullptr;
    if (is_name("recursive")) fail(line, "'for ... recursive' is not supported");
    end_tag();
    ++loops_;
    NodePtr body = block({"else", "endfor"});
    --loops_;
    NodePtr otherwise;
    expect(TokenKind::begin_block);
    if (skip_name("else")) {
      end_tag();
      otherwise = block({"endfor"});
      expect(TokenKind::begin_block);
    }
    if (!skip_name("endfor")) unexpected();
    end_tag();
    NodePtr out = make(Kind::for_loop, line, "", std::move(iterable), std::move(condition),
                       std::move(body), std::move(otherwise));
    out->names = std::move(targets);
    return out;
  }

  NodePtr set_statement(int line) {
    const std::string name = expect_identifier();
    const std::string field = skip_op(".") ? expect_identifier() : "";
    if (is_op(",")) fail(line, "'set' of several names is not supported");
    NodePtr out;
    if (skip_op("=")) {
      out = make(Kind::set, line, field, tuple_or_expression());
      end_tag();
    } else {
      if (is_op("|")) fail(line, "'set' with a filter is not supported");
      end_tag();
      out = make(Kind::set_block, line, field, block({"endset"}));
      end_statement("endset");
    }
    out->names = {name};
    return out;
  }

  // Expressions, loosest first.
  NodePtr tuple_or_expression() {
    NodePtr first = expression();
    if (!is_op(",")) return first;
    NodePtr out = make(Kind::list, current().line, "", std::move(first));
    while (skip_op(",")) adopt(out.get(), expression());
    return out;
  }

  NodePtr expression() {
    const Level level(this);
    NodePtr value = logical_or();
    while (is_name("if")) {
      const int line = current().line;
      ++at_;
      NodePtr condition = logical_or();
      NodePtr otherwise = skip_name("else") ? expression() : nullptr;
      value = make(Kind::conditional, line, "", std::move(value), std::move(condition),
                   std::move(otherwise));
    }
    return value;
  }

  NodePtr logical_or() {
    NodePtr left = logical_and();
    while (is_name("or")) {
      const int line = tokens_[at_++].line;
      left = make(Kind::binary, line, "or", std::move(left), logical_and());
    }
    return left;
  }

  NodePtr logical_and() {
    NodePtr left = logical_not();
    while (is_name("and")) {
      const int line = tokens_[at_++].line;
      left = make(Kind::binary, line, "and", std::move(left), logical_not());
    }
    return left;
  }

  NodePtr logical_not() {
    const Level level(this);
    if (!is_name("not")) return comparison();
    const int line = tokens_[at_++].line;
    return make(Kind::unary, line, "not", logical_not());
  }

  // The comparison operator that stands here, skipped; empty if there is none.
  std::string comparison_operator() {
    static constexpr std::array<std::string_view, 6> kOps = {"==", "!=", "<=", ">=", "<", ">"};
    for (std::string_view op : kOps)
      if (skip_op(op)) return std::string(op);
    if (skip_name("in")) return "in";
    if (is_name("not") && next().kind == TokenKind::name && next().text == "in") {
      at_ += 2;
      return "not in";
    }
    return "";
  }

  NodePtr comparison() {
    NodePtr first = sum();
    NodePtr out;
    while (true) {
      const int line = current().line;
      std::string op = comparison_operator();
      if (op.empty()) return out ? std::move(out) : std::move(first);
      if (!out) out = make(Kind::compare, line, "", std::move(first));
      out->names.push_back(std::move(op));
      adopt(out.get(), sum());
    }
  }

  // Left-associative operators of one level; `tighter` parses the operands.
  NodePtr operators(std::initializer_list<std::string_view> ops, NodePtr (Parser::*tighter)()) {
    NodePtr left = (this->*tighter)();
    while (true) {
      const auto op = std::ranges::find_if(ops, [&](std::string_view o) { return is_op(o); });
      if (op == ops.end()) return left;
      const int line = tokens_[at_++].line;
      left = make(Kind::binary, line, std::string(*op), std::move(left), (this->*tighter)());
    }
  }
  NodePtr sum() { return operators({"+", "-"}, &Parser::concatenation); }
  NodePtr concatenation() { return operators({"~"}, &Parser::product); }
  NodePtr product() { return operators({"*", "//", "/", "%"}, &Parser::with_filters); }

  NodePtr with_filters() {
    const Level level(this);
    return filters(unary());
  }

  NodePtr unary() {
    const Level level(this);
    if (is_op("-") || is_op("+")) {
      const Token op = tokens_[at_++];
      return make(Kind::unary, op.line, op.text, unary());
    }
    if (is_op("**")) unexpected();
    return postfix(primary());
  }

  NodePtr primary() {
    const Token token = current();
    ++at_;
    switch (token.kind) {
      case TokenKind::string: {
        std::string text = token.text;
        while (current().kind == TokenKind::string) text += tokens_[at_++].text;
        return make(Kind::literal_string, token.line, std::move(text));
      }
      case TokenKind::integer:
      case TokenKind::floating:
        return number(token);
      case TokenKind::name:
        return named(token);
      default:
        break;
    }
    if (token.kind == TokenKind::op && token.text == "[") return list_until("]", token.line);
    if (token.kind == TokenKind::op && token.text == "{") return dict(token.line);
    if (token.kind == TokenKind::op && token.text == "(") return bracketed(token.line);
    --at_;
    unexpected();
  }

  NodePtr number(const Token& token) {
    const bool floating = token.kind == TokenKind::floating;
    NodePtr out = make(floating ? Kind::literal_float : Kind::literal_integer, token.line, "");
    const char* first = token.text.data();
    const char* last = first + token.text.size();
    if (floating) {
      out->number = std::stod(token.text);  // at most 18 characters: no overflow
    } else if (std::from_chars(first, last, out->integer).ec != std::errc()) {
      fail(token.line, "number {} is too large", token.text);
    }
    return out;
  }

  NodePtr named(const Token& token) {
    const std::string& n = token.text;
    if (n == "true" || n == "True") return make(Kind::literal_true, token.line, "");
    if (n == "false" || n == "False") return make(Kind::literal_false, token.line, "");
    if (n == "none" || n == "None") return make(Kind::literal_none, token.line, "");
    return make(Kind::name, token.line, n);
  }

  NodePtr list_until(std::string_view closing, int line) {
    NodePtr out = make(Kind::list, line, "");
    while (!skip_op(closing)) {
      if (!out->children.empty()) {
        expect_op(",");
        if (skip_op(closing)) break;
      }
      adopt(out.get(), expression());
    }
    return out;
  }

  // (x) is x; (x,) and (x, y) are tuples, which behave as lists here.
  NodePtr bracketed(int line) {
    if (skip_op(")")) return make(Kind::list, line, "");
    NodePtr first = expression();
    if (skip_op(")")) return first;
    expect_op(",");
    NodePtr rest = list_until(")", line);
    NodePtr out = make(Kind::list, line, "", std::move(first));
    for (NodePtr& child : rest->children) adopt(out.get(), std::move(child));
    return out;
  }

  NodePtr dict(int line) {
    NodePtr out = make(Kind::dict, line, "");
    while (!skip_op("}")) {
      if (!out->children.empty()) {
        expect_op(",");
        if (skip_op("}")) break;
      }
      adopt(out.get(), expression());
      expect_op(":");
      adopt(out.get(), expression());
    }
    return out;
  }

  NodePtr postfix(NodePtr value) {
    while (true) {
      const int line = current().line;
      if (skip_op(".")) {
        if (current().kind == TokenKind::integer)
          fail(line, "'.{}' is not supported", current().text);
        value = make(Kind::attribute, line, expect_identifier(), std::move(value));
      } else if (skip_op("[")) {
        value = subscript(std::move(value), line);
      } else if (skip_op("(")) {
        value = make(Kind::call, line, "", std::move(value));
        arguments(value.get());
      } else {
        return value;
      }
    }
  }

  NodePtr subscript(NodePtr value, int line) {
    NodePtr parts[3];
    int colons = 0;
    while (!skip_op("]")) {
      if (skip_op(":")) {
        if (++colons > 2) unexpected();
      } else {
        if (parts[colons]) unexpected();
        parts[colons] = expression();
      }
    }
    if (colons == 0 && !parts[0]) fail(line, "empty subscript");
    if (colons == 0) return make(Kind::item, line, "", std::move(value), std::move(parts[0]));
    return make(Kind::slice, line, "", std::move(value), std::move(parts[0]), std::move(parts[1]),
                std::move(parts[2]));
  }

  // Behind "(": arguments up to ")".
  void arguments(Node* call) {
    bool first = true;
    while (!skip_op(")")) {
      if (!first) {
        expect_op(",");
        if (skip_op(")")) break;
      }
      first = false;
      if (is_op("*") || is_op("**"))
        fail(current().line, "'{}' arguments are not supported", current().text);
      const bool keyword =
          current().kind == TokenKind::name && next().kind == TokenKind::op && next().text == "=";
      if (keyword) {
        const Token name = tokens_[at_];
        at_ += 2;
        adopt(call, make(Kind::keyword, name.line, name.text, expression()));
      } else {
        adopt(call, expression());
      }
    }
  }

  NodePtr filters(NodePtr value) {
    while (true) {
      const int line = current().line;
      if (skip_op("|")) {
        value = make(Kind::filter, line, expect_identifier(), std::move(value));
        if (skip_op("(")) arguments(value.get());
      } else if (skip_name("is")) {
        value = test(std::move(value), line);
      } else {
        return value;
      }
    }
  }

  NodePtr test(NodePtr value, int line) {
    const bool negated = skip_name("not");
    NodePtr out = make(Kind::test, line, expect_identifier(), std::move(value));
    out->negated = negated;
    if (skip_op("(")) {
      arguments(out.get());
      return out;
    }
    // `x is divisibleby 3`: an argument without brackets.
    const bool is_word = current().kind == TokenKind::name;
    const bool ends =
        is_word && (is_name("and") || is_name("or") || is_name("else") || is_name("is") ||
                    is_name("if") || is_name("not") || is_name("in"));
    if ((is_word && !ends) || current().kind == TokenKind::string ||
        current().kind == TokenKind::integer || current().kind == TokenKind::floating || is_op("["))
      adopt(out.get(), postfix(primary()));
    return out;
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int level_ = 0;
  int loops_ = 0;
};

}  // namespace

NodePtr parse(std::string_view source) { return Parser(tokenize(source)).run(); }

}  // namespace pewter::io::jinja
