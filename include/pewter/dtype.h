// Element types. Plain types hold one value per element; block-quantised types hold blocks of 32 or
// 256 values that share scales, laid out byte for byte as in GGUF (the GGML block structures), and
// are read-only right-hand operands of matmul, linear, lora_linear and embedding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace pewter {

enum class DType : uint8_t {
  f32,
  f16,
  bf16,
  i32,
  u8,  // plain
  q8_0,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q4_k,
  q5_k,
  q6_k,  // block-quantised
};

inline constexpr DType f32 = DType::f32;
inline constexpr DType f16 = DType::f16;
inline constexpr DType bf16 = DType::bf16;
inline constexpr DType i32 = DType::i32;

struct DTypeInfo {
  std::string_view name;
  int32_t block_values;  // values in a block; 1 for plain types
  int32_t block_bytes;   // bytes in a block; the element size for plain types
};

const DTypeInfo& info(DType dtype);
inline std::string_view to_string(DType dtype) { return info(dtype).name; }
inline bool is_quantised(DType dtype) { return info(dtype).block_values > 1; }
inline bool is_floating(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

// Bytes of `values` contiguous values; throws ErrorCode::shape if they do not fill whole blocks.
int64_t byte_size(DType dtype, int64_t values);

// Storage types of 16 bits. Conversions round to nearest even and keep NaN and infinity
// (IEEE 754-2019 §5.4.2); bfloat16 is the upper half of a binary32.
struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

float to_float(Half h);
Half to_half(float f);

inline float to_float(BFloat16 b) {
  const uint32_t bits = static_cast<uint32_t>(b.bits) << 16;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

inline BFloat16 to_bfloat16(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>((bits >> 16) | 0x40u)};
  return {static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

// Dequantises `values` values (whole blocks) of `dtype` starting at `blocks` into `out`. Each value
// is fma(scale, q, offset) rounded once to f32, with the scale and offset of its (sub-)block; for
// the K-quants scale = d * sub_scale and offset = -dmin * sub_min, each rounded to f32.
// Format: https://github.com/ggml-org/ggml, docs/gguf.md and ggml-common.h.
void dequantise(DType dtype, const void* blocks, int64_t values, float* out);

}  // namespace pewter
