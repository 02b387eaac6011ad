// FNV-1a over 64 bits (draft-eastlake-fnv): tells data files, token streams and settings apart in a
// checkpoint. It guards against mistakes, not against an adversary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace pewter {

class Hash {
 public:
  Hash& add(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) value_ = (value_ ^ static_cast<uint64_t>(b)) * 0x100000001b3u;
    return *this;
  }
  Hash& add(std::string_view text) {
    return add(std::as_bytes(std::span(text.data(), text.size()))).add_size(text.size());
  }
  template <typename T>
  Hash& add_values(std::span<const T> values) {
    return add(std::as_bytes(values)).add_size(values.size());
  }
  uint64_t value() const { return value_; }

 private:
  // Lengths go in too, so that "ab", "c" and "a", "bc" differ.
  Hash& add_size(uint64_t n) { return add(std::as_bytes(std::span(&n, 1))); }

  uint64_t value_ = 0xcbf29ce484222325u;
};

}  // namespace pewter
