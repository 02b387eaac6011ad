// Block formats of GGUF, one plain function each: the definition that every fast kernel is held to.
// Layouts after the GGML structures block_q8_0 .. block_q6_K (ggml-common.h).
#include <cmath>

#include "blocks.h"
#include "pewter/error.h"

namespace pewter {
namespace {

float half_at(const uint8_t* p) {
  uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return to_float(Half{bits});
}

uint32_t word_at(const uint8_t* p) {
  uint32_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// Q4_0, Q4_1, Q5_0, Q5_1: value i < 16 in the low nibble of byte i, value i + 16 in the high one;
// a fifth bit, where there is one, in bit i of a little-endian word before the nibbles.
void nibbles(const uint8_t* p, uint32_t fifth, int8_t* q) {
  for (int i = 0; i < 16; ++i) {
    q[i] = static_cast<int8_t>((p[i] & 15) | (((fifth >> i) & 1u) << 4));
    q[i + 16] = static_cast<int8_t>((p[i] >> 4) | (((fifth >> (i + 16)) & 1u) << 4));
  }
}

// Six-bit scale and minimum of sub-block j (of 8) in the 12 bytes that Q4_K and Q5_K share.
void scale_min(const uint8_t* s, int j, int& scale, int& min) {
  if (j < 4) {
    scale = s[j] & 63;
    min = s[j + 4] & 63;
  } else {
    scale = (s[j + 4] & 15) | ((s[j - 4] >> 6) << 4);
    min = (s[j + 4] >> 4) | ((s[j] >> 6) << 4);
  }
}

void q45_k(const uint8_t* b, const uint8_t* fifth, const uint8_t* low, UnpackedBlock& u) {
  const float d = half_at(b), dmin = half_at(b + 2);
  for (int j = 0; j < 8; ++j) {
    int scale, min;
    scale_min(b + 4, j, scale, min);
    u.scale[j] = d * static_cast<float>(scale);
    u.offset[j] = 0.0f - dmin * static_cast<float>(min);  // never -0
    for (int i = 0; i < 32; ++i) {
      const uint8_t byte = low[j / 2 * 32 + i];
      int q = j % 2 ? byte >> 4 : byte & 15;
      if (fifth) q |= ((fifth[i] >> j) & 1) << 4;
      u.q[j * 32 + i] = static_cast<int8_t>(q);
    }
  }
}

void q6_k(const uint8_t* b, UnpackedBlock& u) {
  const uint8_t *low = b, *high = b + 128;
  const auto* scales = reinterpret_cast<const int8_t*>(b + 192);
  const float d = half_at(b + 208);
  for (int g = 0; g < 16; ++g) {
    u.scale[g] = d * static_cast<float>(scales[g]);
    u.offset[g] = 0;
  }
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, quarter = i % 128 / 32, l = i % 32;
    const uint8_t byte = low[half * 64 + (quarter % 2) * 32 + l];
    const int top = (high[half * 32 + l] >> (2 * quarter)) & 3;
    u.q[i] = static_cast<int8_t>(((quarter < 2 ? byte & 15 : byte >> 4) | (top << 4)) - 32);
  }
}

// fma(scale, q, offset). Without an offset a product rounds the same and is a call less where the C
// library does the fma; + 0 makes -0 the 0 that the fma gives.
void group_of(float scale, float offset, const int8_t* q, int64_t n, float* out) {
  if (offset == 0) {
    for (int64_t i = 0; i < n; ++i) out[i] = scale * static_cast<float>(q[i]) + 0.0f;
    return;
  }
  for (int64_t i = 0; i < n; ++i) out[i] = std::fma(scale, static_cast<float>(q[i]), offset);
}

}  // namespace

void unpack_block(DType dtype, const uint8_t* b, UnpackedBlock& u) {
  u.scale[0] = half_at(b);
  u.offset[0] = 0;
  switch (dtype) {
    case DType::q8_0:
      std::memcpy(u.q, b + 2, 32);
      return;
    case DType::q4_0:
      u.offset[0] = -8 * u.scale[0];
      return nibbles(b + 2, 0, u.q);
    case DType::q4_1:
      u.offset[0] = half_at(b + 2);
      return nibbles(b + 4, 0, u.q);
    case DType::q5_0:
      u.offset[0] = -16 * u.scale[0];
      return nibbles(b + 6, word_at(b + 2), u.q);
    case DType::q5_1:
      u.offset[0] = half_at(b + 2);
      return nibbles(b + 8, word_at(b + 4), u.q);
    case DType::q4_k:
      return q45_k(b, nullptr, b + 16, u);
    case DType::q5_k:
      return q45_k(b, b + 16, b + 48, u);
    case DType::q6_k:
      return q6_k(b, u);
    default:
      throw_error(ErrorCode::dtype, "[unpack_block] {} has no blocks", to_string(dtype));
  }
}

void dequantise(DType dtype, const void* blocks, int64_t values, float* out) {
  byte_size(dtype, values);  // whole blocks, or an error
  if (!is_quantised(dtype)) {
    throw_error(ErrorCode::dtype, "[dequantise] {} is not quantised", to_string(dtype));
  }
  const DTypeInfo& i = info(dtype);
  const auto* b = static_cast<const uint8_t*>(blocks);
  const int64_t group = group_values(dtype);
  UnpackedBlock u;
  for (int64_t v = 0; v < values; v += i.block_values, b += i.block_bytes) {
    unpack_block(dtype, b, u);
    for (int64_t at = 0; at < i.block_values; at += group, out += group) {
      group_of(u.scale[at / group], u.offset[at / group], u.q + at, group, out);
    }
  }
}

}  // namespace pewter
