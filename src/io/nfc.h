// Unicode normalization form C (UAX #15), for models whose tokenizer asks for it (Qwen2).
#pragma once

#include <string>
#include <string_view>

namespace pewter::io {

// `text` must be valid UTF-8.
std::string to_nfc(std::string_view text);

// True where the text is certainly in NFC already (nothing at U+0300 or above); false if unsure.
bool is_surely_nfc(std::string_view text);

}  // namespace pewter::io
