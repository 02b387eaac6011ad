// PCRE2 without JIT: these patterns meet a few hundred short names.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "io/regex.h"

#include <pcre2.h>

#include <array>

#include "pewter/error.h"

namespace pewter::io {
namespace {
constexpr size_t kMaxPatternBytes = 16 * 1024;
constexpr uint32_t kMatchSteps = 100'000;
constexpr uint32_t kMatchHeapKib = 16 * 1024;
}  // namespace

Regex::Regex(std::string_view where, std::string_view pattern) : where_(where) {
  if (pattern.size() > kMaxPatternBytes)
    throw_error(ErrorCode::format, "{}: pattern of {} bytes", where_, pattern.size());
  int error = 0;
  PCRE2_SIZE offset = 0;
  const uint32_t options = PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                   options, &error, &offset, nullptr);
  if (!code) {
    std::array<unsigned char, 256> message{};
    pcre2_get_error_message(error, message.data(), message.size());
    throw_error(ErrorCode::format, "{}: pattern '{}' at {}: {}", where_, pattern.substr(0, 200),
                offset, reinterpret_cast<const char*>(message.data()));
  }
  code_ = std::shared_ptr<const void>(
      code, [](const void* c) { pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(c))); });
}

bool Regex::matches_all(std::string_view text) const {
  const std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> context(
      pcre2_match_context_create(nullptr), pcre2_match_context_free);
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data(
      pcre2_match_data_create(1, nullptr), pcre2_match_data_free);
  if (!context || !data) throw_error(ErrorCode::out_of_memory, "{}: no memory to match", where_);
  pcre2_set_match_limit(context.get(), kMatchSteps);
  pcre2_set_heap_limit(context.get(), kMatchHeapKib);
  const int result = pcre2_match(static_cast<const pcre2_code*>(code_.get()),
                                 reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0,
                                 data.get(), context.get());
  if (result < 0 && result != PCRE2_ERROR_NOMATCH)
    throw_error(ErrorCode::format, "{}: the pattern gives up on '{}' (PCRE2 error {})", where_,
                text.substr(0, 200), result);
  return result >= 0;
}

}  // namespace pewter::io
