// The integer tensors that say where the tokens of a forward stand, for the usual cases.
#pragma once

#include "decoder.h"

namespace pewter {

// Tokens `first` .. `first + tokens - 1` of one sequence, with or without a cache.
Placement one_sequence(int64_t tokens, int64_t first, Device device);

}  // namespace pewter
