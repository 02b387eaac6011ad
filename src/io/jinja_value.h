// Values of a running template, with Python's rules for truth, equality, length and printing.
// Containers are immutable and shared; what a template makes is charged against a budget, so that
// neither time nor memory can run away.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "io/jinja_ast.h"

namespace pewter::io::jinja {

struct Value;
using List = std::vector<Value>;
struct DictItem;
using Dict = std::vector<DictItem>;  // in order of insertion, as in Python
struct Namespace;

struct Undefined {};
struct None {};
// A function of the environment ("range", "raise_exception") or a method awaiting its call.
struct Function {
  std::string name;
};

struct Value {
  std::variant<Undefined, None, bool, int64_t, double, std::shared_ptr<const std::string>,
               std::shared_ptr<const List>, std::shared_ptr<const Dict>, std::shared_ptr<Namespace>,
               std::shared_ptr<const Function>>
      v;
  int depth = 0;  // of nested containers

  bool is_undefined() const { return std::holds_alternative<Undefined>(v); }
  bool is_none() const { return std::holds_alternative<None>(v); }
  const bool* boolean() const { return std::get_if<bool>(&v); }
  const int64_t* integer() const { return std::get_if<int64_t>(&v); }
  const double* floating() const { return std::get_if<double>(&v); }
  const std::string* string() const { return get<const std::string>(); }
  const List* list() const { return get<const List>(); }
  const Dict* dict() const { return get<const Dict>(); }
  Namespace* space() const { return get<Namespace>(); }
  const Function* function() const { return get<const Function>(); }

 private:
  template <typename T>
  T* get() const {
    const auto* p = std::get_if<std::shared_ptr<T>>(&v);
    return p ? p->get() : nullptr;
  }
};

struct DictItem {
  std::string key;
  Value value;
};
struct Namespace {
  std::map<std::string, Value, std::less<>> fields;
};

// Units of work left: about one for a step of evaluation and one for a byte made.
class Budget {
 public:
  explicit Budget(int64_t units) : left_(units) {}
  void charge(int64_t units, int line) {
    left_ -= units;
    if (left_ < 0) fail(line, "the template does too much work");
  }

 private:
  int64_t left_;
};

// What every operation needs to know: where it stands and what it may still spend.
struct Context {
  Budget* budget;
  int line;

  template <typename... Args>
  [[noreturn]] void error(fmt::format_string<Args...> format, Args&&... args) const {
    fail(line, format, std::forward<Args>(args)...);
  }
  void charge(size_t units) const { budget->charge(static_cast<int64_t>(units), line); }
  // Of looking for `needle` in `text`: at worst it is compared, 16 bytes at a time, at every place.
  void charge_search(std::string_view text, std::string_view needle) const {
    const size_t places = text.size() < needle.size() ? 0 : text.size() - needle.size() + 1;
    charge(places * (1 + needle.size() / 16) + 1);
  }

  Value text(std::string s) const;
  Value list(List items) const;
  Value dict(Dict items) const;
};

Value integer_value(int64_t i);
Value boolean_value(bool b);
Value none_value();

std::string_view type_name(const Value& value);  // "string", "list", ... for messages
bool truth(const Value& value);
bool equal(const Context& context, const Value& a, const Value& b);
// Less than, for numbers and strings; anything else is an error.
bool less(const Context& context, const Value& a, const Value& b);
// "needle in haystack"
bool contains(const Context& context, const Value& haystack, const Value& needle);
int64_t length(const Context& context, const Value& value);
// What {{ value }} prints, and Python's repr of it inside a container.
std::string printed(const Context& context, const Value& value);
std::string json_text(const Context& context, const Value& value, int indent, int level = 0);

const Value* find(const Dict& dict, std::string_view key);
// The items that a loop runs over: a list's elements, a string's characters, a dict's keys.
List iterate(const Context& context, const Value& value);
Value subscript(const Context& context, const Value& object, const Value& index);
// Python's object[start:stop:step]; absent parts are undefined.
Value slice(const Context& context, const Value& object, const Value& start, const Value& stop,
            const Value& step);

// String pieces by code point; a byte that is not UTF-8 is a piece of its own.
std::vector<std::string_view> characters(std::string_view text);

// Positional and keyword arguments of a call, filter or test.
struct Arguments {
  List positional;
  Dict keyword;

  // The argument by position or name; null if it is not given.
  const Value* find(size_t position, std::string_view name) const;
  // Refuses more positional arguments than `most`, and keywords other than `names`.
  void check(const Context& context, std::string_view callee, size_t most,
             std::initializer_list<std::string_view> names = {}) const;
};

Value apply_filter(const Context& context, std::string_view name, const Value& value,
                   const Arguments& arguments);
bool apply_test(const Context& context, std::string_view name, const Value& value,
                const Arguments& arguments);
Value call_method(const Context& context, const Value& object, std::string_view name,
                  const Arguments& arguments);
Value binary_operation(const Context& context, std::string_view op, const Value& a, const Value& b);

}  // namespace pewter::io::jinja
