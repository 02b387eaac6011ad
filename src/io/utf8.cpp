// Table-free decoding: text goes through here once, the patterns and the merges cost far more.
#include "io/utf8.h"

namespace pewter::io {
namespace {

constexpr uint32_t kAlphabetSize = 256 + 68;

struct Alphabet {
  std::array<uint32_t, 256> forward{};
  std::array<int16_t, kAlphabetSize> backward{};

  Alphabet() {
    backward.fill(-1);
    uint32_t next = 256;
    for (uint32_t b = 0; b < 256; ++b) {
      const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD);
      forward[b] = printable ? b : next++;
      backward[forward[b]] = static_cast<int16_t>(b);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

// Length a lead byte announces; 0 for bytes that lead nothing.
size_t announced_length(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// Whether `second` may follow `lead`: this is where overlong forms, surrogates and values over
// U+10FFFF are told apart.
bool second_byte_fits(uint8_t lead, uint8_t second) {
  const uint8_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return second >= least && second <= most;
}

// How many of the bytes at the start of `text` fit one character, and how many it needs.
size_t fitting_bytes(std::string_view text, size_t* needed) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  *needed = announced_length(byte(0));
  if (*needed == 0) return 0;
  size_t n = 1;
  if (*needed > 1 && text.size() > 1 && !second_byte_fits(byte(0), byte(1))) return 1;
  while (n < *needed && n < text.size() && (byte(n) & 0xC0) == 0x80) ++n;
  return n;
}

}  // namespace

size_t decode_utf8(std::string_view text, uint32_t* code_point) {
  if (text.empty()) return 0;
  size_t needed = 0;
  if (fitting_bytes(text, &needed) != needed || needed == 0) return 0;
  const auto lead = static_cast<uint8_t>(text[0]);
  uint32_t value = needed == 1 ? lead : lead & (0x7Fu >> needed);
  for (size_t i = 1; i < needed; ++i) value = value << 6 | (static_cast<uint8_t>(text[i]) & 0x3Fu);
  *code_point = value;
  return needed;
}

void append_utf8(uint32_t c, std::string* out) {
  const auto put = [&](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  }
}

size_t valid_utf8_prefix(std::string_view text) {
  size_t at = 0;
  uint32_t ignored = 0;
  while (at < text.size()) {
    if (static_cast<uint8_t>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const size_t n = decode_utf8(text.substr(at, 4), &ignored);
    if (n == 0) break;
    at += n;
  }
  return at;
}

bool is_utf8_beginning(std::string_view bytes) {
  if (bytes.empty()) return false;
  size_t needed = 0;
  return fitting_bytes(bytes, &needed) == bytes.size() && bytes.size() < needed;
}

uint32_t byte_to_alphabet(uint8_t byte) { return alphabet().forward[byte]; }

std::optional<uint8_t> alphabet_to_byte(uint32_t code_point) {
  if (code_point >= kAlphabetSize || alphabet().backward[code_point] < 0) return std::nullopt;
  return static_cast<uint8_t>(alphabet().backward[code_point]);
}

std::string bytes_of_token(std::string_view token) {
  std::string out;
  for (size_t at = 0; at < token.size();) {
    uint32_t c = 0;
    const size_t n = decode_utf8(token.substr(at, 4), &c);
    const auto byte = n == 0 ? std::nullopt : alphabet_to_byte(c);
    if (!byte) return std::string(token);
    out.push_back(static_cast<char>(*byte));
    at += n;
  }
  return out;
}

std::string token_of_bytes(std::string_view bytes) {
  std::string out;
  for (char c : bytes) append_utf8(byte_to_alphabet(static_cast<uint8_t>(c)), &out);
  return out;
}

}  // namespace pewter::io
