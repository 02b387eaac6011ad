// UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF) and the byte alphabet of
// GPT-2's vocabularies, in which each of the 256 bytes is written as one printable character.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pewter::io {

// The character at the start of `text`: its length in bytes, 0 if those bytes are not UTF-8.
size_t decode_utf8(std::string_view text, uint32_t* code_point);
void append_utf8(uint32_t code_point, std::string* out);

// Length of the longest prefix that is UTF-8.
size_t valid_utf8_prefix(std::string_view text);

// Whether `bytes` (1 to 3 of them) begin a character that more bytes could complete.
bool is_utf8_beginning(std::string_view bytes);

// Byte alphabet: printable Latin-1 stands for itself, the 68 other bytes for U+0100 and up.
uint32_t byte_to_alphabet(uint8_t byte);
std::optional<uint8_t> alphabet_to_byte(uint32_t code_point);

// Vocabulary spelling to bytes; a token with a character outside the alphabet stands for itself.
std::string bytes_of_token(std::string_view token);
std::string token_of_bytes(std::string_view bytes);

}  // namespace pewter::io
