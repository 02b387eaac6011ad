// See translate.h. Rules work on tokens and know the depth of braces and parentheses, not types.
#include "translate.h"

#include <algorithm>
#include <set>
#include <vector>

#include "tokens.h"

namespace metal_sim::msl {
namespace {

// Attributes that include/msl_attributes.h has a macro for; all others are left to clang.
const std::set<std::string_view> kAttributes = {"kernel",
                                                "host_name",
                                                "buffer",
                                                "threadgroup",
                                                "function_constant",
                                                "id",
                                                "max_total_threads_per_threadgroup",
                                                "thread_position_in_grid",
                                                "threadgroup_position_in_grid",
                                                "thread_position_in_threadgroup",
                                                "thread_index_in_threadgroup",
                                                "thread_index_in_simdgroup",
                                                "simdgroup_index_in_threadgroup",
                                                "threads_per_grid",
                                                "grid_size",
                                                "threads_per_threadgroup",
                                                "dispatch_threads_per_threadgroup",
                                                "threadgroups_per_grid",
                                                "simdgroups_per_threadgroup",
                                                "threads_per_simdgroup",
                                                "thread_execution_width",
                                                "thread_index_in_quadgroup",
                                                "quadgroup_index_in_threadgroup",
                                                "quadgroups_per_threadgroup"};

const std::set<std::string_view> kSpaces = {"thread", "device", "constant", "threadgroup"};
const std::set<std::string_view> kQualifiers = {"const", "volatile", "noexcept", "override",
                                                "final"};

struct Edit {
  size_t begin, end;
  std::string text;
};

struct Scope {
  size_t parentheses;               // how deep they were when it opened
  std::set<std::string> functions;  // declarations seen, without their space
};

class Translator {
 public:
  explicit Translator(std::string_view source) : source_(source), tokens_(tokenise(source)) {}

  std::string run() {
    scopes_.push_back({0, {}});
    for (size_t i = 0; i < tokens_.size(); ++i) bfloats_ = bfloats_ || is(i, "bfloat");
    for (size_t i = 0; i < tokens_.size();) i = step(i);
    return apply();
  }

 private:
  std::string_view text(size_t i) const {
    return i < tokens_.size() ? source_.substr(tokens_[i].at, tokens_[i].size) : std::string_view();
  }
  bool is(size_t i, std::string_view wanted) const { return text(i) == wanted; }
  size_t end_of(size_t i) const { return tokens_[i].at + tokens_[i].size; }

  void edit(size_t begin, size_t end, std::string replacement) {
    if (replacement.size() < end - begin) replacement.resize(end - begin, ' ');
    edits_.push_back({begin, end, std::move(replacement)});
  }
  void edit(size_t i, std::string_view replacement) {
    edit(tokens_[i].at, end_of(i), std::string(replacement));
  }

  // Handles token i; the next one to look at.
  size_t step(size_t i) {
    switch (tokens_[i].kind) {
      case TokenKind::word:
        return word(i);
      case TokenKind::number:
        number(i);
        return i + 1;
      case TokenKind::text:
        return i + 1;
      case TokenKind::mark:
        break;
    }
    if (is(i, "[") && is(i + 1, "[") && tokens_[i + 1].at == end_of(i)) return attribute(i);
    structure(i);
    return i + 1;
  }

  void structure(size_t i) {
    const char mark = source_[tokens_[i].at];
    if (mark == '(') ++parentheses_;
    if (mark == ')' && parentheses_ > 0) --parentheses_;
    if (mark == '{') scopes_.push_back({parentheses_, {}});
    if (mark == '}' && scopes_.size() > 1) {
      parentheses_ = scopes_.back().parentheses;
      scopes_.pop_back();
    }
    const bool ends = mark == ';' && parentheses_ == scopes_.back().parentheses;
    const bool access = mark == ':' && i > 0 &&
                        (is(i - 1, "public") || is(i - 1, "private") || is(i - 1, "protected"));
    if (mark == '{' || mark == '}' || ends || access) start_ = i + 1;
  }

