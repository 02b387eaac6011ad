// Byte-level BPE (GPT-2's scheme) as Llama 3, Qwen2 and SmolLM2 use it: text is cut into words by
// the model's pre-tokenizer patterns, the bytes of a word are merged pair by pair in the order the
// model learned. Ids are those of the Hugging Face `tokenizers` package for the same
// tokenizer.json.
//
// Any bytes are accepted. Where text is not UTF-8, each run of invalid bytes is a word of its own
// (`tokenizers` takes valid UTF-8 only, so it has no say there). decode(encode(text)) == text, with
// two exceptions that lie in the model: bytes its vocabulary lacks (missing_bytes()) vanish, as
// they do in `tokenizers`, and a model with an NFC normalizer (Qwen2) gives text back in NFC.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/gguf.h"
#include "io/mapped_file.h"

namespace pewter::io {

struct EncodeOptions {
  bool parse_special = false;  // control tokens written in the text ("<|im_end|>") become their id
  bool add_bos = false;        // prepend bos(), if the model has one; see Tokenizer::add_bos()
};

struct TokenizerState;

// Immutable; copies share the vocabulary, and all members may be called from several threads.
class Tokenizer {
 public:
  // From tokenizer.ggml.* of a GGUF file. Models other than "gpt2" (byte-level BPE) and unknown
  // pre-tokenizer names are ErrorCode::format, by name.
  static Tokenizer from_gguf(const GgufFile& file);

  // From a tokenizer.json and, where there are any, the model folder's tokenizer_config.json,
  // generation_config.json, config.json (bos, eos) and chat_template.jinja. Parts of tokenizer.json
  // that are not supported are ErrorCode::format, by name.
  static Tokenizer from_json(const FileBytes& tokenizer_json,
                             const std::optional<FileBytes>& tokenizer_config = {},
                             const std::optional<FileBytes>& generation_config = {},
                             const std::optional<FileBytes>& model_config = {},
                             const std::optional<FileBytes>& chat_template = {});

  // A folder with tokenizer.json beside those files.
  static Tokenizer from_folder(const std::filesystem::path& folder);

  // Throws ErrorCode::argument for text over 1 GiB.
  std::vector<int32_t> encode(std::string_view text, EncodeOptions options = {}) const;

  // The bytes of all ids in a row; ErrorCode::argument for an id outside the vocabulary. Control
  // tokens come out as they are written unless skip_special.
  std::string decode(std::span<const int32_t> ids, bool skip_special = false) const;

  // The bytes of one token; valid while the tokenizer lives.
  std::string_view token_bytes(int32_t id) const;

  int32_t vocab_size() const;  // ids are 0 .. vocab_size() - 1
  std::optional<int32_t> bos() const;
  std::optional<int32_t> eos() const;
  bool add_bos() const;               // whether the model wants bos before a text of its own
  bool is_special(int32_t id) const;  // a control token: not part of the text
  std::optional<int32_t> find_token(std::string_view bytes) const;

  // Ids at which generation stops: eos, and what else the model's metadata or its control tokens
  // name as the end of a turn or of the text (<|im_end|>, <|eot_id|>, <|endoftext|>, ...).
  const std::vector<int32_t>& end_of_generation() const;

  // The model's chat template (Jinja), if it has one.
  const std::optional<std::string>& chat_template() const;

  // Bytes that no token stands for; encode drops them.
  const std::vector<uint8_t>& missing_bytes() const;

  // The tokenizer as a Hugging Face tokenizer.json and its tokenizer_config.json.
  std::string to_json() const;
  std::string config_json() const;

 private:
  explicit Tokenizer(std::shared_ptr<const TokenizerState> state) : state_(std::move(state)) {}
  std::shared_ptr<const TokenizerState> state_;
};

// Turns a stream of token bytes into text that is whole at every step: what push() returns never
// ends inside a UTF-8 character. Bytes that cannot be UTF-8 come out as U+FFFD.
class Utf8Stream {
 public:
  std::string push(std::string_view bytes);
  std::string finish();  // what is left of an unfinished character, as U+FFFD

 private:
  std::string pending_;
};

}  // namespace pewter::io
