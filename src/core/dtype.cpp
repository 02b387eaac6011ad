// Sizes of the element types and the 16-bit conversions, in plain code: the SIMD kernels have their
// own and are checked against these.
#include "pewter/dtype.h"

#include "pewter/error.h"

namespace pewter {

const DTypeInfo& info(DType dtype) {
  static constexpr DTypeInfo kInfo[] = {
      {"f32", 1, 4},      {"f16", 1, 2},      {"bf16", 1, 2},    {"i32", 1, 4},    {"u8", 1, 1},
      {"q8_0", 32, 34},   {"q4_0", 32, 18},   {"q4_1", 32, 20},  {"q5_0", 32, 22}, {"q5_1", 32, 24},
      {"q4_k", 256, 144}, {"q5_k", 256, 176}, {"q6_k", 256, 210}};
  return kInfo[static_cast<int>(dtype)];
}

int64_t byte_size(DType dtype, int64_t values) {
  const DTypeInfo& i = info(dtype);
  if (values < 0 || values % i.block_values != 0) {
    throw_error(ErrorCode::shape, "[{}] {} values do not fill whole blocks of {}", i.name, values,
                i.block_values);
  }
  int64_t bytes;
  if (__builtin_mul_overflow(values / i.block_values, int64_t{i.block_bytes}, &bytes)) {
    throw_error(ErrorCode::shape, "[{}] {} values take more than 2^63 bytes", i.name, values);
  }
  return bytes;
}

float to_float(Half h) {
  const uint32_t sign = (h.bits & 0x8000u) << 16;
  const uint32_t exponent = (h.bits >> 10) & 0x1fu;
  const uint32_t mantissa = h.bits & 0x3ffu;
  uint32_t bits;
  if (exponent == 31) {
    bits = sign | 0x7f800000u | (mantissa << 13);
  } else if (exponent != 0) {
    bits = sign | ((exponent + 112) << 23) | (mantissa << 13);
  } else {
    const float f = static_cast<float>(mantissa) * 0x1p-24f;  // exact: 10 bits
    return sign ? -f : f;
  }
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

Half to_half(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  bits &= 0x7fffffffu;
  if (bits > 0x7f800000u) return {static_cast<uint16_t>(sign | 0x7e00u | ((bits >> 13) & 0x3ffu))};
  if (bits >= 0x477ff000u) return {static_cast<uint16_t>(sign | 0x7c00u)};  // rounds past 65504
  if (bits < 0x38800000u) {  // below 2^-14: adding 0.5 aligns the last place at 2^-24
    float magnitude;
    std::memcpy(&magnitude, &bits, sizeof magnitude);
    const float aligned = magnitude + 0.5f;
    std::memcpy(&bits, &aligned, sizeof bits);
    return {static_cast<uint16_t>(sign | (bits - 0x3f000000u))};
  }
  const uint32_t rounded = bits + 0xfffu + ((bits >> 13) & 1u) - (112u << 23);
  return {static_cast<uint16_t>(sign | (rounded >> 13))};
}

}  // namespace pewter
