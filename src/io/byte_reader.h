// A cursor over hostile little-endian bytes: nothing is read without being checked against what is
// left, and the error names the file, the field and the position.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "pewter/error.h"

namespace pewter::io {

static_assert(std::endian::native == std::endian::little, "file formats here are little-endian");

class ByteReader {
 public:
  // `format` and `file` are for messages: "[gguf] model.gguf: ..."; both must outlive the reader.
  ByteReader(std::string_view format, std::string_view file, std::span<const std::byte> data)
      : format_(format), file_(file), data_(data) {}

  size_t position() const { return position_; }
  size_t remaining() const { return data_.size() - position_; }

  template <typename T>
  T read(std::string_view field) {
    T value;
    std::memcpy(&value, take(sizeof value, field).data(), sizeof value);
    return value;
  }

  std::span<const std::byte> take(uint64_t bytes, std::string_view field) {
    if (bytes > remaining())
      throw_error(ErrorCode::format, "[{}] {}: {} at byte {} needs {} bytes, {} are left", format_,
                  file_, field, position_, bytes, remaining());
    const auto taken = data_.subspan(position_, static_cast<size_t>(bytes));
    position_ += static_cast<size_t>(bytes);
    return taken;
  }

  std::string_view take_text(uint64_t bytes, std::string_view field) {
    const auto taken = take(bytes, field);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }

 private:
  std::string_view format_;
  std::string_view file_;
  std::span<const std::byte> data_;
  size_t position_ = 0;
};

// a * b and a + b, or false where the result does not fit.
inline bool checked_multiply(uint64_t a, uint64_t b, uint64_t* out) {
  return !__builtin_mul_overflow(a, b, out);
}
inline bool checked_add(uint64_t a, uint64_t b, uint64_t* out) {
  return !__builtin_add_overflow(a, b, out);
}

}  // namespace pewter::io
