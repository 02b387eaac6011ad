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

// The backward's tasks: strips of whole tiles, four at least so that clearing and adding the sums
// costs little, and no more of them than keep 64 threads busy.
inline int64_t strip_length(const AttentionArgs& a) {
  const int64_t tile = queries_per_tile(a), most = std::clamp<int64_t>(64 / a.h_kv, 1, 8);
  const int64_t tiles = (a.t + tile - 1) / tile;
  return std::max<int64_t>(4, (tiles + most - 1) / most) * tile;
}
inline int64_t strip_count(const AttentionArgs& a) {
  return (a.t + strip_length(a) - 1) / strip_length(a);
}

// No tile reaches over a multiple of `cut` queries.
inline std::vector<AttentionTile> attention_tiles(const AttentionArgs& a, int64_t cut = INT64_MAX) {
  std::vector<AttentionTile> tiles;
  const int64_t most = queries_per_tile(a);
  for (int64_t b = 0; b < a.b; ++b) {
    for (int64_t t = 0; t < a.t; ++t) {
      const int32_t begin = a.key_begin[b * a.t + t], end = a.key_end[b * a.t + t];
      const bool joins = !tiles.empty() && tiles.back().b == b && t % cut > 0 &&
                         tiles.back().begin == begin && tiles.back().queries < most;
      if (!joins) tiles.push_back({b, t, 0, begin, begin});
      ++tiles.back().queries;
      tiles.back().end = std::max<int64_t>(tiles.back().end, end);
    }
  }
  return tiles;
}

}  // namespace pewter
