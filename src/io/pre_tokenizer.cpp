// Oniguruma's \s is Unicode's White_Space; PCRE2's also holds U+180E, so \s and \S are spelled out.
// Matching works on valid UTF-8 (the caller has checked), hence PCRE2_NO_UTF_CHECK.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "io/pre_tokenizer.h"

#include <pcre2.h>

#include <algorithm>
#include <array>
#include <limits>

#include "pewter/error.h"

namespace pewter::io {
namespace {

constexpr size_t kMaxPatternBytes = 16 * 1024;
constexpr size_t kJitStackStart = 32 * 1024;
constexpr size_t kJitStackMost = 8 * 1024 * 1024;
// Steps a pattern may take for one match, beside a few for each byte: nested quantifiers from a
// hostile file stop here instead of running for years.
constexpr uint32_t kMatchSteps = 1'000'000;
// What is left to go back to lies on the heap where the JIT stack is too small: 256 MiB of it.
constexpr uint32_t kMatchHeapKib = 256 * 1024;

uint32_t match_limit(size_t text_bytes) {
  constexpr size_t kMost = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::min(kMost, kMatchSteps + 16 * text_bytes));
}

constexpr std::string_view kSpaceClass = R"(\t-\r \x{85}\p{Z})";

const char* const kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const char* const kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const char* const kTekkenPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// What llama.cpp does for a file that names no pre-tokenizer.
const char* const kDefaultPunctuation = R"([\p{P}\$\+<=>\^~\|]+)";

enum class Scheme { gpt2, digits_gpt2, llama3, qwen2, tekken, fallback };

struct SchemeName {
  std::string_view name;
  Scheme scheme;
};

constexpr std::array kSchemes = std::to_array<SchemeName>({
    {"default", Scheme::fallback},
    {"gpt-2", Scheme::gpt2},
    {"mpt", Scheme::gpt2},
    {"olmo", Scheme::gpt2},
    {"jais", Scheme::gpt2},
    {"trillion", Scheme::gpt2},
    {"smollm", Scheme::digits_gpt2},
    {"starcoder", Scheme::digits_gpt2},
    {"refact", Scheme::digits_gpt2},
    {"command-r", Scheme::digits_gpt2},
    {"exaone", Scheme::digits_gpt2},
    {"minerva-7b", Scheme::digits_gpt2},
    {"codeshell", Scheme::digits_gpt2},
    {"llama-bpe", Scheme::llama3},
    {"llama3", Scheme::llama3},
    {"llama-v3", Scheme::llama3},
    {"qwen2", Scheme::qwen2},
    {"deepseek-r1-qwen", Scheme::qwen2},
    {"tekken", Scheme::tekken},
});

// Rewrites \s and \S; everything else means the same to both engines.
std::string translate(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (c == '\\' && next == 's') {
      out += in_class ? std::string(kSpaceClass) : fmt::format("[{}]", kSpaceClass);
      ++i;
    } else if (c == '\\' && next == 'S' && !in_class) {
      out += fmt::format("[^{}]", kSpaceClass);
      ++i;
    } else if (c == '\\' && next != '\0') {
      out += c, out += next;
      ++i;
    } else {
      if (c == '[' && !in_class) {
        in_class = true;
        out += c;
        if (next == '^') out += pattern[++i];
        if (i + 1 < pattern.size() && pattern[i + 1] == ']') out += pattern[++i];
        continue;
      }
      if (c == ']') in_class = false;
      out += c;
    }
  }
  return out;
}

}  // namespace

// "Digits" asks Rust's char::is_numeric, which knows the numbers that Unicode 15 to 17 added; the
// tables of PCRE2 10.42 and of Oniguruma end at Unicode 14.
#define PEWTER_NUMERIC                                                                    \
  R"([\p{N}\x{10D40}-\x{10D49}\x{116D0}-\x{116E3}\x{11BF0}-\x{11BF9}\x{11DE0}-\x{11DE9})" \
  R"(\x{11F50}-\x{11F59}\x{16130}-\x{16139}\x{16D70}-\x{16D79}\x{16FF4}-\x{16FF6})"       \
  R"(\x{1CCF0}-\x{1CCF9}\x{1D2C0}-\x{1D2D3}\x{1E4F0}-\x{1E4F9}\x{1E5F1}-\x{1E5FA}])"
const char* const kDigitPattern = PEWTER_NUMERIC;
const char* const kDigitsPattern = PEWTER_NUMERIC "+";
#undef PEWTER_NUMERIC

const char* const kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

