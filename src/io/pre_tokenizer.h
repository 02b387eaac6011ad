// The cutting half of a tokenizer: a chain of patterns, each of which cuts the pieces of the one
// before it. Patterns are those of the models' tokenizer.json, written for Oniguruma, and run here
// by PCRE2 (UTF, Unicode properties, JIT); what differs between the two is translated or refused.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pewter::io {

struct SplitRule {
  enum class Keep {
    everything,  // matches and what lies between them are pieces ("Isolated")
    matches,     // only matches are pieces ("Removed" with invert)
  };
  std::string pattern;
  bool literal = false;  // the pattern is text, not a regular expression
  Keep keep = Keep::everything;
};

// Patterns of GPT-2 (also what "ByteLevel" with use_regex means), one or several digits, and the
// chain that llama.cpp's name for a pre-tokenizer (tokenizer.ggml.pre) stands for.
extern const char* const kGpt2Pattern;
extern const char* const kDigitPattern;   // one character that is a number
extern const char* const kDigitsPattern;  // a run of them
struct NamedPreTokenizer {
  std::vector<SplitRule> rules;
  bool ignore_merges = false;
  bool nfc = false;
};
NamedPreTokenizer named_pre_tokenizer(std::string_view file, std::string_view name);

class PreTokenizer {
 public:
  // `file` is for messages. Throws ErrorCode::format for a pattern that PCRE2 does not take.
  PreTokenizer(std::string_view file, std::vector<SplitRule> rules);
  ~PreTokenizer();
  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;

  const std::vector<SplitRule>& rules() const { return rules_; }

  // Match state of one encode() call; not shared between threads.
  class Session {
   public:
    explicit Session(const PreTokenizer& owner);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Calls `use` for every word of `text`, in order; `text` must be valid UTF-8. Throws
    // ErrorCode::argument where a pattern exceeds its limit of steps on this text.
    void cut(std::string_view text, const std::function<void(std::string_view)>& use);

   private:
    void cut_from(size_t rule, std::string_view text,
                  const std::function<void(std::string_view)>& use);
    int match(size_t rule, std::string_view text, size_t from);

    const PreTokenizer& owner_;
    struct State;
    std::unique_ptr<State> state_;
  };

 private:
  struct Compiled;
  std::string file_;
  std::vector<SplitRule> rules_;
  std::vector<std::unique_ptr<Compiled>> compiled_;
};

}  // namespace pewter::io
