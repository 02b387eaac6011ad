// Forward and backward of one optimiser step: its examples, cut into batches and packed into rows,
// each row's gradient added to the last's. Every loss term has weight 1 / (counted tokens of the
// whole step), so neither packing nor accumulation changes what is learnt.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "train/packing.h"

namespace pewter {

struct StepOptions {
  int64_t batch = 8;  // documents packed together; the others wait for their turn
  int64_t seq_len = 512;
  float dropout = 0;
  uint64_t seed = 0;
  std::function<bool()> cancelled = {};  // asked before every row
};

struct StepResult {
  double loss = 0;       // mean over the counted tokens
  int64_t tokens = 0;    // of the documents
  int64_t computed = 0;  // that went through the model: less where beginnings are shared
  int64_t counted = 0;
  bool cancelled = false;  // then the gradients are of a part, and the other numbers too
};

// `dropout_counter` counts rows: each has a dropout mask of its own, which the number fixes.
StepResult forward_backward(const Decoder& decoder, std::span<const Document* const> documents,
                            const StepOptions& options, uint64_t* dropout_counter);

}  // namespace pewter
