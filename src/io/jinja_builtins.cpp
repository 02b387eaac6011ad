// Filters, tests and methods, by name. An unknown one is an error that names it.
#include <algorithm>

#include "io/jinja_value.h"
#include "io/utf8.h"

namespace pewter::io::jinja {
namespace {

// Python's str.isspace.
bool is_space(std::string_view character) {
  uint32_t c = 0;
  if (decode_utf8(character, &c) == 0) return false;
  return (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

// strip with a set of characters, or white space where `set` is null.
std::string stripped(std::string_view text, const std::string* set, bool left, bool right) {
  const auto chars = characters(text);
  const auto goes = [&](std::string_view c) {
    return set ? set->find(c) != std::string::npos : is_space(c);
  };
  size_t first = 0, last = chars.size();
  while (left && first < last && goes(chars[first])) ++first;
  while (right && last > first && goes(chars[last - 1])) --last;
  if (first == last) return "";
  const char* begin = chars[first].data();
  const char* end = chars[last - 1].data() + chars[last - 1].size();
  return {begin, end};
}

const std::string& text_of(const Context& context, const Value& value, std::string_view what) {
  if (!value.string()) context.error("{} needs a string, got {}", what, type_name(value));
  return *value.string();
}

const std::string* optional_text(const Context& context, const Value* value,
                                 std::string_view what) {
  if (!value || value->is_none()) return nullptr;
  return &text_of(context, *value, what);
}

int64_t integer_argument(const Context& context, const Value* value, int64_t otherwise) {
  if (!value || value->is_none()) return otherwise;
  if (!value->integer()) context.error("expected an integer, got {}", type_name(*value));
  return *value->integer();
}

// Case of ASCII letters. Python knows the case of every script; a table for it would be of no use
// to templates, which change the case of role names.
Value cased(const Context& context, std::string_view how, const std::string& text) {
  std::string out = text;
  bool first = true;
  for (char& c : out) {
    if (static_cast<uint8_t>(c) >= 0x80)
      context.error("{} of text that is not ASCII is not supported", how);
    const bool is_upper = c >= 'A' && c <= 'Z', is_lower = c >= 'a' && c <= 'z';
    const bool to_upper = how == "upper" || ((how == "title" || how == "capitalize") && first);
    if (to_upper && is_lower) c = static_cast<char>(c - 'a' + 'A');
    if (!to_upper && is_upper) c = static_cast<char>(c - 'A' + 'a');
    first = how == "title" && !is_upper && !is_lower;
  }
  return context.text(std::move(out));
}

Value replaced(const Context& context, const std::string& text, const Arguments& arguments) {
  arguments.check(context, "replace", 3, {"old", "new", "count"});
  const Value* from = arguments.find(0, "old");
  const Value* to = arguments.find(1, "new");
  if (!from || !to) context.error("replace needs two arguments");
  const std::string& old_text = text_of(context, *from, "replace");
  const std::string& new_text = text_of(context, *to, "replace");
  int64_t left = integer_argument(context, arguments.find(2, "count"), -1);
  if (old_text.empty()) context.error("replace of an empty string is not supported");
  context.charge_search(text, old_text);
  std::string out;
  size_t at = 0;
  for (size_t found; left != 0 && (found = text.find(old_text, at)) != text.npos; --left) {
    out.append(text, at, found - at).append(new_text);
    context.charge(found - at + new_text.size() + 1);
    at = found + old_text.size();
  }
  return context.text(out.append(text, at));
}

Value split(const Context& context, const std::string& text, const Arguments& arguments) {
  arguments.check(context, "split", 2, {"sep", "maxsplit"});
  const std::string* separator = optional_text(context, arguments.find(0, "sep"), "split");
  int64_t left = integer_argument(context, arguments.find(1, "maxsplit"), -1);
  List out;
  if (!separator) {
    if (left >= 0) context.error("split by white space with a limit is not supported");
    std::string word;
    for (std::string_view c : characters(text)) {
      if (!is_space(c)) {
        word += c;
      } else if (!word.empty()) {
        out.push_back(context.text(std::exchange(word, "")));
      }
    }
    if (!word.empty()) out.push_back(context.text(std::move(word)));
    return context.list(std::move(out));
  }
  if (separator->empty()) context.error("split by an empty string");
  context.charge_search(text, *separator);
  size_t at = 0;
  for (size_t found; left != 0 && (found = text.find(*separator, at)) != text.npos; --left) {
    out.push_back(context.text(text.substr(at, found - at)));
    at = found + separator->size();
  }
  out.push_back(context.text(text.substr(at)));
  return context.list(std::move(out));
}

bool affix(const Context& context, const std::string& text, std::string_view name,
           const Arguments& arguments) {
  arguments.check(context, name, 1);
  const Value* value = arguments.find(0, "");
  if (!value) context.error("{} needs an argument", name);
  const auto matches = [&](const Value& v) {
    const std::string& s = text_of(context, v, name);
    return name == "startswith" ? text.starts_with(s) : text.ends_with(s);
  };
  return value->list() ? std::ranges::any_of(*value->list(), matches) : matches(*value);
}

Value joined(const Context& context, const List& items, const std::string& separator) {
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string text = printed(context, items[i]);
    context.charge(text.size() + separator.size() + 1);
    if (i > 0) out += separator;
    out += text;
  }
  return context.text(std::move(out));
}

Value dict_items(const Context& context, const Dict& dict) {
  List out;
  for (const auto& [key, item] : dict) out.push_back(context.list({context.text(key), item}));
  return context.list(std::move(out));
}

Value string_method(const Context& context, const std::string& text, std::string_view name,
                    const Arguments& arguments) {
  context.charge(text.size());
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    arguments.check(context, name, 1);
    const std::string* set = optional_text(context, arguments.find(0, ""), name);
    if (set) context.charge(text.size() * set->size());
    return context.text(stripped(text, set, name != "rstrip", name != "lstrip"));
  }
  if (name == "upper" || name == "lower" || name == "title" || name == "capitalize") {
    arguments.check(context, name, 0);
    return cased(context, name, text);
  }
  if (name == "startswith" || name == "endswith")
    return boolean_value(affix(context, text, name, arguments));
  if (name == "replace") return replaced(context, text, arguments);
  if (name == "split") return split(context, text, arguments);
  if (name == "join") {
    arguments.check(context, name, 1);
    const Value* items = arguments.find(0, "");
    if (!items) context.error("join needs an argument");
    return joined(context, iterate(context, *items), text);
  }
  context.error("string method '{}' is not supported", name);
}

Value dict_method(const Context& context, const Dict& dict, std::string_view name,
                  const Arguments& arguments) {
  context.charge(dict.size() + 1);
  if (name == "get") {
    arguments.check(context, name, 2);
    const Value* key = arguments.find(0, "");
    const Value* otherwise = arguments.find(1, "");
    const Value* found = key && key->string() ? find(dict, *key->string()) : nullptr;
    return found ? *found : otherwise ? *otherwise : none_value();
  }
  arguments.check(context, name, 0);
  if (name == "items") return dict_items(context, dict);
  List out;
  for (const auto& [key, item] : dict) out.push_back(name == "keys" ? context.text(key) : item);
  if (name == "keys" || name == "values") return context.list(std::move(out));
  context.error("dict method '{}' is not supported", name);
}

// select, reject (a test on the item), selectattr, rejectattr (on one of its fields).
Value selected(const Context& context, std::string_view name, const Value& value,
               const Arguments& arguments) {
  const bool by_field = name.ends_with("attr");
  const size_t test_at = by_field ? 1 : 0;
  arguments.check(context, name, 16);
  const Value* field = by_field ? arguments.find(0, "") : nullptr;
  if (by_field && !field) context.error("{} needs the name of a field", name);
  const Value* test = arguments.find(test_at, "");
  Arguments rest;
  for (size_t i = test_at + 1; i < arguments.positional.size(); ++i)
    rest.positional.push_back(arguments.positional[i]);
  List out;
  for (const Value& item : iterate(context, value)) {
    const Value subject = by_field ? subscript(context, item, *field) : item;
    const bool passes =
        test ? apply_test(context, text_of(context, *test, name), subject, rest) : truth(subject);
    if (passes == name.starts_with("select")) out.push_back(item);
  }
  return context.list(std::move(out));
}

// map(attribute='x'): the field of every item; map('filter'): the filter on every item.
Value mapped(const Context& context, const Value& value, const Arguments& arguments) {
  arguments.check(context, "map", 1, {"attribute"});
  const Value* field = find(arguments.keyword, "attribute");
  const Value* filter = arguments.find(0, "");
  if (!field && !filter) context.error("map needs an argument");
  List out;
  for (const Value& item : iterate(context, value))
    out.push_back(field ? subscript(context, item, *field)
                        : apply_filter(context, text_of(context, *filter, "map"), item, {}));
  return context.list(std::move(out));
}

Value to_integer(const Context& context, const Value& value) {
  if (value.integer()) return value;
  if (const bool* b = value.boolean()) return integer_value(*b);
  if (const std::string* s = value.string()) {
    int64_t out = 0;
    const bool negative = s->starts_with('-');
    const size_t digits = s->size() - (negative ? 1 : 0);
    if (digits == 0 || digits > 18) return integer_value(0);
    for (char c : std::string_view(*s).substr(negative ? 1 : 0)) {
      if (c < '0' || c > '9') return integer_value(0);
      out = out * 10 + (c - '0');
    }
    return integer_value(negative ? -out : out);
  }
  context.error("int of {} is not supported", type_name(value));
}

Value to_json(const Context& context, const Value& value, const Arguments& arguments) {
  arguments.check(context, "tojson", 1, {"indent", "ensure_ascii"});
  const Value* ascii = find(arguments.keyword, "ensure_ascii");
  if (ascii && truth(*ascii)) context.error("tojson with ensure_ascii is not supported");
  const int64_t indent = integer_argument(context, arguments.find(0, "indent"), -1);
  if (indent > 16) context.error("tojson with indent {}", indent);
  return context.text(json_text(context, value, static_cast<int>(std::max<int64_t>(indent, -1))));
}

Value end_of(const Context& context, const Value& value, bool first) {
  const List items = iterate(context, value);
  if (items.empty()) return {};
  return first ? items.front() : items.back();
}

}  // namespace

Value call_method(const Context& context, const Value& object, std::string_view name,
                  const Arguments& arguments) {
  if (const std::string* text = object.string())
    return string_method(context, *text, name, arguments);
  if (const Dict* dict = object.dict()) return dict_method(context, *dict, name, arguments);
  context.error("method '{}' of a {} is not supported", name, type_name(object));
}

Value apply_filter(const Context& context, std::string_view name, const Value& value,
                   const Arguments& arguments) {
  context.charge(8);
  if (name == "default" || name == "d") {
    arguments.check(context, name, 2, {"default_value", "boolean"});
    const Value* otherwise = arguments.find(0, "default_value");
    const Value* any_false = arguments.find(1, "boolean");
    const bool replace = value.is_undefined() || (any_false && truth(*any_false) && !truth(value));
    if (!replace) return value;
    return otherwise ? *otherwise : context.text("");
  }
  if (name == "tojson") return to_json(context, value, arguments);
  if (name.starts_with("select") || name.starts_with("reject"))
    if (name == "select" || name == "reject" || name == "selectattr" || name == "rejectattr")
      return selected(context, name, value, arguments);
  if (name == "map") return mapped(context, value, arguments);
  if (name == "join") {
    arguments.check(context, name, 1, {"d"});
    const std::string* separator = optional_text(context, arguments.find(0, "d"), name);
    return joined(context, iterate(context, value), separator ? *separator : "");
  }
  if (name == "replace") return replaced(context, printed(context, value), arguments);
  if (name == "trim") return string_method(context, printed(context, value), "strip", arguments);
  arguments.check(context, name, 0);
  if (name == "length" || name == "count") return integer_value(length(context, value));
  if (name == "upper" || name == "lower" || name == "title" || name == "capitalize")
    return cased(context, name, printed(context, value));
  if (name == "string") return context.text(printed(context, value));
  if (name == "safe") return value;
  if (name == "int") return to_integer(context, value);
  if (name == "list") return context.list(iterate(context, value));
  if (name == "first" || name == "last") return end_of(context, value, name == "first");
  if (name == "items" && value.dict()) return dict_items(context, *value.dict());
  if (name == "reverse" && value.list()) {
    List items = iterate(context, value);
    std::ranges::reverse(items);
    return context.list(std::move(items));
  }
  context.error("filter '{}' of a {} is not supported", name, type_name(value));
}

bool apply_test(const Context& context, std::string_view name, const Value& value,
                const Arguments& arguments) {
  const bool takes_value = name == "equalto" || name == "eq" || name == "==" || name == "ne" ||
                           name == "!=" || name == "in" || name == "divisibleby";
  arguments.check(context, name, takes_value ? 1 : 0);
  context.charge(1);
  if (name == "defined") return !value.is_undefined();
  if (name == "undefined") return value.is_undefined();
  if (name == "none") return value.is_none();
  if (name == "string") return value.string();
  if (name == "mapping") return value.dict();
  if (name == "sequence" || name == "iterable")
    return value.list() || value.string() || value.dict() ||
           (name == "iterable" && value.is_undefined());
  if (name == "number") return value.integer() || value.floating() || value.boolean();
  if (name == "integer") return value.integer();
  if (name == "float") return value.floating();
  if (name == "boolean") return value.boolean();
  if (name == "true") return value.boolean() && *value.boolean();
  if (name == "false") return value.boolean() && !*value.boolean();
  if (takes_value) {
    const Value* other = arguments.find(0, "");
    if (!other) context.error("test '{}' needs an argument", name);
    if (name == "ne" || name == "!=") return !equal(context, value, *other);
    if (name == "in") return contains(context, *other, value);
    if (name == "divisibleby")
      return equal(context, binary_operation(context, "%", value, *other), integer_value(0));
    return equal(context, value, *other);
  }
  if (name == "odd" || name == "even") {
    const Value remainder = binary_operation(context, "%", value, integer_value(2));
    return equal(context, remainder, integer_value(name == "odd" ? 1 : 0));
  }
  context.error("test '{}' is not supported", name);
}

}  // namespace pewter::io::jinja
