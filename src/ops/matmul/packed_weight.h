// Quantised weights laid out for reading along the output: panels of 16 rows of W, interleaved, so
// that a vector holds 16 outputs at one k, or at two neighbouring ones as 16-bit halves. Made once
// per weight, kept beside its bytes and freed with them.
//
// A group is 32 (Q6_K: 16) values of k: 16 scales, 16 offsets (f16 where the format's are, else
// f32), then the values. Four bits: 64 bytes hold eight k, a 32-bit word for each row, its low half
// k = 0, 2, 4, 6 from the lowest nibble up, its high half k = 1, 3, 5, 7. Wider formats take a byte
// a value: 32 bytes hold two k, a 16-bit word for each row.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "pewter/tensor.h"

namespace pewter {

constexpr int64_t kPanelRows = 16;

struct PackedWeight {
  int64_t n = 0, k = 0;  // of W [N, K]
  int64_t group = 32;    // values of k that share scale and offset
  bool four_bits = false, half_scales = false;
  int64_t group_bytes = 0;  // of one group of one panel: scales, offsets, values
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
