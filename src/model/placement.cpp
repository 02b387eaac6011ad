#include "placement.h"

#include <numeric>

namespace pewter {

Placement one_sequence(int64_t tokens, int64_t first, Device device) {
  std::vector<int32_t> positions(static_cast<size_t>(tokens));
  std::iota(positions.begin(), positions.end(), static_cast<int32_t>(first));
  const KeyRange keys = causal_range(1, tokens, first, device);
  const std::vector<int32_t> start = {static_cast<int32_t>(first)};
  return {from_values(positions, {1, tokens}, {i32, device}), keys.begin, keys.end,
          from_values(start, {1}, {i32, device})};
}

}  // namespace pewter
