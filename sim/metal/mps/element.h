// MPSDataType and elements of it in memory. Values: the SDK's metadata (268435488 is Float32,
// 268435472 is Float16: the low half is the size in bits).
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "pewter/dtype.h"

namespace metal_sim {

enum class DataType : uint32_t {
  invalid = 0,
  float32 = 0x10000020,
  float16 = 0x10000010,
  bfloat16 = 0x90000010,
  int8 = 0x20000008,
  int16 = 0x20000010,
  int32 = 0x20000020,
  int64 = 0x20000040,
  uint8 = 0x8,
  uint16 = 0x10,
  uint32 = 0x20,
  uint64 = 0x40,
  boolean = 0x80000008,
  unorm1 = 0x40000001,
  unorm8 = 0x40000008,
  complex_float32 = 0x11000040,
  complex_float16 = 0x11000020,
};

inline size_t size_of(DataType type) { return (static_cast<uint32_t>(type) & 0xffff) >> 3; }

template <typename T>
T load_as(const std::byte* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// 0 for types that MPS's matrix kernels never read as numbers.
inline double load_element(DataType type, const std::byte* p) {
  switch (type) {
    case DataType::float32:
      return load_as<float>(p);
    case DataType::float16:
      return pewter::to_float(load_as<pewter::Half>(p));
    case DataType::bfloat16:
      return pewter::to_float(load_as<pewter::BFloat16>(p));
    case DataType::int8:
      return load_as<int8_t>(p);
    case DataType::int16:
      return load_as<int16_t>(p);
    case DataType::int32:
      return load_as<int32_t>(p);
    case DataType::int64:
      return static_cast<double>(load_as<int64_t>(p));
    case DataType::uint8:
    case DataType::boolean:
      return load_as<uint8_t>(p);
    case DataType::unorm8:
      return load_as<uint8_t>(p) / 255.0;
    case DataType::uint16:
      return load_as<uint16_t>(p);
    case DataType::uint32:
      return load_as<uint32_t>(p);
    case DataType::uint64:
      return static_cast<double>(load_as<uint64_t>(p));
    default:
      return 0;
  }
}

template <typename T>
void store_as(std::byte* p, T value) {
  std::memcpy(p, &value, sizeof value);
}

inline void store_element(DataType type, std::byte* p, double value) {
  switch (type) {
    case DataType::float32:
      return store_as(p, static_cast<float>(value));
    case DataType::float16:
      return store_as(p, pewter::to_half(static_cast<float>(value)));
    case DataType::bfloat16:
      return store_as(p, pewter::to_bfloat16(static_cast<float>(value)));
    case DataType::int8:
      return store_as(p, static_cast<int8_t>(value));
    case DataType::int16:
      return store_as(p, static_cast<int16_t>(value));
    case DataType::int32:
      return store_as(p, static_cast<int32_t>(value));
    case DataType::int64:
      return store_as(p, static_cast<int64_t>(value));
    case DataType::uint8:
    case DataType::boolean:
      return store_as(p, static_cast<uint8_t>(value));
    case DataType::unorm8:
      return store_as(p, static_cast<uint8_t>(std::lround(value * 255)));
    case DataType::uint16:
      return store_as(p, static_cast<uint16_t>(value));
    case DataType::uint32:
      return store_as(p, static_cast<uint32_t>(value));
    case DataType::uint64:
      return store_as(p, static_cast<uint64_t>(value));
    default:
      return;
  }
}

inline bool is_float(DataType t) { return t == DataType::float32 || t == DataType::float16; }

// A matrix in memory as a job sees it: rows of elements, from an origin.
struct View {
  std::byte* data = nullptr;
  size_t row_bytes = 0;
  DataType type = DataType::float32;
  size_t rows = 0, columns = 0;
  bool transposed = false;  // stored column by column

  std::byte* at(size_t i, size_t j) const {
    return transposed ? data + j * row_bytes + i * size_of(type)
                      : data + i * row_bytes + j * size_of(type);
  }
  double get(size_t i, size_t j) const { return load_element(type, at(i, j)); }
  void set(size_t i, size_t j, double value) const { store_element(type, at(i, j), value); }
  explicit operator bool() const { return data != nullptr; }
};

}  // namespace metal_sim
