// A model from a Hugging Face folder, and back into one. config.json's fields and defaults are
// those of transformers' LlamaConfig and Qwen2Config; what changes the mathematics and is not
// supported is refused by name.
#include <algorithm>
#include <cmath>

#include "io/atomic_file.h"
#include "io/json_file.h"
#include "io/model_files_builder.h"
#include "io/safetensors.h"
#include "pewter/error.h"

namespace pewter::io {
namespace {

constexpr int64_t kMost = int64_t{1} << 40;

class ConfigReader {
 public:
  ConfigReader(const JsonView& root, ModelConfig* out) : root_(root), c_(*out) {}

  void run() {
    read_architecture();
    refuse_unsupported();
    c_.vocab_size = root_.at("vocab_size").integer(1, kMost);
    c_.width = root_.at("hidden_size").integer(1, kMost);
    c_.n_layers = root_.at("num_hidden_layers").integer(1, kMost);
    c_.n_heads = root_.at("num_attention_heads").integer(1, kMost);
    c_.n_kv_heads = integer("num_key_value_heads", c_.n_heads);
    c_.head_dim = integer("head_dim", c_.width / c_.n_heads);
    c_.ffn_width = root_.at("intermediate_size").integer(1, kMost);
    c_.max_context = integer("max_position_embeddings", c_.architecture == "llama" ? 2048 : 32768);
    c_.rms_eps = number("rms_norm_eps", 1e-6f);
    c_.qkv_bias = c_.architecture == "qwen2";
    const auto tied = root_.find("tie_word_embeddings");
    c_.tied_embeddings = tied && tied->boolean();
    read_rope();
  }

 private:
  int64_t integer(std::string_view key, int64_t otherwise) const {
    const auto value = root_.find(key);
    return value ? value->integer(1, kMost) : otherwise;
  }
  float number(std::string_view key, float otherwise) const {
    const auto value = root_.find(key);
    return value ? static_cast<float>(value->number()) : otherwise;
  }

  void read_architecture() {
    const JsonView type = root_.at("model_type");
    c_.architecture = type.string();
    if (c_.architecture != "llama" && c_.architecture != "qwen2")
      type.fail("not a supported architecture; llama and qwen2 are");
  }

  void refuse_unsupported() const {
    if (const auto act = root_.find("hidden_act"); act && act->string() != "silu")
      act->fail("only silu is supported");
    for (const char* key : {"attention_bias", "mlp_bias", "use_sliding_window"})
      if (const auto flag = root_.find(key); flag && flag->boolean())
        flag->fail("which is not supported");
    if (const auto quantised = root_.find("quantization_config"))
      quantised->fail("quantised safetensors are not supported");
    if (const auto types = root_.find("layer_types"))
      for (const JsonView& type : types->elements())
        if (type.string() != "full_attention") type.fail("only full_attention is supported");
  }

  // rope_theta and rope_scaling, or both inside rope_parameters (transformers 5).
  void read_rope() {
    c_.rope_theta = number("rope_theta", 10000);
    auto scaling = root_.find("rope_scaling");
    if (const auto parameters = root_.find("rope_parameters")) {
      scaling = parameters;
      if (const auto theta = parameters->find("rope_theta"))
        c_.rope_theta = static_cast<float>(theta->number());
    }
    if (scaling) read_scaling(*scaling);
  }

  void read_scaling(const JsonView& scaling) {
    auto type = scaling.find("rope_type");
    if (!type) type = scaling.find("type");
    if (!type || type->string() == "default") return;
    if (type->string() != "linear" && type->string() != "llama3")
      type->fail("only default, linear and llama3 are supported");
    const auto positive = [&](std::string_view key) {
      const JsonView field = scaling.at(key);
      const auto value = static_cast<float>(field.number());
      if (!(value > 0) || !std::isfinite(value)) field.fail("expected a number above 0");
      return value;
    };
    c_.rope_factor = positive("factor");
    if (type->string() == "linear") {
      c_.rope_scaling = RopeScaling::linear;
      return;
    }
    c_.rope_scaling = RopeScaling::llama3;
    c_.rope_low_freq_factor = positive("low_freq_factor");
    c_.rope_high_freq_factor = positive("high_freq_factor");
    c_.rope_original_context = scaling.at("original_max_position_embeddings").integer(1, kMost);
    if (c_.rope_high_freq_factor <= c_.rope_low_freq_factor)
      scaling.fail("high_freq_factor must be above low_freq_factor");
  }

