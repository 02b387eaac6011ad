// One view over both kinds of model file: a GGUF file, or a Hugging Face folder (config.json,
// tokenizer.json, model.safetensors, sharded or not). Whichever it came from, a model has the same
// configuration and the same tensors under Hugging Face's names, in Hugging Face's row order: GGUF
// stores the rows of llama's q_proj and k_proj permuted for interleaved rotary embedding, which is
// undone here, so the rest of pewter knows one convention (rotate half) and PEFT adapters fit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/host_tensor.h"
#include "io/tokenizer.h"

namespace pewter::io {

enum class RopeScaling { none, linear, llama3 };

// All counts are positive and consistent with each other and with the tensors; numbers are finite.
struct ModelConfig {
  std::string architecture;  // "llama" or "qwen2"
  int64_t vocab_size = 0;    // rows of the embedding; the tokenizer may use fewer
  int64_t width = 0;         // hidden size
  int64_t n_layers = 0;
  int64_t n_heads = 0;
  int64_t n_kv_heads = 0;  // divides n_heads
  int64_t head_dim = 0;    // even
  int64_t ffn_width = 0;
  float rms_eps = 0;
  float rope_theta = 0;
  RopeScaling rope_scaling = RopeScaling::none;
  float rope_factor = 1;              // linear and llama3
  float rope_low_freq_factor = 0;     // llama3
  float rope_high_freq_factor = 0;    // llama3
  int64_t rope_original_context = 0;  // llama3
  // head_dim / 2 divisors: pair i turns by position * rope_theta^(-2i / head_dim) /
  // rope_factors[i]. Empty where rope_scaling is none.
  std::vector<float> rope_factors;
  int64_t max_context = 0;
  bool tied_embeddings = false;  // lm_head is the embedding; there is no lm_head.weight then
  bool qkv_bias = false;
};

class ModelFiles {
 public:
  const ModelConfig& config() const { return config_; }
  const Tokenizer& tokenizer() const;  // throws ErrorCode::format for a folder that has none
  const std::string& name() const { return name_; }  // the path, for messages

  // "model.embed_tokens.weight" [V, D], "model.layers.0.self_attn.q_proj.weight" [H*d, D], ...,
  // "model.norm.weight" [D], "lm_head.weight" [V, D] unless tied. All are there, with these shapes;
  // linear weights and the embedding may be block-quantised, norms and biases are f32, f16 or bf16.
  const HostTensor& tensor(std::string_view tensor_name) const;
  const std::map<std::string, HostTensor, std::less<>>& tensors() const { return tensors_; }

 private:
  friend class ModelFilesBuilder;
  std::string name_;
  ModelConfig config_;
  std::optional<Tokenizer> tokenizer_;
  std::map<std::string, HostTensor, std::less<>> tensors_;
};

// Opens PATH: a .gguf file or a folder. Throws ErrorCode::io where something cannot be read,
// ErrorCode::format (file, field or tensor, value) for what is wrong or not supported: other
// architectures, missing or extra tensors, shapes that do not fit the configuration.
ModelFiles open_model(const std::filesystem::path& path);

// The first tensor, in the order of the model, with a value that is not finite; empty if none has.
std::string first_not_finite(const ModelFiles& files);

// The shape a tensor of this configuration must have, by its Hugging Face name; empty if the
// configuration has no such tensor.
std::vector<int64_t> expected_shape(const ModelConfig& config, std::string_view tensor_name);
// All of them, in the order of the model.
std::vector<std::string> tensor_names(const ModelConfig& config);

// rope_factors for the scaling that `config` names.
std::vector<float> make_rope_factors(const ModelConfig& config);

// Throws ErrorCode::io where a model in several files lies, which write_model_folder would not
// replace as a whole.
void check_model_folder(const std::filesystem::path& folder);
// Writes a Hugging Face folder that open_model() and transformers read: config.json, the
// tokenizer's files and model.safetensors with `tensors` (f32, f16 or bf16), replacing those files
// one by one.
void write_model_folder(const std::filesystem::path& folder, const ModelConfig& config,
                        const Tokenizer& tokenizer, const std::vector<HostTensor>& tensors);

}  // namespace pewter::io
