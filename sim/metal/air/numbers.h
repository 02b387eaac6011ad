// Half and bfloat as the scheduler's own code needs them: stored as 16 bits, computed as float.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "abi.h"

namespace metal_sim::air {

inline uint16_t half_bits(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value), sign = bits >> 16 & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return uint16_t(sign | 0x7e00);
  if (magnitude >= 0x477ff000) return uint16_t(sign | 0x7c00);  // rounds to infinity
  if (magnitude < 0x38800000) {
    // A denormal: adding this makes the float's own rounding happen at half's last place.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return uint16_t(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000));
  }
  const uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return uint16_t(sign | ((rounded - 0x38000000) >> 13));
}

inline float half_value(uint16_t bits) {
  const uint32_t sign = uint32_t(bits & 0x8000) << 16, magnitude = bits & 0x7fff;
  if (magnitude >= 0x7c00)
    return std::bit_cast<float>(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  if (magnitude < 0x400) {
    const float value = float(magnitude) * 0x1p-24f;
    return sign ? -value : value;
  }
  return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000));
}

inline uint16_t bfloat_bits(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float bfloat_value(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

struct Half {
  Half() = default;
  explicit Half(float value) : bits(half_bits(value)) {}
  operator float() const { return half_value(bits); }
  uint16_t bits;
};

struct Bfloat {
  Bfloat() = default;
  explicit Bfloat(float value) : bits(bfloat_bits(value)) {}
  operator float() const { return bfloat_value(bits); }
  uint16_t bits;
};

// Element i of a row of f32, f16 or bf16.
inline float load_number(const void* row, uint32_t type, uint32_t i) {
  if (type == uint32_t(ElementType::f32)) {
    float value;
    std::memcpy(&value, static_cast<const char*>(row) + 4 * i, 4);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, static_cast<const char*>(row) + 2 * i, 2);
  return type == uint32_t(ElementType::f16) ? half_value(bits) : bfloat_value(bits);
}

inline void store_number(void* row, uint32_t type, uint32_t i, float value) {
  if (type == uint32_t(ElementType::f32)) {
    std::memcpy(static_cast<char*>(row) + 4 * i, &value, 4);
    return;
  }
  const uint16_t bits = type == uint32_t(ElementType::f16) ? half_bits(value) : bfloat_bits(value);
  std::memcpy(static_cast<char*>(row) + 2 * i, &bits, 2);
}

}  // namespace metal_sim::air
