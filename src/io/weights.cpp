// What both model sources share: the tensors an architecture has, their shapes, rope factors, and
// the last check that nothing is missing, superfluous or misshapen.
#include "io/weights.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "io/json_file.h"
#include "io/model_files_builder.h"
#include "pewter/error.h"

namespace pewter::io {

const Tokenizer& ModelFiles::tokenizer() const {
  if (!tokenizer_) throw_error(ErrorCode::format, "{}: the model has no tokenizer.json", name_);
  return *tokenizer_;
}
namespace {

struct LayerTensor {
  std::string_view name;  // behind "model.layers.N."
  std::vector<int64_t> (*shape)(const ModelConfig&);
  bool is_bias = false;
};

int64_t q_rows(const ModelConfig& c) { return c.n_heads * c.head_dim; }
int64_t kv_rows(const ModelConfig& c) { return c.n_kv_heads * c.head_dim; }

using Config = const ModelConfig&;
const LayerTensor kLayerTensors[] = {
    {"input_layernorm.weight", [](Config c) { return std::vector{c.width}; }},
    {"self_attn.q_proj.weight",
     [](Config c) {
       return std::vector{q_rows(c), c.width};
     }},
    {"self_attn.q_proj.bias", [](Config c) { return std::vector{q_rows(c)}; }, true},
    {"self_attn.k_proj.weight",
     [](Config c) {
       return std::vector{kv_rows(c), c.width};
     }},
    {"self_attn.k_proj.bias", [](Config c) { return std::vector{kv_rows(c)}; }, true},
    {"self_attn.v_proj.weight",
     [](Config c) {
       return std::vector{kv_rows(c), c.width};
     }},
    {"self_attn.v_proj.bias", [](Config c) { return std::vector{kv_rows(c)}; }, true},
    {"self_attn.o_proj.weight",
     [](Config c) {
       return std::vector{c.width, q_rows(c)};
     }},
    {"post_attention_layernorm.weight", [](Config c) { return std::vector{c.width}; }},
    {"mlp.gate_proj.weight",
     [](Config c) {
       return std::vector{c.ffn_width, c.width};
     }},
    {"mlp.up_proj.weight",
     [](Config c) {
       return std::vector{c.ffn_width, c.width};
     }},
    {"mlp.down_proj.weight",
     [](Config c) {
       return std::vector{c.width, c.ffn_width};
     }},
};
constexpr std::string_view kLayerPrefix = "model.layers.";

// "model.layers.12.mlp.up_proj.weight" -> 12 and the rest; nothing if it is not of this form.
std::optional<std::pair<int64_t, std::string_view>> split_layer_name(std::string_view name) {
  if (!name.starts_with(kLayerPrefix)) return std::nullopt;
  name.remove_prefix(kLayerPrefix.size());
  const size_t dot = name.find('.');
  if (dot == 0 || dot > 9 || dot == std::string_view::npos) return std::nullopt;
  int64_t layer = 0;
  for (char c : name.substr(0, dot)) {
    if (c < '0' || c > '9') return std::nullopt;
    layer = layer * 10 + (c - '0');
  }
  if (fmt::format("{}", layer) != name.substr(0, dot)) return std::nullopt;  // "007"
  return std::pair(layer, name.substr(dot + 1));
}

double llama3_factor(const ModelConfig& c, double inverse_frequency) {
  const double original = static_cast<double>(c.rope_original_context);
  const double wavelength = 2 * std::numbers::pi / inverse_frequency;
  if (wavelength > original / c.rope_low_freq_factor) return c.rope_factor;
  if (wavelength < original / c.rope_high_freq_factor) return 1;
  const double smooth = (original / wavelength - c.rope_low_freq_factor) /
                        (double{c.rope_high_freq_factor} - c.rope_low_freq_factor);
  return 1 / ((1 - smooth) / c.rope_factor + smooth);
}

}  // namespace

std::vector<int64_t> expected_shape(const ModelConfig& config, std::string_view name) {
  if (name == "model.embed_tokens.weight") return {config.vocab_size, config.width};
  if (name == "model.norm.weight") return {config.width};
  if (name == "lm_head.weight" && !config.tied_embeddings) return {config.vocab_size, config.width};
  const auto layer = split_layer_name(name);
  if (!layer || layer->first >= config.n_layers) return {};
  for (const LayerTensor& tensor : kLayerTensors)
    if (tensor.name == layer->second && (!tensor.is_bias || config.qkv_bias))
      return tensor.shape(config);
  return {};
}

std::vector<std::string> tensor_names(const ModelConfig& config) {
  std::vector<std::string> names = {"model.embed_tokens.weight"};
  for (int64_t layer = 0; layer < config.n_layers; ++layer)
    for (const LayerTensor& tensor : kLayerTensors)
      if (!tensor.is_bias || config.qkv_bias)
        names.push_back(fmt::format("{}{}.{}", kLayerPrefix, layer, tensor.name));
  names.emplace_back("model.norm.weight");
  if (!config.tied_embeddings) names.emplace_back("lm_head.weight");
  return names;
}

std::vector<float> make_rope_factors(const ModelConfig& config) {
  std::vector<float> factors;
  if (config.rope_scaling == RopeScaling::none) return factors;
  for (int64_t i = 0; i < config.head_dim / 2; ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(config.head_dim);
    const double inverse_frequency = std::pow(double{config.rope_theta}, exponent);
    const double factor = config.rope_scaling == RopeScaling::linear
                              ? double{config.rope_factor}
                              : llama3_factor(config, inverse_frequency);
    factors.push_back(static_cast<float>(factor));
  }
  return factors;
}

const HostTensor& ModelFiles::tensor(std::string_view tensor_name) const {
  const auto found = tensors_.find(tensor_name);
  if (found == tensors_.end())
    throw_error(ErrorCode::argument, "[model] {}: no tensor '{}'", name_, tensor_name);
  return found->second;
}

void ModelFilesBuilder::check_config() {
  const ModelConfig& c = files_.config_;
  const auto in_range = [&](std::string_view field, int64_t value, int64_t most) {
    if (value < 1 || value > most) fail("{} is {}, expected 1 to {}", field, value, most);
  };
  in_range("vocabulary size", c.vocab_size, int64_t{1} << 28);
  in_range("width", c.width, 1 << 24);
  in_range("number of layers", c.n_layers, 1 << 16);
  in_range("number of heads", c.n_heads, 1 << 16);
  in_range("number of key/value heads", c.n_kv_heads, c.n_heads);
  in_range("head dimension", c.head_dim, 1 << 16);
  in_range("feed-forward width", c.ffn_width, 1 << 26);
  in_range("context length", c.max_context, int64_t{1} << 40);
  if (c.n_heads % c.n_kv_heads != 0)
    fail("{} heads are not a multiple of {} key/value heads", c.n_heads, c.n_kv_heads);
  if (c.head_dim % 2 != 0) fail("head dimension {} is odd", c.head_dim);
  const auto positive = [&](std::string_view field, float value) {
    if (!(value > 0) || !std::isfinite(value)) fail("{} is {}, expected above 0", field, value);
  };
  positive("RMS norm epsilon", c.rms_eps);
  positive("rope theta", c.rope_theta);
  positive("rope scaling factor", c.rope_factor);
}

void ModelFilesBuilder::check_rope_factors() {
  const ModelConfig& c = files_.config_;
  if (c.rope_scaling == RopeScaling::none) return;
  if (static_cast<int64_t>(c.rope_factors.size()) != c.head_dim / 2)
    fail("{} rope factors, expected {}", c.rope_factors.size(), c.head_dim / 2);
  for (float factor : c.rope_factors)
    if (!(factor > 0) || !std::isfinite(factor)) fail("rope factor {}", factor);
}

void ModelFilesBuilder::check_tensors() {
  const ModelConfig& config = files_.config_;
  // A hostile count of layers stops here, before a list of names is made of it.
  if (static_cast<size_t>(config.n_layers) > files_.tensors_.size())
    fail("{} layers but {} tensors", config.n_layers, files_.tensors_.size());
  for (const std::string& name : tensor_names(config)) {
    const auto found = files_.tensors_.find(name);
    if (found == files_.tensors_.end()) fail("tensor '{}' is missing", source_name(name));
    const HostTensor& tensor = found->second;
    const auto expected = expected_shape(config, name);
    if (tensor.shape != expected)
      fail("tensor '{}' has shape {}, expected {}", source_name(name), shape_string(tensor.shape),
           shape_string(expected));
    if (!is_floating(tensor.dtype) && !(is_quantised(tensor.dtype) && expected.size() == 2))
      fail("tensor '{}' is {}, not a floating-point type", source_name(name),
           to_string(tensor.dtype));
  }
  for (const auto& [name, tensor] : files_.tensors_)
    if (expected_shape(config, name).empty())
      fail("tensor '{}' does not belong to a {} model of {} layers", source_name(name),
           config.architecture, config.n_layers);
}

void ModelFilesBuilder::check_tokenizer() {
  if (!files_.tokenizer_) return;
  const int32_t size = files_.tokenizer_->vocab_size();
  if (size > files_.config_.vocab_size)
    fail("the tokenizer has {} tokens, the embedding {} rows", size, files_.config_.vocab_size);
}

ModelFiles ModelFilesBuilder::finish() {
  check_config();
  check_tensors();
  check_rope_factors();
  check_tokenizer();
  return std::move(files_);
}

ModelFiles open_model(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return open_model_folder(path);
  return read_gguf_model(GgufFile::open(path));
}

}  // namespace pewter::io
