// From logits to a token. The filters are those that users of llama.cpp and transformers know, in
// the order penalty, temperature, top-k, top-p, min-p. The random number is a pure function of
// (seed, position), so an answer can be made again.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pewter/model.h"

namespace pewter {

// Throws ErrorCode::argument naming the option that is out of range.
void check_sampling(const GenerateOptions& options);

// Picks one of `logits` [V]. `seen` holds the ids of prompt and answer so far. At temperature 0 the
// lowest id among the largest logits. Throws ErrorCode::device_failure if no logit is a number.
int32_t sample(std::span<const float> logits, std::span<const int32_t> seen,
               const GenerateOptions& options, int64_t position);

}  // namespace pewter
