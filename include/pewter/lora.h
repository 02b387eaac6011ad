// LoRA's settings (arXiv 2106.09685), with PEFT's names and meanings.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pewter {

// Every linear layer of the blocks: q_proj k_proj v_proj o_proj gate_proj up_proj down_proj.
inline const std::vector<std::string> all_linear = {"all-linear"};

struct LoraConfig {
  int rank = 8;
  float alpha = 8;                                // the low-rank term is scaled by alpha / rank,
  bool rslora = false;                            // or by alpha / sqrt(rank) (arXiv 2312.03732)
  float dropout = 0;                              // on the low-rank term's input, while training
  std::vector<std::string> targets = all_linear;  // names of linear layers, or "all-linear"
  // A is uniform in +-sqrt(1 / in) (Kaiming with a = sqrt(5), as in PEFT), B is zero.
  uint64_t seed = 0;
};

}  // namespace pewter