  // 1.0H, 1.0bf: to what the headers have an operator for.
  void number(size_t i) {
    const std::string_view all = text(i);
    if (all.starts_with("0x") || all.starts_with("0X")) return;
    if (all.ends_with('H')) edit(end_of(i) - 1, end_of(i), "h");
    if (all.ends_with("bf") || all.ends_with("BF")) edit(end_of(i) - 2, end_of(i), "_b");
  }

  size_t word(size_t i) {
    const std::string_view name = text(i);
    if (name == "METAL" && is(i - 1, "pragma") && is(i + 1, "fp")) edit(i, "clang");
    if (name == "static_cast" && bfloats_) edit(i, "_Mstaticast");
    const bool directive = i > 0 && is(i - 1, "#");
    if (directive && (name == "else" || name == "elif")) scopes_.back().functions.clear();
    if (!kSpaces.count(name)) return i + 1;
    if (qualifies_method(i)) return method(i);
    if (in_parameters()) parameter(i);
    if (name == "threadgroup" && declares_variable(i)) edit(i, "_Mthreadgrp");
    if (name == "constant" && declares_variable(i)) edit(i, "_Mconst_");
    return i + 1;
  }

  // Two things that clang refuses: an array as parameter is written as the pointer that it is, and
  // a parameter for string literals, which here lie in no space, is left without one.
  void parameter(size_t i) {
    size_t last = i;
    while (last + 1 < tokens_.size() && !is(last + 1, ",") && !is(last + 1, ")") &&
           !is(last + 1, "[") && !is(last + 1, "(")) {
      ++last;
    }
    const bool named = last > i + 1 && tokens_[last].kind == TokenKind::word;
    const bool array = named && is(last + 1, "[") && !is(last + 2, "[");
    if (array && tokens_[last].at > end_of(last - 1)) {
      edit(end_of(last - 1), end_of(last - 1) + 1, "*");
      size_t close = last + 1;
      while (close + 1 < tokens_.size() && !is(close, "]")) ++close;
      edit(tokens_[last + 1].at, end_of(close), "");
    }
    if (is(i, "constant") && is(i + 1, "char") && is(i + 2, "*") && !is(last + 1, "[")) {
      edit(i, "const");
    }
  }

  // A space between a parameter list and a body: "void next(int n) thread {".
  bool qualifies_method(size_t i) const {
    size_t before = i, after = i + 1;
    while (before > 0 && kQualifiers.count(text(before - 1))) --before;
    if (before == 0 || !is(before - 1, ")")) return false;
    while (kQualifiers.count(text(after))) ++after;
    const std::string_view next = text(after);
    return next == "{" || next == ";" || next == ":" || next == "=" ||
           (next == "-" && is(after + 1, ">"));
  }

  // In clang one method serves all spaces, so of those that differ in nothing else one stays.
  size_t method(size_t i) {
    std::string key;
    for (size_t k = start_; k < i; ++k) key.append(text(k)).append(" ");
    size_t end = i + 1;
    while (kQualifiers.count(text(end))) key.append(text(end++)).append(" ");
    const bool fresh = scopes_.back().functions.insert(key).second;
    if (fresh || is(i, "thread")) {
      edit(i, "");
      return i + 1;
    }
    const size_t last = end_of_declaration(end);
    erase(tokens_[start_].at, end_of(last));
    start_ = last + 1;
    return last + 1;
  }

  // From what follows a method's qualifiers: ';', a body, or initialisers and a body.
  size_t end_of_declaration(size_t i) const {
    size_t depth = 0;
    for (; i + 1 < tokens_.size(); ++i) {
      if (is(i, "(")) ++depth;
      if (is(i, ")")) --depth;
      if (depth > 0) continue;
      if (is(i, ";")) return i;
      if (!is(i, "{")) continue;
      const bool initialiser = tokens_[i - 1].kind == TokenKind::word &&
                               !kQualifiers.count(text(i - 1)) && !kSpaces.count(text(i - 1));
      i = closing_brace(i);
      if (!initialiser) return i;
    }
    return i;
  }

