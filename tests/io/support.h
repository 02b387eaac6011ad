// What the tests of this layer share: golden files, a folder that goes away, a check for the error
// of hostile input, and a writer of small GGUF files (the library only reads them).
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "io/mapped_file.h"
#include "pewter/error.h"

namespace pewter::io {

inline std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(PEWTER_DATA_DIR) / "golden" / name;
}

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "pewter-io-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Runs `body`, which must throw pewter::Error with `code` and a message that has every part.
inline void expect_error(ErrorCode code, const std::vector<std::string>& parts,
                         const std::function<void()>& body) {
  try {
    body();
    ADD_FAILURE() << "nothing was thrown; expected '" << (parts.empty() ? "" : parts[0]) << "'";
  } catch (const Error& e) {
    EXPECT_EQ(to_string(e.code()), to_string(code)) << e.what();
    for (const std::string& part : parts)
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos)
          << "no '" << part << "' in: " << e.what();
  }
}

// Every proper prefix of `bytes` must be refused with an Error, and nothing else may happen.
inline void expect_every_prefix_refused(const std::string& bytes,
                                        const std::function<void(FileBytes)>& parse) {
  for (size_t n = 0; n < bytes.size(); ++n) {
    try {
      parse(copy_bytes("prefix", std::string_view(bytes).substr(0, n)));
      ADD_FAILURE() << "a prefix of " << n << " of " << bytes.size() << " bytes was accepted";
    } catch (const Error&) {
    }
  }
}

// A GGUF file put together field by field, so that tests can also write wrong ones.
class GgufBuilder {
 public:
  explicit GgufBuilder(uint32_t version = 3) : version_(version) {}

  template <typename T>
  static void put(std::string* out, T value) {
    out->append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  static void put_string(std::string* out, std::string_view text) {
    put<uint64_t>(out, text.size());
    out->append(text);
  }

  GgufBuilder& raw_pair(std::string_view key, uint32_t type, std::string_view value) {
    put_string(&pairs_, key);
    put(&pairs_, type);
    pairs_.append(value);
    ++pair_count_;
    return *this;
  }
  template <typename T>
  GgufBuilder& number(std::string_view key, uint32_t type, T value) {
    std::string bytes;
    put(&bytes, value);
    return raw_pair(key, type, bytes);
  }
  GgufBuilder& u32(std::string_view key, uint32_t v) { return number(key, 4, v); }
  GgufBuilder& f32(std::string_view key, float v) { return number(key, 6, v); }
  GgufBuilder& boolean(std::string_view key, bool v) { return number(key, 7, uint8_t{v}); }
  GgufBuilder& string(std::string_view key, std::string_view v) {
    std::string bytes;
    put_string(&bytes, v);
    return raw_pair(key, 8, bytes);
  }
  GgufBuilder& strings(std::string_view key, const std::vector<std::string>& v) {
    std::string bytes;
    put<uint32_t>(&bytes, 8), put<uint64_t>(&bytes, v.size());
    for (const std::string& s : v) put_string(&bytes, s);
    return raw_pair(key, 9, bytes);
  }
  GgufBuilder& i32s(std::string_view key, const std::vector<int32_t>& v) {
    std::string bytes;
    put<uint32_t>(&bytes, 5), put<uint64_t>(&bytes, v.size());
    for (int32_t i : v) put(&bytes, i);
    return raw_pair(key, 9, bytes);
  }

  // `dims` as GGUF has them, innermost first. The data goes to the next aligned offset.
  GgufBuilder& tensor(std::string_view name, const std::vector<uint64_t>& dims, uint32_t type,
                      std::string_view data) {
    data_.resize((data_.size() + alignment - 1) / alignment * alignment);
    entry(name, dims, type, data_.size());
    data_.append(data);
    return *this;
  }
  GgufBuilder& entry(std::string_view name, const std::vector<uint64_t>& dims, uint32_t type,
                     uint64_t offset) {
    put_string(&entries_, name);
    put<uint32_t>(&entries_, static_cast<uint32_t>(dims.size()));
    for (uint64_t d : dims) put(&entries_, d);
    put(&entries_, type);
    put(&entries_, offset);
    ++entry_count_;
    return *this;
  }

  std::string bytes() const {
    std::string out = "GGUF";
    put(&out, version_);
    put(&out, entry_count_);
    put(&out, pair_count_);
    out += pairs_;
    out += entries_;
    out.resize((out.size() + alignment - 1) / alignment * alignment);
    return out + data_;
  }

  uint64_t alignment = 32;

 private:
  uint32_t version_;
  uint64_t pair_count_ = 0, entry_count_ = 0;
  std::string pairs_, entries_, data_;
};

// Values of a trivially copyable type as bytes.
template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace pewter::io
