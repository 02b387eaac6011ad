// nlohmann::json parses without recursion, but its values are freed recursively in places and deep
// documents cost much memory, so a scan of the brackets comes before the parser.
#include "io/json_file.h"

#include <cmath>
#include <unordered_set>

#include "pewter/error.h"

namespace pewter::io {
namespace {

constexpr size_t kMaxShownValue = 80;

// Depth of the deepest bracket outside strings; stops counting past `limit`.
size_t bracket_depth(std::string_view text, size_t limit) {
  size_t depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size() && deepest <= limit; ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

// Refuses an object that has a key twice: which of the two counts differs between readers.
class DuplicateKeys {
 public:
  explicit DuplicateKeys(std::string_view file) : file_(file) {}

  bool operator()(int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) {
      open_.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      open_.pop_back();
    } else if (event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!open_.back().insert(key).second)
        throw_error(ErrorCode::format, "[json] {}: key '{}' occurs twice in one object", file_,
                    key.substr(0, kMaxShownValue));
    }
    return true;
  }

 private:
  std::string_view file_;
  std::vector<std::unordered_set<std::string>> open_;
};

}  // namespace

Json parse_json(std::string_view file, std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes)
    throw_error(ErrorCode::format, "[json] {}: {} bytes, more than the {} that are read", file,
                text.size(), limits.max_bytes);
  if (bracket_depth(text, limits.max_depth) > limits.max_depth)
    throw_error(ErrorCode::format, "[json] {}: nested more than {} deep", file, limits.max_depth);
  try {
    // By reference: the parser copies its callback into a std::function.
    DuplicateKeys check(file);
    return Json::parse(text.begin(), text.end(), std::ref(check));
  } catch (const Json::exception& e) {
    throw_error(ErrorCode::format, "[json] {}: {}", file, e.what());
  }
}

void JsonView::fail(std::string_view reason) const {
  std::string shown = to_json_text(*value_);
  if (shown.size() > kMaxShownValue) shown = shown.substr(0, kMaxShownValue) + "...";
  throw_error(ErrorCode::format, "[json] {}: '{}' is {}, {}", file_,
              path_.empty() ? "the document" : path_, shown, reason);
}

JsonView JsonView::at(std::string_view key) const {
  const auto found = find(key);
  if (!found)
    throw_error(ErrorCode::format, "[json] {}: field '{}{}{}' is missing", file_, path_,
                path_.empty() ? "" : ".", key);
  return *found;
}

std::optional<JsonView> JsonView::find(std::string_view key) const {
  if (!value_->is_object()) fail("expected an object");
  const auto found = value_->find(std::string(key));
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return JsonView(file_, *found,
                  path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key));
}

std::string_view JsonView::string() const {
  if (!value_->is_string()) fail("expected a string");
  return value_->get_ref<const std::string&>();
}

int64_t JsonView::integer(int64_t least, int64_t most) const {
  if (!value_->is_number_integer()) fail("expected an integer");
  if (value_->is_number_unsigned() &&
      value_->get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()})
    fail("out of range");
  const auto i = value_->get<int64_t>();
  if (i < least || i > most) fail(fmt::format("expected an integer from {} to {}", least, most));
  return i;
}

double JsonView::number() const {
  if (!value_->is_number()) fail("expected a number");
  const auto d = value_->get<double>();
  if (!std::isfinite(d)) fail("expected a finite number");
  return d;
}

bool JsonView::boolean() const {
  if (!value_->is_boolean()) fail("expected true or false");
  return value_->get<bool>();
}

std::vector<JsonView> JsonView::elements() const {
  if (!value_->is_array()) fail("expected an array");
  std::vector<JsonView> out;
  out.reserve(value_->size());
  for (size_t i = 0; i < value_->size(); ++i)
    out.emplace_back(file_, (*value_)[i], fmt::format("{}[{}]", path_, i));
  return out;
}

std::vector<std::pair<std::string, JsonView>> JsonView::members() const {
  if (!value_->is_object()) fail("expected an object");
  std::vector<std::pair<std::string, JsonView>> out;
  out.reserve(value_->size());
  for (const auto& [key, value] : value_->items())
    out.emplace_back(
        key, JsonView(file_, value, path_.empty() ? key : fmt::format("{}.{}", path_, key)));
  return out;
}

std::vector<std::string> JsonView::strings() const {
  std::vector<std::string> out;
  for (const JsonView& element : elements()) out.emplace_back(element.string());
  return out;
}

void for_each_json_line(const FileBytes& file,
                        const std::function<void(size_t, const JsonView&)>& use,
                        const JsonLimits& limits) {
  std::string_view rest = file.text();
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  for (size_t number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}:{}", file.name, number);
    const Json value = parse_json(where, line, limits);
    use(number, JsonView(where, value));
  }
}

std::string to_json_text(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace pewter::io
