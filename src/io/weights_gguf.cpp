// A model from GGUF: llama.cpp's names and metadata keys turned into Hugging Face's, and the row
// permutation that its converter gives llama's q_proj and k_proj undone.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "io/gguf.h"
#include "io/model_files_builder.h"
#include "pewter/error.h"

namespace pewter::io {
namespace {

struct NamePair {
  std::string_view gguf;
  std::string_view hugging_face;
};
constexpr NamePair kTopNames[] = {
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"},
};
constexpr NamePair kLayerNames[] = {
    {"attn_norm", "input_layernorm"},    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},      {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"}, {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},       {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};

// "blk.3.attn_q.weight" -> "model.layers.3.self_attn.q_proj.weight"; unknown names stay.
std::string hugging_face_name(std::string_view name) {
  for (const NamePair& pair : kTopNames)
    if (name == pair.gguf) return std::string(pair.hugging_face);
  if (!name.starts_with("blk.")) return std::string(name);
  const size_t layer_end = name.find('.', 4);
  const size_t suffix = name.rfind('.');
  if (layer_end == std::string_view::npos || suffix <= layer_end) return std::string(name);
  const std::string_view layer = name.substr(4, layer_end - 4);
  const std::string_view part = name.substr(layer_end + 1, suffix - layer_end - 1);
  for (const NamePair& pair : kLayerNames)
    if (part == pair.gguf)
      return fmt::format("model.layers.{}.{}{}", layer, pair.hugging_face, name.substr(suffix));
  return std::string(name);
}

// The way back, for messages.
std::string gguf_name(const std::string& name) {
  for (const NamePair& pair : kTopNames)
    if (name == pair.hugging_face) return std::string(pair.gguf);
  constexpr std::string_view kLayers = "model.layers.";
  const size_t layer_end = name.find('.', kLayers.size());
  const size_t suffix = name.rfind('.');
  if (!name.starts_with(kLayers) || layer_end == name.npos || suffix <= layer_end) return name;
  const std::string layer = name.substr(kLayers.size(), layer_end - kLayers.size());
  for (const NamePair& pair : kLayerNames)
    if (name.substr(layer_end + 1, suffix - layer_end - 1) == pair.hugging_face)
      return fmt::format("blk.{}.{}{}", layer, pair.gguf, name.substr(suffix));
  return name;
}

// The converter stores row i + j * d/2 of a head (d = head_dim, j = 0 or 1) as row 2 * i + j.
HostTensor unpermute_rows(const HostTensor& tensor, int64_t head_dim) {
  const int64_t rows = tensor.shape[0];
  const size_t row_bytes = tensor.data.size() / static_cast<size_t>(rows);
  std::byte* out = nullptr;
  HostTensor result = make_host_tensor(tensor.name, tensor.dtype, tensor.shape, &out);
  const int64_t half = head_dim / 2;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t head = row / head_dim, within = row % head_dim;
    const int64_t from = head * head_dim + 2 * (within % half) + within / half;
    std::memcpy(out + static_cast<size_t>(row) * row_bytes,
                tensor.data.data() + static_cast<size_t>(from) * row_bytes, row_bytes);
  }
  return result;
}

class GgufModelReader {
 public:
  explicit GgufModelReader(const GgufFile& file) : file_(file), builder_(file.name()) {}

  ModelFiles run() {
    read_architecture();
    builder_.set_source_name(gguf_name);
    read_tensors();
    read_config();
    builder_.check_config();
    read_rope_scaling();
    if (builder_.config().architecture == "llama") unpermute();
    builder_.set_tokenizer(Tokenizer::from_gguf(file_));
    return builder_.finish();
  }

 private:
  std::string key(std::string_view field) const {
    return fmt::format("{}.{}", config_.architecture, field);
  }

  void read_architecture() {
    const std::string_view type = file_.find_string("general.type").value_or("model");
    if (type != "model") builder_.fail("general.type is '{}', not 'model'", type);
    config_.architecture = file_.string("general.architecture");
    if (config_.architecture != "llama" && config_.architecture != "qwen2")
      builder_.fail("architecture '{}' is not supported; llama and qwen2 are",
                    config_.architecture);
    if (file_.find_integer(key("expert_count")).value_or(0) != 0)
      builder_.fail("{} is {}: mixtures of experts are not supported", key("expert_count"),
                    *file_.find_integer(key("expert_count")));
  }

  void read_tensors() {
    for (const HostTensor& tensor : file_.tensors()) {
      if (tensor.name == "rope_freqs.weight") continue;
      const std::string name = hugging_face_name(tensor.name);
      HostTensor copy = tensor;
      copy.name = name;
      if (!builder_.tensors().emplace(name, std::move(copy)).second)
        builder_.fail("two tensors stand for '{}'", name);
    }
  }