  size_t closing_brace(size_t i) const {
    size_t depth = 0;
    for (; i + 1 < tokens_.size(); ++i) {
      if (is(i, "{")) ++depth;
      if (is(i, "}") && --depth == 0) break;
    }
    return i;
  }

  void erase(size_t begin, size_t end) {
    std::erase_if(edits_, [&](const Edit& e) { return e.begin >= begin && e.end <= end; });
    std::string blank(source_.substr(begin, end - begin));
    for (size_t k = 0; k < blank.size(); ++k) {
      const bool kept = blank[k] == '\n' || (blank[k] == '\\' && blank[k + 1] == '\n');
      if (!kept) blank[k] = ' ';
    }
    edit(begin, end, std::move(blank));
  }

  // "threadgroup float x[32];" and not "threadgroup float* x;": at the head of a statement, and no
  // pointer or reference before the name.
  bool declares_variable(size_t i) const {
    if (parentheses_ != scopes_.back().parentheses) return false;
    for (size_t k = start_; k < i; ++k) {
      if (!is(k, "const") && !is(k, "constexpr") && !is(k, "volatile")) return false;
    }
    int angles = 0;
    for (size_t k = i + 1; k < tokens_.size(); ++k) {
      const std::string_view t = text(k);
      if (t == "static") return false;
      if (t == "<") ++angles;
      if (t == ">") --angles;
      if (angles > 0) continue;
      if (t == "*" || t == "&") return false;
      if (t == "=" || t == ";" || t == "[" || t == "(" || t == "{" || t == ",") return true;
    }
    return false;
  }

  // Past the matching "]]", or i where there is none.
  size_t close_of_attribute(size_t i) const {
    int depth = 0;
    for (size_t k = i; k < tokens_.size(); ++k) {
      if (is(k, "[")) ++depth;
      if (is(k, "]") && --depth == 0) return k + 1;
      if (is(k, ";") || is(k, "{")) break;
    }
    return i;
  }

  size_t attribute(size_t i) {
    const size_t close = close_of_attribute(i);
    if (close == i || !is(close - 2, "]") || !kAttributes.count(text(i + 2))) {
      structure(i);
      return i + 1;
    }
    const std::string made = attribute_text(i + 2, close - 2);
    edit(tokens_[i].at, end_of(close - 1), made);
    return close;
  }

  // "buffer(0), function_constant(x)": each name gets its prefix, commas between them go.
  std::string attribute_text(size_t begin, size_t end) const {
    std::string made;
    int depth = 0;
    bool at_name = true;
    for (size_t k = begin; k < end; ++k) {
      std::string_view gap;
      if (k > begin) gap = source_.substr(end_of(k - 1), tokens_[k].at - end_of(k - 1));
      if (is(k, ",") && depth == 0) {
        at_name = true;
        made += " ";
        continue;
      }
      if (is(k, "(")) ++depth;
      if (is(k, ")")) --depth;
      // Blanks before a name are there already.
      for (const char c : gap) {
        if (!at_name || c == '\n' || c == '\\') made += c;
      }
      if (at_name) made += "_M";
      made += at_name && is(k, "function_constant") && in_parameters() ? "when" : text(k);
      at_name = false;
    }
    return made;
  }

  bool in_parameters() const { return parentheses_ > scopes_.back().parentheses; }

  std::string apply() {
    std::sort(edits_.begin(), edits_.end(),
              [](const Edit& a, const Edit& b) { return a.begin < b.begin; });
    std::string out;
    size_t at = 0;
    for (const Edit& e : edits_) {
      if (e.begin < at) continue;
      out.append(source_.substr(at, e.begin - at)).append(e.text);
      at = e.end;
    }
    return out.append(source_.substr(at));
  }

  std::string_view source_;
  std::vector<Token> tokens_;
  std::vector<Edit> edits_;
  std::vector<Scope> scopes_;
  size_t parentheses_ = 0;
  bool bfloats_ = false;
  size_t start_ = 0;  // the first token of the declaration or statement
};

}  // namespace

std::string translate(std::string_view source) { return Translator(source).run(); }

}  // namespace metal_sim::msl
