// LoRA adapters as PEFT stores them: a folder with adapter_config.json and
// adapter_model.safetensors. Keys, shapes, fields and defaults are those of PEFT 0.21 (LoraConfig);
// fields it may add later are tolerated, settings that change the arithmetic and are not supported
// (DoRA, modules_to_save, biases, ...) are refused by name.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "io/host_tensor.h"

namespace pewter::io {

struct AdapterConfig {
  int64_t rank = 8;
  double alpha = 8;
  double dropout = 0;
  bool rslora = false;
  // Names (a whole module path or its end after a dot); "all-linear" alone means every linear layer
  // but the head. When the file has one string that is not "all-linear" it is a regular expression
  // over whole module paths, kept in target_pattern.
  std::vector<std::string> targets;
  std::string target_pattern;
  std::string base_model;  // base_model_name_or_path, may be empty
  // Per-module overrides by PEFT's rule: a key matches a module path that ends in it after a dot.
  std::map<std::string, int64_t> rank_pattern;
  std::map<std::string, double> alpha_pattern;
};

// One low-rank term: y += scale * (x a^T) b^T on the linear layer `module`
// ("model.layers.0.self_attn.q_proj").
struct LoraPair {
  std::string module;
  HostTensor a;      // [R, in]
  HostTensor b;      // [out, R]
  double scale = 1;  // alpha / R, or alpha / sqrt(R) with rslora, patterns applied
};

struct Adapter {
  AdapterConfig config;
  std::vector<LoraPair> pairs;  // in the order of their names; ranks of a and b agree
};

// Throws ErrorCode::io or ErrorCode::format naming file, field and value.
Adapter read_peft_adapter(const std::filesystem::path& folder);

// Writes (or replaces) the two files of `folder`, atomically: a reader finds the old adapter or the
// new one. pairs[i].scale is not stored; it follows from the configuration.
void write_peft_adapter(const std::filesystem::path& folder, const Adapter& adapter);

}  // namespace pewter::io