  void read_config() {
    ModelConfig& c = config_;
    const auto embedding = builder_.tensors().find("model.embed_tokens.weight");
    if (embedding == builder_.tensors().end())
      builder_.fail("tensor 'token_embd.weight' is missing");
    if (embedding->second.shape.size() == 2) c.vocab_size = embedding->second.shape[0];
    c.width = file_.integer(key("embedding_length"));
    c.n_layers = file_.integer(key("block_count"));
    c.n_heads = file_.integer(key("attention.head_count"));
    c.n_kv_heads = file_.find_integer(key("attention.head_count_kv")).value_or(c.n_heads);
    c.ffn_width = file_.integer(key("feed_forward_length"));
    c.max_context = file_.integer(key("context_length"));
    c.rms_eps = static_cast<float>(file_.number(key("attention.layer_norm_rms_epsilon")));
    c.rope_theta = static_cast<float>(file_.find_number(key("rope.freq_base")).value_or(10000));
    read_head_dim();
    c.tied_embeddings = !builder_.tensors().contains("lm_head.weight");
    c.qkv_bias = builder_.tensors().contains("model.layers.0.self_attn.q_proj.bias");
    builder_.config() = c;
  }

  void read_head_dim() {
    ModelConfig& c = config_;
    if (const auto length = file_.find_integer(key("attention.key_length"))) {
      c.head_dim = *length;
    } else {
      if (c.n_heads < 1 || c.width % c.n_heads != 0)
        builder_.fail("width {} is not a multiple of {} heads", c.width, c.n_heads);
      c.head_dim = c.width / c.n_heads;
    }
    for (const char* field : {"attention.value_length", "rope.dimension_count"}) {
      const auto value = file_.find_integer(key(field));
      if (value && *value != c.head_dim)
        builder_.fail("{} is {}, but the head dimension {}", key(field), *value, c.head_dim);
    }
  }

  void read_rope_scaling() {
    ModelConfig& c = config_;
    const std::string type(file_.find_string(key("rope.scaling.type")).value_or("none"));
    if (const HostTensor* factors = file_.find_tensor("rope_freqs.weight")) {
      if (factors->dtype != DType::f32 || factors->shape.size() != 1)
        builder_.fail("tensor 'rope_freqs.weight' is {} {}", to_string(factors->dtype),
                      shape_string(factors->shape));
      c.rope_scaling = RopeScaling::llama3;
      c.rope_factors = to_f32(*factors);
      recognise_llama3();
    } else if (type == "linear") {
      c.rope_scaling = RopeScaling::linear;
      c.rope_factor = static_cast<float>(file_.number(key("rope.scaling.factor")));
      c.rope_factors = make_rope_factors(c);
    } else if (type != "none") {
      builder_.fail("{} '{}' is not supported; none, linear and llama3's factors are",
                    key("rope.scaling.type"), type);
    }
    builder_.config() = c;
  }

  // GGUF keeps llama3's factors, not the four numbers behind them. Llama 3.1 to 3.3 share three of
  // them and the fourth is the largest factor; a file with others works but cannot be written as a
  // Hugging Face folder, which needs the numbers.
  void recognise_llama3() {
    ModelConfig guess = config_;
    if (guess.rope_factors.empty()) return;
    guess.rope_factor = std::ranges::max(guess.rope_factors);
    guess.rope_low_freq_factor = 1;
    guess.rope_high_freq_factor = 4;
    guess.rope_original_context = 8192;
    const std::vector<float> made = make_rope_factors(guess);
    // The converter computes in f32: its factors are a few units in the last place off.
    const bool same = std::ranges::equal(made, guess.rope_factors, [](float a, float b) {
      return std::abs(a - b) <= 1e-4f * std::abs(a);
    });
    if (same) config_ = guess;
  }

  void unpermute() {
    for (auto& [name, tensor] : builder_.tensors()) {
      const bool is_query = name.find(".self_attn.q_proj.") != std::string::npos;
      const bool is_key = name.find(".self_attn.k_proj.") != std::string::npos;
      if (!is_query && !is_key) continue;
      const int64_t heads = is_query ? config_.n_heads : config_.n_kv_heads;
      if (tensor.shape[0] != heads * config_.head_dim) continue;  // finish() refuses it by name
      tensor = unpermute_rows(tensor, config_.head_dim);
    }
  }

  const GgufFile& file_;
  ModelFilesBuilder builder_;
  ModelConfig config_;
};

}  // namespace

ModelFiles read_gguf_model(const GgufFile& file) { return GgufModelReader(file).run(); }

}  // namespace pewter::io
