// How the work is cut. A tile is queries of one row of the batch, next to each other, that see keys
// from the same first one, times the heads that share keys and values: lanes. Lane h * queries + i
// is head h of the group and query i of the tile.
#pragma once

#include <algorithm>
#include <vector>

#include "attention.h"

namespace pewter {

constexpr int64_t kMostLanes =
    96;  // times d = 64: q, scores and sums are 24 KiB each, in level two

struct AttentionTile {
  int64_t b, t0, queries;
  int64_t begin, end;  // keys that any of its queries sees
};

inline int64_t queries_per_tile(const AttentionArgs& a) {
  return std::max<int64_t>(1, kMostLanes / (a.h / a.h_kv));
}

inline std::vector<AttentionTile> attention_tiles(const AttentionArgs& a) {
  std::vector<AttentionTile> tiles;
  const int64_t most = queries_per_tile(a);
  for (int64_t b = 0; b < a.b; ++b) {
    for (int64_t t = 0; t < a.t; ++t) {
      const int32_t begin = a.key_begin[b * a.t + t], end = a.key_end[b * a.t + t];
      const bool joins = !tiles.empty() && tiles.back().b == b && t > 0 &&
                         tiles.back().begin == begin && tiles.back().queries < most;
      if (!joins) tiles.push_back({b, t, 0, begin, begin});
      ++tiles.back().queries;
      tiles.back().end = std::max<int64_t>(tiles.back().end, end);
    }
  }
  return tiles;
}

}  // namespace pewter
