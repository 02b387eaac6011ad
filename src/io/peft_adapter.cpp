// The tensors say which modules are adapted; the configuration says how strongly. Whatever else a
// configuration can ask for either concerns training alone (and is passed over) or changes what the
// adapter computes, and then it is refused: a wrong answer would not be noticed.
#include "io/peft_adapter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "io/atomic_file.h"
#include "io/json_file.h"
#include "io/peft_adapter_parse.h"
#include "io/regex.h"
#include "io/safetensors.h"
#include "pewter/error.h"

namespace pewter::io {
namespace {

constexpr int64_t kMaxRank = int64_t{1} << 20;
constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kSuffixA = ".lora_A.weight";
constexpr std::string_view kSuffixB = ".lora_B.weight";
constexpr std::string_view kAllLinear = "all-linear";

// Fields that change the arithmetic unless they are null, false or empty.
constexpr std::array kRefused = std::to_array<std::string_view>(
    {"use_dora", "use_qalora", "use_bdlora", "lora_bias", "fan_in_fan_out", "modules_to_save",
     "trainable_token_indices", "target_parameters", "layer_replication", "megatron_config",
     "alora_invocation_tokens", "velora_config", "monteclora_config", "arrow_config",
     "kasa_config"});
// Ways to initialise that leave the base weights as they are; the others replace them.
constexpr std::array kInitialisations =
    std::to_array<std::string_view>({"gaussian", "eva", "orthogonal"});

void refuse_unsupported(const JsonView& root) {
  for (std::string_view key : kRefused) {
    const auto value = root.find(key);
    if (!value || (value->is_bool() && !value->boolean())) continue;
    if ((value->is_array() || value->is_object()) && value->json().empty()) continue;
    value->fail("which is not supported");
  }
  if (const auto bias = root.find("bias"); bias && bias->string() != "none")
    bias->fail("only 'none' is supported");
  if (const auto task = root.find("task_type"); task && task->string() != "CAUSAL_LM")
    task->fail("only CAUSAL_LM is supported");
  const auto init = root.find("init_lora_weights");
  if (init && init->is_string() &&
      std::ranges::find(kInitialisations, init->string()) == kInitialisations.end())
    init->fail("which changes the base weights and is not supported");
}

void read_targets(const JsonView& root, AdapterConfig* config) {
  const auto targets = root.find("target_modules");
  if (!targets) return;
  if (!targets->is_string()) {
    config->targets = targets->strings();
    std::ranges::sort(config->targets);  // PEFT writes a set: its order means nothing
  } else if (targets->string() == kAllLinear) {
    config->targets = {std::string(kAllLinear)};
  } else {
    config->target_pattern = targets->string();
  }
}

AdapterConfig read_config(const JsonView& root) {
  const JsonView type = root.at("peft_type");
  if (type.string() != "LORA") type.fail("only LORA is supported");
  refuse_unsupported(root);
  AdapterConfig config;
  if (const auto r = root.find("r")) config.rank = r->integer(1, kMaxRank);
  if (const auto alpha = root.find("lora_alpha")) config.alpha = alpha->number();
  if (const auto dropout = root.find("lora_dropout")) config.dropout = dropout->number();
  if (!(config.dropout >= 0 && config.dropout < 1))
    root.at("lora_dropout").fail("expected 0 or more and below 1");
  if (const auto rslora = root.find("use_rslora")) config.rslora = rslora->boolean();
  if (const auto base = root.find("base_model_name_or_path")) config.base_model = base->string();
  if (const auto patterns = root.find("rank_pattern"))
    for (const auto& [key, value] : patterns->members())
      config.rank_pattern[key] = value.integer(1, kMaxRank);
  if (const auto patterns = root.find("alpha_pattern"))
    for (const auto& [key, value] : patterns->members()) config.alpha_pattern[key] = value.number();
  read_targets(root, &config);
  return config;
}

// PEFT's rule for the keys of rank_pattern and alpha_pattern: a key is a regular expression for the
// whole path of a module, or for what follows a dot in it. PEFT takes the first that matches in the
// order of the file, which JSON does not promise: two that disagree are refused.
template <typename T>
class Patterns {
 public:
  Patterns(std::string_view file, std::string_view field, const std::map<std::string, T>& patterns)
      : where_(fmt::format("[adapter] {}: {}", file, field)) {
    for (const auto& [key, value] : patterns)
      compiled_.push_back({key, Regex(where_, "(?:.*\\.)?(?:" + key + ")"), value});
  }

