// GGUF, the file format of llama.cpp: metadata (key, typed value) and tensors in one mapped file.
// Specification: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3,
// little-endian. A file is hostile until checked: any count, size, offset, type or name that does
// not hold throws ErrorCode::format with file, field and value, and memory stays within a constant
// times the file's size.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "io/host_tensor.h"
#include "io/mapped_file.h"

namespace pewter::io {

enum class GgufType : uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

// An array of numbers stays in the file (elements may lie unaligned); strings are views into it.
struct GgufArray {
  GgufType element = GgufType::u8;
  uint64_t count = 0;
  std::span<const std::byte> numbers;
  std::vector<std::string_view> strings;
};

// Integers of every width are held as i64 or u64, floats as double.
using GgufValue = std::variant<int64_t, uint64_t, double, bool, std::string_view, GgufArray>;

class GgufFile {
 public:
  static GgufFile open(const std::filesystem::path& path) { return parse(map_file(path)); }
  static GgufFile parse(FileBytes file);

  const std::string& name() const { return file_.name; }
  uint32_t version() const { return version_; }
  const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }

  // Tensors in file order; GGUF's dimensions are turned round, so shape is [rows, columns].
  const std::vector<HostTensor>& tensors() const { return tensors_; }
  const HostTensor* find_tensor(std::string_view tensor_name) const;

  // Typed access. The optional forms give nothing where the key is absent; a value of another type
  // (or an integer or number out of range) is an Error. Numbers must be finite.
  bool has(std::string_view key) const { return metadata_.contains(key); }
  std::optional<int64_t> find_integer(std::string_view key) const;
  std::optional<double> find_number(std::string_view key) const;
  std::optional<bool> find_bool(std::string_view key) const;
  std::optional<std::string_view> find_string(std::string_view key) const;
  const std::vector<std::string_view>* find_strings(std::string_view key) const;
  std::optional<std::vector<int64_t>> find_integers(std::string_view key) const;

  int64_t integer(std::string_view key) const;
  double number(std::string_view key) const;
  std::string_view string(std::string_view key) const;
  const std::vector<std::string_view>& strings(std::string_view key) const;

 private:
  [[noreturn]] void fail_type(std::string_view key, std::string_view expected) const;
  [[noreturn]] void fail_missing(std::string_view key) const;

  FileBytes file_;
  uint32_t version_ = 0;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::vector<HostTensor> tensors_;
  std::map<std::string, size_t, std::less<>> tensor_index_;

  friend class GgufParser;
};

}  // namespace pewter::io
