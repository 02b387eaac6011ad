// Python's semantics where templates can see them; where they differ from what is written here, an
// error says so rather than a wrong prompt.
#include "io/jinja_value.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "io/utf8.h"

namespace pewter::io::jinja {
namespace {

constexpr int kMaxValueDepth = 64;

int deepest(const Context& context, int depth) {
  if (depth > kMaxValueDepth) context.error("value nested more than {} deep", kMaxValueDepth);
  return depth;
}

// A namespace inside another value could hold itself, which would never be freed.
int depth_of(const Context& context, const Value& item) {
  if (item.space()) context.error("a namespace inside another value is not supported");
  return item.depth;
}

bool number_of(const Value& value, double* out) {
  if (const bool* b = value.boolean()) return *out = *b, true;
  if (const int64_t* i = value.integer()) return *out = static_cast<double>(*i), true;
  if (const double* d = value.floating()) return *out = *d, true;
  return false;
}

// Integers of either kind (bool is one in Python).
bool integer_of(const Value& value, int64_t* out) {
  if (const bool* b = value.boolean()) return *out = *b, true;
  if (const int64_t* i = value.integer()) return *out = *i, true;
  return false;
}

// repr() of a string: single quotes, unless only they occur in it.
std::string in_quotes(std::string_view text) {
  const bool use_double = text.find('\'') != text.npos && text.find('"') == text.npos;
  const char quote = use_double ? '"' : '\'';
  std::string out(1, quote);
  for (char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    } else {
      if (c == quote || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + quote;
}

std::string printed_float(double d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d > 0 ? "inf" : "-inf";
  const std::string text = fmt::format("{}", d);  // the shortest that reads back, as in Python
  return text.find_first_of(".e") == text.npos ? text + ".0" : text;
}

std::string represented(const Context& context, const Value& value) {
  const std::string* s = value.string();
  return s ? in_quotes(*s) : printed(context, value);
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (static_cast<uint8_t>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<uint8_t>(c));
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

}  // namespace

Value Context::text(std::string s) const {
  charge(s.size() + 16);
  return {std::make_shared<const std::string>(std::move(s)), 0};
}

Value Context::list(List items) const {
  charge(items.size() * 8 + 16);
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, depth_of(*this, item));
  return {std::make_shared<const List>(std::move(items)), deepest(*this, depth + 1)};
}

Value Context::dict(Dict items) const {
  charge(items.size() * 16 + 16);
  int depth = 0;
  for (const auto& [key, item] : items) depth = std::max(depth, depth_of(*this, item));
  return {std::make_shared<const Dict>(std::move(items)), deepest(*this, depth + 1)};
}

Value integer_value(int64_t i) { return {i, 0}; }
Value boolean_value(bool b) { return {b, 0}; }
Value none_value() { return {None{}, 0}; }

std::string_view type_name(const Value& value) {
  static constexpr std::string_view kNames[] = {"undefined", "none",    "bool", "integer",
                                                "float",     "string",  "list", "dict",
                                                "namespace", "function"};
  return kNames[value.v.index()];
}

bool truth(const Value& value) {
  if (const bool* b = value.boolean()) return *b;
  if (const int64_t* i = value.integer()) return *i != 0;
  if (const double* d = value.floating()) return *d != 0;
  if (const std::string* s = value.string()) return !s->empty();
  if (const List* l = value.list()) return !l->empty();
  if (const Dict* d = value.dict()) return !d->empty();
  return value.space() || value.function();
}

bool equal(const Context& context, const Value& a, const Value& b) {
  context.charge(1);
  int64_t i = 0, j = 0;
  if (integer_of(a, &i) && integer_of(b, &j)) return i == j;
  double x = 0, y = 0;
  if (number_of(a, &x) && number_of(b, &y)) return x == y;
  if (a.v.index() != b.v.index()) return false;
  if (const std::string* s = a.string()) {
    context.charge(s->size() / 16);
    return *s == *b.string();
  }
  const auto same = [&](const Value& p, const Value& q) { return equal(context, p, q); };
  if (a.list()) return std::ranges::equal(*a.list(), *b.list(), same);
  if (const Dict* d = a.dict()) {
    const auto in_b = [&](const auto& item) {
      context.charge(b.dict()->size());
      const Value* other = find(*b.dict(), item.key);
      return other && same(item.value, *other);
    };
    return d->size() == b.dict()->size() && std::ranges::all_of(*d, in_b);
  }
  if (a.space()) return a.space() == b.space();
  return a.is_none() || a.is_undefined();
}

bool less(const Context& context, const Value& a, const Value& b) {
  int64_t i = 0, j = 0;
  if (integer_of(a, &i) && integer_of(b, &j)) return i < j;
  double x = 0, y = 0;
  if (number_of(a, &x) && number_of(b, &y)) return x < y;
  if (a.string() && b.string()) {
    context.charge(std::min(a.string()->size(), b.string()->size()) / 16);
    return *a.string() < *b.string();
  }
  context.error("{} and {} have no order", type_name(a), type_name(b));
}

bool contains(const Context& context, const Value& haystack, const Value& needle) {
  if (const std::string* text = haystack.string()) {
    if (!needle.string()) context.error("{} in a string", type_name(needle));
    context.charge_search(*text, *needle.string());
    return text->find(*needle.string()) != std::string::npos;
  }
  if (const List* list = haystack.list()) {
    context.charge(list->size());
    return std::ranges::any_of(*list,
                               [&](const Value& item) { return equal(context, item, needle); });
  }
  if (const Dict* dict = haystack.dict()) {
    context.charge(dict->size());
    return needle.string() && find(*dict, *needle.string());
  }
  if (haystack.is_undefined()) return false;
  context.error("'in' does not apply to {}", type_name(haystack));
}

int64_t length(const Context& context, const Value& value) {
  if (const std::string* s = value.string()) {
    context.charge(s->size());
    return static_cast<int64_t>(characters(*s).size());
  }
  if (const List* l = value.list()) return static_cast<int64_t>(l->size());
  if (const Dict* d = value.dict()) return static_cast<int64_t>(d->size());
  if (value.is_undefined()) return 0;
  context.error("{} has no length", type_name(value));
}

std::string printed(const Context& context, const Value& value) {
  if (value.is_undefined()) return "";
  if (value.is_none()) return "None";
  if (const bool* b = value.boolean()) return *b ? "True" : "False";
  if (const int64_t* i = value.integer()) return fmt::format("{}", *i);
  if (const double* d = value.floating()) return printed_float(*d);
  if (const std::string* s = value.string()) return *s;
  std::string out;
  if (const List* list = value.list()) {
    for (const Value& item : *list) {
      const std::string text = represented(context, item);
      context.charge(text.size() + 8);
      out += (out.empty() ? "" : ", ") + text;
    }
    return "[" + out + "]";
  }
  if (const Dict* dict = value.dict()) {
    for (const auto& [key, item] : *dict) {
      const std::string text = in_quotes(key) + ": " + represented(context, item);
      context.charge(text.size() + 8);
      out += (out.empty() ? "" : ", ") + text;
    }
    return "{" + out + "}";
  }
  context.error("a {} cannot be printed", type_name(value));
}

std::string json_text(const Context& context, const Value& value, int indent, int level) {
  if (value.is_none()) return "null";
  if (const bool* b = value.boolean()) return *b ? "true" : "false";
  if (const std::string* s = value.string()) return json_string(*s);
  const List* list = value.list();
  const Dict* dict = value.dict();
  if (!list && !dict) {
    if (value.integer() || value.floating()) return printed(context, value);
    context.error("a {} has no JSON", type_name(value));
  }
  const auto line = [&](int at) {
    return indent < 0 ? std::string() : "\n" + std::string(static_cast<size_t>(indent * at), ' ');
  };
  const std::string separator = indent < 0 ? ", " : "," + line(level + 1);
  std::string out;
  const auto add = [&](const std::string& item) {
    out += out.empty() ? item : separator + item;
    context.charge(item.size() + separator.size());
  };
  if (list)
    for (const Value& item : *list) add(json_text(context, item, indent, level + 1));
  if (dict)
    for (const auto& [key, item] : *dict)
      add(json_string(key) + ": " + json_text(context, item, indent, level + 1));
  if (out.empty()) return list ? "[]" : "{}";
  out = line(level + 1) + out + line(level);
  return list ? "[" + out + "]" : "{" + out + "}";
}

const Value* find(const Dict& dict, std::string_view key) {
  for (const auto& [name, value] : dict)
    if (name == key) return &value;
  return nullptr;
}

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> out;
  uint32_t ignored = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t n = std::max<size_t>(1, decode_utf8(text.substr(at, 4), &ignored));
    out.push_back(text.substr(at, n));
    at += n;
  }
  return out;
}

List iterate(const Context& context, const Value& value) {
  List out;
  if (const List* list = value.list()) {
    context.charge(8 * list->size());
    out = *list;
  } else if (const std::string* s = value.string()) {
    for (std::string_view c : characters(*s)) out.push_back(context.text(std::string(c)));
  } else if (const Dict* dict = value.dict()) {
    for (const auto& [key, item] : *dict) out.push_back(context.text(key));
  } else if (!value.is_undefined()) {
    context.error("a {} cannot be looped over", type_name(value));
  }
  return out;
}

Value subscript(const Context& context, const Value& object, const Value& index) {
  if (const Dict* dict = object.dict()) {
    context.charge(dict->size());
    const Value* found = index.string() ? find(*dict, *index.string()) : nullptr;
    return found ? *found : Value{};
  }
  const List* list = object.list();
  if (object.is_undefined())
    context.error("item {} of something undefined", printed(context, index));
  if (!list && !object.string()) return {};
  int64_t at = 0;
  if (!integer_of(index, &at)) return {};
  List chars;
  if (!list) {
    chars = iterate(context, object);
    list = &chars;
  }
  const auto size = static_cast<int64_t>(list->size());
  if (at < 0) at += size;
  return at >= 0 && at < size ? (*list)[static_cast<size_t>(at)] : Value{};
}

Value slice(const Context& context, const Value& object, const Value& start, const Value& stop,
            const Value& step_value) {
  if (!object.list() && !object.string()) context.error("a {} cannot be sliced", type_name(object));
  const List items = iterate(context, object);
  const auto size = static_cast<int64_t>(items.size());
  const auto part = [&](const Value& value, int64_t otherwise) {
    int64_t i = otherwise;
    if (!value.is_undefined() && !value.is_none() && !integer_of(value, &i))
      context.error("a slice needs integers, got {}", type_name(value));
    return i;
  };
  const int64_t step = part(step_value, 1);
  if (step == 0) context.error("slice step is 0");
  // Clamped first, so that nothing below can overflow.
  const int64_t stride = std::clamp<int64_t>(step, -size - 1, size + 1);
  const auto bound = [&](const Value& value, int64_t otherwise) {
    if (value.is_undefined() || value.is_none()) return otherwise;
    int64_t i = std::clamp<int64_t>(part(value, 0), -size - 1, size);
    if (i < 0) i += size;
    return step > 0 ? std::clamp<int64_t>(i, 0, size) : std::clamp<int64_t>(i, -1, size - 1);
  };
  const int64_t first = bound(start, step > 0 ? 0 : size - 1);
  const int64_t last = bound(stop, step > 0 ? size : -1);
  List out;
  for (int64_t i = first; step > 0 ? i < last : i > last; i += stride)
    out.push_back(items[static_cast<size_t>(i)]);
  if (object.list()) return context.list(std::move(out));
  std::string text;
  for (const Value& c : out) text += *c.string();
  return context.text(std::move(text));
}

const Value* Arguments::find(size_t position, std::string_view name) const {
  if (position < positional.size()) return &positional[position];
  return jinja::find(keyword, name);
}

void Arguments::check(const Context& context, std::string_view callee, size_t most,
                      std::initializer_list<std::string_view> names) const {
  if (positional.size() > most)
    context.error("{} with {} arguments is not supported", callee, positional.size());
  for (const auto& [name, value] : keyword)
    if (std::ranges::find(names, std::string_view(name)) == names.end())
      context.error("{} with argument '{}' is not supported", callee, name);
}

namespace {

Value integer_operation(const Context& context, std::string_view op, int64_t a, int64_t b) {
  int64_t out = 0;
  bool overflow = false;
  if (op == "+") {
    overflow = __builtin_add_overflow(a, b, &out);
  } else if (op == "-") {
    overflow = __builtin_sub_overflow(a, b, &out);
  } else if (op == "*") {
    overflow = __builtin_mul_overflow(a, b, &out);
  } else {
    if (b == 0) context.error("division by zero");
    if (op == "/") return {static_cast<double>(a) / static_cast<double>(b), 0};
    overflow = a == std::numeric_limits<int64_t>::min() && b == -1;
    if (!overflow) {  // Python rounds towards minus infinity
      const int64_t remainder = a % b;
      const bool adjust = remainder != 0 && (remainder < 0) != (b < 0);
      out = op == "//" ? a / b - (adjust ? 1 : 0) : remainder + (adjust ? b : 0);
    }
  }
  if (overflow) context.error("{} {} {} does not fit in 64 bits", a, op, b);
  return integer_value(out);
}

Value float_operation(const Context& context, std::string_view op, double a, double b) {
  if (op == "+") return {a + b, 0};
  if (op == "-") return {a - b, 0};
  if (op == "*") return {a * b, 0};
  if (b == 0) context.error("division by zero");
  if (op == "/") return {a / b, 0};
  const double floored = std::floor(a / b);
  return {op == "//" ? floored : a - floored * b, 0};
}

}  // namespace

Value binary_operation(const Context& context, std::string_view op, const Value& a,
                       const Value& b) {
  if (op == "~") return context.text(printed(context, a) + printed(context, b));
  int64_t i = 0, j = 0;
  if (integer_of(a, &i) && integer_of(b, &j)) return integer_operation(context, op, i, j);
  double x = 0, y = 0;
  if (number_of(a, &x) && number_of(b, &y)) return float_operation(context, op, x, y);
  if (op == "+" && a.string() && b.string()) {
    context.charge(a.string()->size() + b.string()->size());
    return context.text(*a.string() + *b.string());
  }
  if (op == "+" && a.list() && b.list()) {
    List joined = iterate(context, a);
    const List tail = iterate(context, b);
    joined.insert(joined.end(), tail.begin(), tail.end());
    return context.list(std::move(joined));
  }
  if (op == "*" && a.string() && integer_of(b, &j)) {
    const auto times = static_cast<size_t>(std::clamp<int64_t>(j, 0, 1 << 20));
    context.charge(a.string()->size() * times);
    if (j > (1 << 20)) context.error("a string repeated {} times", j);
    std::string out;
    for (size_t n = 0; n < times; ++n) out += *a.string();
    return context.text(std::move(out));
  }
  context.error("'{}' of {} and {} is not supported", op, type_name(a), type_name(b));
}

}  // namespace pewter::io::jinja