  T value_for(std::string_view module, T otherwise) const {
    const Entry* found = nullptr;
    for (const Entry& entry : compiled_) {
      if (!entry.regex.matches_all(module)) continue;
      if (found && found->value != entry.value)
        throw_error(ErrorCode::format, "{}: '{}' and '{}' both match '{}' and disagree", where_,
                    found->key, entry.key, module);
      found = &entry;
    }
    return found ? found->value : otherwise;
  }

 private:
  struct Entry {
    std::string key;
    Regex regex;
    T value;
  };
  std::string where_;
  std::vector<Entry> compiled_;
};

// Embeddings and heads come as a weight of their own, as lora_embedding_A or as lora_A.
void refuse_embeddings(std::string_view file, std::string_view key) {
  for (const std::string_view name : {"embed_tokens", "lm_head"}) {
    if (key.find("." + std::string(name) + ".") == std::string_view::npos) continue;
    throw_error(ErrorCode::format,
                "[adapter] {}: it changes {} (tensor '{}'); only adapters of the blocks' linear "
                "layers are supported",
                file, name, key.substr(0, 200));
  }
}

// "base_model.model.X.lora_A.weight" -> X and 'A'.
std::pair<std::string, char> split_key(std::string_view file, std::string_view key) {
  refuse_embeddings(file, key);
  std::string_view module = key;
  const bool is_a = key.ends_with(kSuffixA);
  if (!key.starts_with(kPrefix) || (!is_a && !key.ends_with(kSuffixB)) ||
      key.size() <= kPrefix.size() + kSuffixA.size())
    throw_error(ErrorCode::format,
                "[adapter] {}: tensor '{}' is not the lora_A or lora_B of a linear layer", file,
                key.substr(0, 200));
  module.remove_prefix(kPrefix.size());
  module.remove_suffix(kSuffixA.size());
  return {std::string(module), is_a ? 'A' : 'B'};
}

void check_values(std::string_view file, const HostTensor& tensor) {
  if (!is_floating(tensor.dtype))
    throw_error(ErrorCode::format, "[adapter] {}: tensor '{}' is {}, not a floating-point type",
                file, tensor.name, to_string(tensor.dtype));
  if (!std::ranges::all_of(to_f32(tensor), [](float f) { return std::isfinite(f); }))
    throw_error(ErrorCode::format, "[adapter] {}: tensor '{}' holds a value that is not finite",
                file, tensor.name);
}

void check_shapes(std::string_view file, const LoraPair& pair, int64_t rank) {
  const auto& a = pair.a.shape;
  const auto& b = pair.b.shape;
  for (const HostTensor* tensor : {&pair.a, &pair.b})
    if (tensor->shape.size() != 2 || tensor->values() == 0)
      throw_error(ErrorCode::format, "[adapter] {}: {} '{}' has shape {}, expected a matrix", file,
                  pair.module, tensor->name, shape_string(tensor->shape));
  if (a[0] != b[1] || a[0] != rank)
    throw_error(ErrorCode::format,
                "[adapter] {}: '{}' has lora_A {} and lora_B {}, but adapter_config.json gives "
                "rank {}",
                file, pair.module, shape_string(a), shape_string(b), rank);
}

std::vector<LoraPair> read_pairs(const FileBytes& file) {
  std::map<std::string, LoraPair> by_module;
  for (auto& [key, tensor] : parse_safetensors(file).tensors) {
    const auto [module, which] = split_key(file.name, key);
    LoraPair& pair = by_module[module];
    pair.module = module;
    (which == 'A' ? pair.a : pair.b) = tensor;
  }
  if (by_module.empty()) {
    throw_error(ErrorCode::format, "[adapter] {}: there is no tensor in it", file.name);
  }
  std::vector<LoraPair> pairs;
  for (auto& [module, pair] : by_module) {
    if (pair.a.name.empty() || pair.b.name.empty())
      throw_error(ErrorCode::format, "[adapter] {}: '{}' has no {}", file.name, module,
                  pair.a.name.empty() ? "lora_A" : "lora_B");
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

}  // namespace

Adapter parse_peft_adapter(const FileBytes& config_json, const FileBytes& tensors) {
  const Json json = parse_json(config_json.name, config_json.text());
  const JsonView root(config_json.name, json);
  Adapter adapter{read_config(root), read_pairs(tensors)};
  AdapterConfig& config = adapter.config;
  const Patterns ranks(config_json.name, "rank_pattern", config.rank_pattern);
  const Patterns alphas(config_json.name, "alpha_pattern", config.alpha_pattern);
  for (LoraPair& pair : adapter.pairs) {
    const int64_t rank = ranks.value_for(pair.module, config.rank);
    const double alpha = alphas.value_for(pair.module, config.alpha);
    check_shapes(tensors.name, pair, rank);
    check_values(tensors.name, pair.a);
    check_values(tensors.name, pair.b);
    const auto r = static_cast<double>(rank);
    pair.scale = alpha / (config.rslora ? std::sqrt(r) : r);
  }
  // With these fields the names alone do not say which modules are meant; the tensors do.
  if (root.find("layers_to_transform") || root.find("exclude_modules")) {
    config.target_pattern.clear();
    config.targets.clear();
    for (const LoraPair& pair : adapter.pairs) config.targets.push_back(pair.module);
  }
  return adapter;
}

Adapter read_peft_adapter(const std::filesystem::path& folder) {
  std::error_code ignored;
  const auto tensors = folder / "adapter_model.safetensors";
  if (!std::filesystem::exists(tensors, ignored) &&
      std::filesystem::exists(folder / "adapter_model.bin", ignored))
    throw_error(ErrorCode::format,
                "[adapter] {}: a pickle, which can run any code when it is read; save the adapter "
                "as safetensors (PEFT: save_pretrained(..., safe_serialization=True))",
                (folder / "adapter_model.bin").string());
  return parse_peft_adapter(map_file(folder / "adapter_config.json"), map_file(tensors));
}

namespace {

// Names for target_modules: as given, or the last parts of the adapted modules' paths.
Json target_json(const Adapter& adapter) {
  const AdapterConfig& config = adapter.config;
  if (!config.target_pattern.empty()) return config.target_pattern;
  const bool all = config.targets.size() == 1 && config.targets[0] == kAllLinear;
  if (!all && !config.targets.empty()) return config.targets;
  std::set<std::string> names;
  for (const LoraPair& pair : adapter.pairs)
    names.insert(pair.module.substr(pair.module.rfind('.') + 1));
  return names;
}

Json config_json(const Adapter& adapter) {
  const AdapterConfig& c = adapter.config;
  const bool whole = c.alpha == std::floor(c.alpha) && std::abs(c.alpha) < 1e15;
  return {{"peft_type", "LORA"},
          {"task_type", "CAUSAL_LM"},
          {"base_model_name_or_path", c.base_model.empty() ? Json(nullptr) : Json(c.base_model)},
          {"revision", nullptr},
          {"inference_mode", true},
          {"r", c.rank},
          {"lora_alpha", whole ? Json(static_cast<int64_t>(c.alpha)) : Json(c.alpha)},
          {"lora_dropout", c.dropout},
          {"target_modules", target_json(adapter)},
          {"use_rslora", c.rslora},
          {"rank_pattern", Json(c.rank_pattern)},
          {"alpha_pattern", Json(c.alpha_pattern)},
          {"bias", "none"},
          {"fan_in_fan_out", false},
          {"init_lora_weights", true},
          {"modules_to_save", nullptr},
          {"layers_to_transform", nullptr},
          {"layers_pattern", nullptr},
          {"exclude_modules", nullptr},
          {"use_dora", false},
          {"lora_bias", false}};
}

HostTensor renamed(HostTensor tensor, const std::string& module, std::string_view suffix) {
  tensor.name = fmt::format("{}{}{}", kPrefix, module, suffix);
  return tensor;
}

}  // namespace

void write_peft_adapter(const std::filesystem::path& folder, const Adapter& adapter) {
  std::vector<HostTensor> tensors;
  for (const LoraPair& pair : adapter.pairs) {
    tensors.push_back(renamed(pair.a, pair.module, kSuffixA));
    tensors.push_back(renamed(pair.b, pair.module, kSuffixB));
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    throw_error(ErrorCode::io, "[write] {}: cannot create: {}", folder.string(), error.message());
  // Both are on the disk before either takes its place.
  AtomicFile tensor_file(folder / "adapter_model.safetensors");
  AtomicFile config_file(folder / "adapter_config.json");
  write_safetensors(&tensor_file, tensors, {{"format", "pt"}});
  config_file.write(to_json_text(config_json(adapter), 2) + "\n");
  tensor_file.flush();
  config_file.flush();
  tensor_file.commit();
  config_file.commit();
}

}  // namespace pewter::io