  const JsonView& root_;
  ModelConfig& c_;
};

// Buffers that old checkpoints carry along and that are computed from the configuration.
bool is_computed(std::string_view name) { return name.ends_with(".rotary_emb.inv_freq"); }

}  // namespace

void read_model_config(const FileBytes& file, ModelConfig* out) {
  const Json json = parse_json(file.name, file.text());
  ConfigReader(JsonView(file.name, json), out).run();
}

ModelFiles open_model_folder(const std::filesystem::path& folder) {
  ModelFilesBuilder builder(folder.string());
  read_model_config(map_file(folder / "config.json"), &builder.config());
  builder.check_config();
  ModelConfig& config = builder.config();
  config.rope_factors = make_rope_factors(config);
  for (auto& [name, tensor] : read_safetensors_folder(folder).tensors) {
    if (is_computed(name) || (config.tied_embeddings && name == "lm_head.weight")) continue;
    builder.tensors().emplace(name, tensor);
  }
  // Weights alone are a model too, for programs that bring their own ids.
  if (is_there(folder / "tokenizer.json")) {
    builder.set_tokenizer(Tokenizer::from_folder(folder));
  }
  return builder.finish();
}

namespace {

Json rope_scaling_json(const ModelConfig& c) {
  if (c.rope_scaling == RopeScaling::none) return nullptr;
  if (c.rope_scaling == RopeScaling::linear)
    return {{"rope_type", "linear"}, {"factor", c.rope_factor}};
  if (c.rope_original_context == 0)
    throw_error(ErrorCode::argument,
                "[model] the rope factors of this model are not those of Llama 3's scaling, so "
                "config.json cannot describe them");
  return {{"rope_type", "llama3"},
          {"factor", c.rope_factor},
          {"low_freq_factor", c.rope_low_freq_factor},
          {"high_freq_factor", c.rope_high_freq_factor},
          {"original_max_position_embeddings", c.rope_original_context}};
}

std::string_view torch_dtype(const std::vector<HostTensor>& tensors) {
  for (const HostTensor& tensor : tensors)
    if (tensor.name == "model.embed_tokens.weight")
      return tensor.dtype == DType::f16    ? "float16"
             : tensor.dtype == DType::bf16 ? "bfloat16"
                                           : "float32";
  return "float32";
}

// A double that prints as the shortest decimal which gives this float again: 1e-05, not
// 9.999999747378752e-06.
double short_double(float value) { return std::stod(fmt::format("{}", value)); }

Json config_json(const ModelConfig& c, const Tokenizer& tokenizer, std::string_view dtype) {
  const bool is_llama = c.architecture == "llama";
  Json json = {{"architectures", {is_llama ? "LlamaForCausalLM" : "Qwen2ForCausalLM"}},
               {"model_type", c.architecture},
               {"hidden_act", "silu"},
               {"vocab_size", c.vocab_size},
               {"hidden_size", c.width},
               {"intermediate_size", c.ffn_width},
               {"num_hidden_layers", c.n_layers},
               {"num_attention_heads", c.n_heads},
               {"num_key_value_heads", c.n_kv_heads},
               {"head_dim", c.head_dim},
               {"max_position_embeddings", c.max_context},
               {"rms_norm_eps", short_double(c.rms_eps)},
               {"rope_theta", short_double(c.rope_theta)},
               {"rope_scaling", rope_scaling_json(c)},
               {"tie_word_embeddings", c.tied_embeddings},
               {"torch_dtype", dtype}};
  if (is_llama) {
    json["attention_bias"] = json["mlp_bias"] = false;
  } else {
    json["use_sliding_window"] = false;
  }
  if (tokenizer.bos()) json["bos_token_id"] = *tokenizer.bos();
  if (tokenizer.eos()) json["eos_token_id"] = *tokenizer.eos();
  return json;
}

}  // namespace

void check_model_folder(const std::filesystem::path& folder) {
  const std::filesystem::path index = folder / "model.safetensors.index.json";
  std::error_code ignored;
  if (std::filesystem::exists(index, ignored)) {
    throw_error(ErrorCode::io,
                "[write] {}: a model in several files lies there; its index would "
                "hide what is written",
                index.string());
  }
}

void write_model_folder(const std::filesystem::path& folder, const ModelConfig& config,
                        const Tokenizer& tokenizer, const std::vector<HostTensor>& tensors) {
  if (config.architecture == "llama" && config.qkv_bias)
    throw_error(ErrorCode::argument, "[model] a llama model with biases cannot be written");
  const Json json = config_json(config, tokenizer, torch_dtype(tensors));
  Json generation = {{"eos_token_id", tokenizer.end_of_generation()}};
  if (tokenizer.bos()) generation["bos_token_id"] = *tokenizer.bos();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    throw_error(ErrorCode::io, "[write] {}: cannot create: {}", folder.string(), error.message());
  check_model_folder(folder);
  // The weights come first: they are what can fill the disk.
  write_safetensors(folder / "model.safetensors", tensors, {{"format", "pt"}});
  write_file_atomically(folder / "tokenizer.json", tokenizer.to_json());
  write_file_atomically(folder / "tokenizer_config.json", tokenizer.config_json());
  write_file_atomically(folder / "generation_config.json", to_json_text(generation, 2) + "\n");
  write_file_atomically(folder / "config.json", to_json_text(json, 2) + "\n");
}

}  // namespace pewter::io
