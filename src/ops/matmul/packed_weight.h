// Quantised weights laid out for reading along the output: panels of 16 rows of W, interleaved, so
// that a vector holds 16 outputs at one k. Made once per weight, kept beside its bytes and freed
// with them. A panel takes the bytes the file took: for 4-bit formats 16 bytes hold k (low nibbles)
// and k + 1 (high nibbles) of 16 rows; wider formats take a byte a weight. Scales and offsets stand
// per group of 32 (Q6_K: 16) values of k, in f16 where the format's are, else in f32.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "pewter/tensor.h"

namespace pewter {

constexpr int64_t kPanelRows = 16;

struct PackedWeight {
  int64_t n = 0, k = 0;       // of W [N, K]
  int64_t group = 32;         // values of k that share scale and offset
  bool four_bits = false, half_scales = false;
  int64_t group_bytes = 0;    // of one group of one panel: scales, offsets, values
  std::shared_ptr<Storage> memory;

  int64_t groups() const { return k / group; }
  int64_t panels() const { return (n + kPanelRows - 1) / kPanelRows; }
  const uint8_t* panel(int64_t p) const {
    return static_cast<const uint8_t*>(memory->data) + p * groups() * group_bytes;
  }
};

// The panels of a quantised weight [N, K], made on first use.
const PackedWeight& packed_weight(const Tensor& weight);

}  // namespace pewter
