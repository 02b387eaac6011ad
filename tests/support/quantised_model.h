// A model whose weights are blocks, for what differs there: generation rounds activations beside
// them. Made from data/small, whose sizes are whole blocks of 32.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "model/model_impl.h"

namespace pewter::test {

// q8_0: an f16 scale and 32 bytes a block.
inline Tensor to_q8_0(const Tensor& weight) {
  const auto values = cast(weight, f32).to_vector<float>();
  std::vector<std::byte> blocks;
  for (size_t at = 0; at < values.size(); at += 32) {
    float most = 0;
    for (size_t i = 0; i < 32; ++i) most = std::max(most, std::abs(values[at + i]));
    const uint16_t bits = to_half(most / 127).bits;
    const float scale = to_float(Half{bits});
    std::byte block[34];
    std::memcpy(block, &bits, 2);
    for (size_t i = 0; i < 32; ++i) {
      const float q = scale > 0 ? std::round(values[at + i] / scale) : 0;
      block[2 + i] = static_cast<std::byte>(static_cast<int8_t>(std::clamp(q, -127.f, 127.f)));
    }
    blocks.insert(blocks.end(), std::begin(block), std::end(block));
  }
  return from_bytes(blocks, weight.shape(), {DType::q8_0, weight.device()});
}

inline Model quantised_model() {
  Model model = Model::load(std::string(PEWTER_DATA_DIR) + "/small", {.device = "cpu"});
  for (auto& [name, tensor] : model.impl().decoder.parameters()) {
    if (tensor->rank() == 2) *tensor = to_q8_0(*tensor);
  }
  return model;
}

}  // namespace pewter::test
