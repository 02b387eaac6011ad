// JSON from files that may be hostile: size and depth are limited before anything is built, and
// every access is typed, with errors that name file, field and value.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/mapped_file.h"

namespace pewter::io {

using Json = nlohmann::json;

struct JsonLimits {
  size_t max_depth = 64;
  size_t max_bytes = size_t{512} << 20;
};

// Throws ErrorCode::format with `file` and the position where text is not JSON, is too deep, too
// long, or has an object with a key twice.
Json parse_json(std::string_view file, std::string_view text, const JsonLimits& limits = {});

// One value of a document and where it stands, for reading with checks. The Json and the file name
// must outlive it. Fields that are null count as absent, as Hugging Face's files mean it.
class JsonView {
 public:
  JsonView(std::string_view file, const Json& value, std::string path = "")
      : file_(file), value_(&value), path_(std::move(path)) {}

  JsonView at(std::string_view key) const;                   // the field must be there
  std::optional<JsonView> find(std::string_view key) const;  // nothing if absent or null

  std::string_view string() const;
  int64_t integer(int64_t least = std::numeric_limits<int64_t>::min(),
                  int64_t most = std::numeric_limits<int64_t>::max()) const;
  double number() const;  // finite
  bool boolean() const;
  std::vector<JsonView> elements() const;
  std::vector<std::pair<std::string, JsonView>> members() const;
  std::vector<std::string> strings() const;

  bool is_string() const { return value_->is_string(); }
  bool is_object() const { return value_->is_object(); }
  bool is_array() const { return value_->is_array(); }
  bool is_integer() const { return value_->is_number_integer(); }
  bool is_bool() const { return value_->is_boolean(); }
  const Json& json() const { return *value_; }
  std::string_view file() const { return file_; }
  const std::string& path() const { return path_; }

  // "[json] FILE: 'PATH' is VALUE, REASON" as ErrorCode::format.
  [[noreturn]] void fail(std::string_view reason) const;

 private:
  std::string_view file_;
  const Json* value_;
  std::string path_;
};

// Calls `use` with the line number (from 1) and the value of every line that is not blank. Errors
// name "file:line". A byte-order mark and CR LF are accepted.
void for_each_json_line(const FileBytes& file,
                        const std::function<void(size_t line, const JsonView& value)>& use,
                        const JsonLimits& limits = {});

// JSON text of a value whose strings may hold invalid UTF-8 (replaced by U+FFFD).
std::string to_json_text(const Json& value, int indent = -1);

}  // namespace pewter::io