NamedPreTokenizer named_pre_tokenizer(std::string_view file, std::string_view name) {
  const auto found = std::ranges::find(kSchemes, name, &SchemeName::name);
  if (found == kSchemes.end()) {
    std::string known;
    for (const SchemeName& scheme : kSchemes) known += fmt::format(" {}", scheme.name);
    throw_error(ErrorCode::format,
                "[tokenizer] {}: pre-tokenizer '{}' is not supported; these are:{}", file, name,
                known);
  }
  switch (found->scheme) {
    case Scheme::gpt2:
      return {{{kGpt2Pattern}}};
    case Scheme::digits_gpt2:
      return {{{kDigitPattern}, {kGpt2Pattern}}};
    case Scheme::llama3:
      return {{{kLlama3Pattern}}, true, false};
    case Scheme::qwen2:
      return {{{kQwen2Pattern}}, false, true};
    case Scheme::tekken:
      return {{{kTekkenPattern}}, true, false};
    case Scheme::fallback:
      break;
  }
  return {{{kDefaultPunctuation}, {kGpt2Pattern}, {R"(\p{N}+)"}, {"[0-9][0-9][0-9]"}}};
}

struct PreTokenizer::Compiled {
  pcre2_code* code = nullptr;
  ~Compiled() { pcre2_code_free(code); }
};

PreTokenizer::PreTokenizer(std::string_view file, std::vector<SplitRule> rules)
    : file_(file), rules_(std::move(rules)) {
  for (const SplitRule& rule : rules_) {
    if (rule.pattern.empty() || rule.pattern.size() > kMaxPatternBytes)
      throw_error(ErrorCode::format, "[tokenizer] {}: split pattern of {} bytes", file_,
                  rule.pattern.size());
    const std::string pattern = rule.literal ? rule.pattern : translate(rule.pattern);
    const uint32_t options =
        PCRE2_UTF | (rule.literal ? uint32_t{PCRE2_LITERAL} : PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C);
    int error = 0;
    PCRE2_SIZE offset = 0;
    auto compiled = std::make_unique<Compiled>();
    compiled->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                   options, &error, &offset, nullptr);
    if (!compiled->code) {
      std::array<unsigned char, 256> message{};
      pcre2_get_error_message(error, message.data(), message.size());
      throw_error(ErrorCode::format, "[tokenizer] {}: split pattern '{}' at {}: {}", file_,
                  rule.pattern.substr(0, 200), offset,
                  reinterpret_cast<const char*>(message.data()));
    }
    // Without JIT (not every processor has it) pcre2_match interprets, with the same results.
    pcre2_jit_compile(compiled->code, PCRE2_JIT_COMPLETE);
    compiled_.push_back(std::move(compiled));
  }
}

PreTokenizer::~PreTokenizer() = default;
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;

struct PreTokenizer::Session::State {
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = pcre2_jit_stack_create(kJitStackStart, kJitStackMost, nullptr);
  // One pair of offsets: only the whole match is asked for.
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);

  ~State() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(stack);
  }
};

PreTokenizer::Session::Session(const PreTokenizer& owner)
    : owner_(owner), state_(std::make_unique<State>()) {
  if (!state_->context || !state_->data)
    throw_error(ErrorCode::out_of_memory, "[tokenizer] no memory for the pattern matcher");
  pcre2_set_heap_limit(state_->context, kMatchHeapKib);
  if (state_->stack) pcre2_jit_stack_assign(state_->context, nullptr, state_->stack);
}

PreTokenizer::Session::~Session() = default;

// Negative: no match. Otherwise the match stands in the match data.
int PreTokenizer::Session::match(size_t rule, std::string_view text, size_t from) {
  const pcre2_code* code = owner_.compiled_[rule]->code;
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  pcre2_set_match_limit(state_->context, match_limit(text.size()));
  int result = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY,
                           state_->data, state_->context);
  if (result == PCRE2_ERROR_JIT_STACKLIMIT)
    result = pcre2_match(code, subject, text.size(), from,
                         PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY | PCRE2_NO_JIT, state_->data,
                         state_->context);
  if (result < 0 && result != PCRE2_ERROR_NOMATCH)
    throw_error(ErrorCode::argument,
                "[tokenizer] {}: split pattern '{}' gives up on this text (PCRE2 error {})",
                owner_.file_, owner_.rules_[rule].pattern.substr(0, 200), result);
  return result;
}

void PreTokenizer::Session::cut(std::string_view text,
                                const std::function<void(std::string_view)>& use) {
  cut_from(0, text, use);
}

void PreTokenizer::Session::cut_from(size_t rule, std::string_view text,
                                     const std::function<void(std::string_view)>& use) {
  if (text.empty()) return;
  if (rule == owner_.rules_.size()) {
    use(text);
    return;
  }
  const bool keep_gaps = owner_.rules_[rule].keep == SplitRule::Keep::everything;
  size_t at = 0;
  while (at < text.size() && match(rule, text, at) >= 0) {
    const PCRE2_SIZE* found = pcre2_get_ovector_pointer(state_->data);
    // A pattern with \K may report a start before `at`; such a piece would repeat text.
    const size_t start = std::max<size_t>(found[0], at);
    const size_t end = std::max<size_t>(found[1], start);
    if (keep_gaps && start > at) cut_from(rule + 1, text.substr(at, start - at), use);
    cut_from(rule + 1, text.substr(start, end - start), use);
    if (end == at) break;
    at = end;
  }
  if (keep_gaps && at < text.size()) cut_from(rule + 1, text.substr(at), use);
}

}  // namespace pewter::io
