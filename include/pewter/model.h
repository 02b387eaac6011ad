// A language model: weights, tokenizer and adapters, ready to generate and to be trained.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pewter/lora.h"
#include "pewter/tensor.h"

namespace pewter {

struct LoadOptions {
  Device device = {};
};

struct GenerateOptions {
  int max_tokens = 256;                // and never more than the model's context has room for
  float temperature = 0;               // 0: always the most probable token, exactly repeatable
  int top_k = 0;                       // 0: all
  float top_p = 1;                     // 1: all
  float min_p = 0;                     // 0: all; else tokens below min_p times the best are dropped
  float repetition_penalty = 1;        // CTRL's (arXiv 1909.05858 §4.1), over prompt and answer
  std::vector<std::string> stop = {};  // generation ends before any of these
  uint64_t seed = 0;
  bool raw = false;  // false: special tokens written in the prompt count as such
  std::function<bool()> cancelled = {};  // asked before every token
};

struct GenerateResult {
  std::string text;
  std::vector<int32_t> ids;
  std::string finish;  // "stop", "length", "cancelled"
  int64_t prompt_tokens = 0;
  double prompt_seconds = 0, decode_seconds = 0;
};

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

class Model {
 public:
  // `source` is a GGUF file, a Hugging Face folder, or a name that `pewter fetch` knows. Weights
  // keep the dtype they are stored in; quantised ones are mapped, not copied, where the device
  // allows. Throws ErrorCode::io or ErrorCode::format naming the file, field and value.
  static Model load(const std::string& source, LoadOptions options = {});

  // Adds low-rank terms to the target layers and makes them, alone, trainable. Throws
  // ErrorCode::argument for a target that names no layer, or when there is an adapter already.
  void add_lora(const LoraConfig& config);
  void make_trainable();  // all parameters; throws ErrorCode::dtype for a quantised model
  // PEFT's format: a folder with adapter_config.json and adapter_model.safetensors.
  void load_adapter(const std::string& folder, bool trainable = false);
  void save_adapter(const std::string& folder) const;
  // Base plus adapter as a Hugging Face folder in `dtype` (f32, f16, bf16).
  void save_merged(const std::string& folder, DType dtype) const;

  // Streams whole UTF-8 characters of the continuation to `on_piece` (may be empty). Throws
  // ErrorCode::argument if prompt and answer do not fit the model's context.
  GenerateResult generate(std::string_view prompt, const GenerateOptions& options = {},
                          const std::function<void(std::string_view)>& on_piece = {}) const;
  // The conversation in the model's own chat template, ending where the assistant speaks next.
  // Throws ErrorCode::format if the model has no template.
  std::string chat_prompt(const std::vector<ChatMessage>& messages,
                          bool add_generation_prompt = true) const;

  // Begins with the bos token where the model wants one, once: a text may bring its own.
  std::vector<int32_t> encode(std::string_view text, bool parse_special = true) const;
  std::string decode(std::span<const int32_t> ids) const;
  // Logits f32 [T, V] of the tokens after each of `ids`.
  Tensor logits(std::span<const int32_t> ids) const;

  Device device() const;
  int64_t parameter_count() const;
  int64_t trainable_count() const;
  std::string source() const;
  bool has_adapter() const;
  // "model.layers.0.self_attn.q_proj.lora_A.weight", ... with the tensors that training changes.
  std::vector<std::pair<std::string, Tensor>> trainable() const;

  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  explicit Model(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

// Where names that `pewter fetch` knows are looked for: "." until it is set, since the library
// reads no environment. The command sets $XDG_CACHE_HOME/pewter or ~/.cache/pewter.
void set_model_folder(const std::string& folder);
std::string model_folder();

}  // namespace pewter
