// Block formats of GGUF, one plain function each: the definition that every fast kernel is held to.
// Layouts after the GGML structures block_q8_0 .. block_q6_K (ggml-common.h).
#include <cmath>

#include "pewter/dtype.h"
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

void q8_0(const uint8_t* b, float* out) {
  const float d = half_at(b);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(static_cast<int8_t>(b[2 + i]));
}

// Q4_0, Q4_1, Q5_0, Q5_1: value i < 16 in the low nibble of byte i, value i + 16 in the high one;
// a fifth bit, where there is one, in bit i of a little-endian word before the nibbles.
void q45(const uint8_t* nibbles, uint32_t fifth, float d, float offset, float* out) {
  for (int i = 0; i < 16; ++i) {
    const int low = (nibbles[i] & 15) | static_cast<int>(((fifth >> i) & 1u) << 4);
    const int high = (nibbles[i] >> 4) | static_cast<int>(((fifth >> (i + 16)) & 1u) << 4);
    out[i] = std::fma(d, static_cast<float>(low), offset);
    out[i + 16] = std::fma(d, static_cast<float>(high), offset);
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

void q45_k(const uint8_t* b, const uint8_t* fifth, const uint8_t* nibbles, float* out) {
  const float d = half_at(b), dmin = half_at(b + 2);
  for (int j = 0; j < 8; ++j) {
    int scale, min;
    scale_min(b + 4, j, scale, min);
    const float s = d * static_cast<float>(scale), offset = -(dmin * static_cast<float>(min));
    for (int i = 0; i < 32; ++i) {
      const uint8_t byte = nibbles[j / 2 * 32 + i];
      int q = j % 2 ? byte >> 4 : byte & 15;
      if (fifth) q |= ((fifth[i] >> j) & 1) << 4;
      out[j * 32 + i] = std::fma(s, static_cast<float>(q), offset);
    }
  }
}

void q6_k(const uint8_t* b, float* out) {
  const uint8_t *low = b, *high = b + 128;
  const auto* scales = reinterpret_cast<const int8_t*>(b + 192);
  const float d = half_at(b + 208);
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, in_half = i % 128, quarter = in_half / 32, l = in_half % 32;
    const uint8_t byte = low[half * 64 + (quarter % 2) * 32 + l];
    const int nibble = quarter < 2 ? byte & 15 : byte >> 4;
    const int top = (high[half * 32 + l] >> (2 * quarter)) & 3;
    const float s = d * static_cast<float>(scales[i / 16]);
    out[i] = s * static_cast<float>((nibble | (top << 4)) - 32);
  }
}

void block(DType dtype, const uint8_t* b, float* out) {
  switch (dtype) {
    case DType::q8_0: return q8_0(b, out);
    case DType::q4_0: return q45(b + 2, 0, half_at(b), -8 * half_at(b), out);
    case DType::q4_1: return q45(b + 4, 0, half_at(b), half_at(b + 2), out);
    case DType::q5_0: return q45(b + 6, word_at(b + 2), half_at(b), -16 * half_at(b), out);
    case DType::q5_1: return q45(b + 8, word_at(b + 4), half_at(b), half_at(b + 2), out);
    case DType::q4_k: return q45_k(b, nullptr, b + 16, out);
    case DType::q5_k: return q45_k(b, b + 16, b + 48, out);
    case DType::q6_k: return q6_k(b, out);
    default: throw_error(ErrorCode::dtype, "[dequantise] {} is not quantised", to_string(dtype));
  }
}

}  // namespace

void dequantise(DType dtype, const void* blocks, int64_t values, float* out) {
  byte_size(dtype, values);  // whole blocks, or an error
  const DTypeInfo& i = info(dtype);
  const auto* b = static_cast<const uint8_t*>(blocks);
  for (int64_t v = 0; v < values; v += i.block_values, b += i.block_bytes) block(dtype, b, out + v);
}

}  // namespace pewter
