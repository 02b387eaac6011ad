// Forward: one task is a tile of queries times a group of heads; it walks the tile's key blocks and
// keeps the running maximum, sum and weighted values of each lane. Backward: one task is a strip of
// tiles times a group of heads; it computes the probabilities once, the strip's dq, and its share
// of dk and dv in sums of its own, which are added strip by strip afterwards.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/attention/attention_cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// (these two must come first: the rest is compiled once per target)

#include "device/cpu/thread_pool.h"
#include "ops/attention/attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Floats a task needs: 5 of lanes x d, 3 of keys x lanes, what there is a lane, a block of keys.
int64_t arena_floats(const AttentionArgs& a) {
  const int64_t width = padded(queries_per_tile(a) * (a.h / a.h_kv)), d = padded(a.d);
  return 6 * (width * d + 64) + 3 * kKeyBlock * width + 6 * (width + 64) + kKeyBlock * d + 1024;
}

// ---- forward ----------------------------------------------------------------------------------

struct Running {
  float *max, *sum, *out;  // [width], [width], [lanes][d_width]
};

// scores -> probabilities relative to the new maximum, for lanes l0 .. l0 + a vector. Returns the
// factor that what was summed before must shrink by.
template <typename D>
HWY_INLINE hn::Vec<D> soften(D d, const Lanes& l, const Running& r, float* scores, int64_t first,
                             int64_t keys, int64_t l0) {
  using V = hn::Vec<D>;
  const V seen = hn::Sub(hn::LoadU(d, l.limit + l0), hn::Set(d, static_cast<float>(first)));
  const V scale = hn::Set(d, l.args->scale), before = hn::LoadU(d, r.max + l0);
  V max = before;
  for (int64_t j = 0; j < keys; ++j) {
    const V s = hn::Mul(hn::LoadU(d, scores + j * l.width + l0), scale);
    hn::StoreU(s, d, scores + j * l.width + l0);
    const auto sees = hn::Lt(hn::Set(d, static_cast<float>(j)), seen);
    max = hn::IfThenElse(sees, hn::Max(max, s), max);
  }
  hn::StoreU(max, d, r.max + l0);
  // All scores so far are -inf: subtract 0, so that their exponentials are 0 and not NaN.
  const V top = hn::IfThenElse(hn::Eq(max, hn::Set(d, -kInfinity)), hn::Zero(d), max);
  const V shrink = exp_f32(d, hn::Sub(before, top));
  V sum = hn::Mul(hn::LoadU(d, r.sum + l0), shrink);
  for (int64_t j = 0; j < keys; ++j) {
    const auto sees = hn::Lt(hn::Set(d, static_cast<float>(j)), seen);
    const V e = exp_f32(d, hn::Sub(hn::LoadU(d, scores + j * l.width + l0), top));
    const V p = hn::IfThenElseZero(sees, e);
    sum = hn::Add(sum, p);
    hn::StoreU(p, d, scores + j * l.width + l0);
  }
  hn::StoreU(sum, d, r.sum + l0);
  return shrink;
}

void rescale(const Lanes& l, const Running& r, const float* shrink) {
  const F32 d;
  for (int64_t lane = 0; lane < l.count; ++lane) {
    if (shrink[lane] == 1) continue;
    const VF32 s = hn::Set(d, shrink[lane]);
    float* row = r.out + lane * l.d_width;
    for (int64_t i = 0; i < l.d_width; i += static_cast<int64_t>(hn::Lanes(d))) {
      hn::Store(hn::Mul(hn::Load(d, row + i), s), d, row + i);
    }
  }
}

void store_outputs(const Lanes& l, const Running& r) {
  const AttentionArgs& a = *l.args;
  for (int64_t lane = 0; lane < l.count; ++lane) {
    float* y = a.y + l.row(lane) * a.d;
    const bool blind = l.limit[lane] <= 0;
    for (int64_t i = 0; i < a.d; ++i) {
      y[i] = blind ? 0.0f : r.out[lane * l.d_width + i] / r.sum[lane];
    }
    if (a.lse) a.lse[l.row(lane)] = r.max[lane] + std::log(r.sum[lane]);
  }
}

template <typename D>
void forward_tile(D d, const AttentionArgs& a, const AttentionTile& tile, int64_t group) {
  Arena arena{static_cast<float*>(cpu::thread_scratch(arena_floats(a) * 4))};
  const Lanes l(d, a, tile, group, arena);
  const auto step = static_cast<int64_t>(hn::Lanes(d));
  float* q = arena.take(a.d * l.width);
  transpose_lanes(
      l, [&](int64_t lane) { return l.q(lane); }, q);
  float* scores = arena.take(kKeyBlock * l.width);
  float* shrink = arena.take(l.width);
  float* copy = arena.take(kKeyBlock * l.d_width);
  const Running r{arena.take(l.width), arena.take(l.width), arena.take(l.count * l.d_width)};
  std::fill_n(r.max, l.width, -kInfinity);
  std::fill_n(r.sum, l.width, 0.0f);
  std::fill_n(r.out, l.count * l.d_width, 0.0f);
  for (int64_t key = tile.begin; key < tile.end; key += kKeyBlock) {
    const int64_t keys = std::min(kKeyBlock, tile.end - key), first = key - tile.begin;
    key_products(d, l, l.k(key), a.k_strides.token, keys, q, scores);
    for (int64_t l0 = 0; l0 < l.width; l0 += step) {
      hn::StoreU(soften(d, l, r, scores, first, keys, l0), d, shrink + l0);
    }
    if (first > 0) rescale(l, r, shrink);
    const KeyRows v = key_rows(l.v(key), a.v_strides.token, keys, a.d, l.d_width, copy);
    add_rows(l, scores, v, first, keys, r.out);
  }
  store_outputs(l, r);
}

void attention_all(const AttentionArgs& a) {
  const std::vector<AttentionTile> tiles = attention_tiles(a);
  const auto n = static_cast<int64_t>(tiles.size());
  // The tiles with the most keys first: they are the last of a causal prompt.
  cpu::parallel_for(n * a.h_kv, [&](int64_t task) {
    const AttentionTile& tile = tiles[static_cast<size_t>(n - 1 - task / a.h_kv)];
    const bool few = tile.queries * (a.h / a.h_kv) <= static_cast<int64_t>(hn::Lanes(ShortLanes()));
    if (few)
      forward_tile(ShortLanes(), a, tile, task % a.h_kv);
    else
      forward_tile(F32(), a, tile, task % a.h_kv);
  });
}

// ---- backward ---------------------------------------------------------------------------------

// What the backward needs of a tile: inputs as lanes and as rows, and per lane lse and delta.
struct TileGrad {
  Lanes l;
  float *q, *dy;            // [d][width]
  float *q_rows, *dy_rows;  // [count][d_width]
  float *lse, *delta;       // [width]
  float *p, *ds;            // [keys][width]

  TileGrad(const AttentionBackwardArgs& o, const AttentionTile& t, int64_t group, Arena& arena)
      : l(F32(), o.forward, t, group, arena) {
    const int64_t d = o.forward.d;
    q = arena.take(d * l.width);
    dy = arena.take(d * l.width);
    lse = arena.take(l.width);
    delta = arena.take(l.width);
    p = arena.take(kKeyBlock * l.width);
    ds = arena.take(kKeyBlock * l.width);
    q_rows = arena.take(l.count * l.d_width);
    dy_rows = arena.take(l.count * l.d_width);
    const auto q_of = [&](int64_t lane) { return l.q(lane); };
    const auto dy_of = [&](int64_t lane) { return o.dy + l.row(lane) * d; };
    transpose_lanes(l, q_of, q);
    transpose_lanes(l, dy_of, dy);
    copy_lanes(l, q_of, q_rows);
    copy_lanes(l, dy_of, dy_rows);
    std::fill_n(lse, l.width, 0.0f);
    std::fill_n(delta, l.width, 0.0f);
    for (int64_t lane = 0; lane < l.count; ++lane) {
      lse[lane] = o.forward.lse[l.row(lane)];
      const float* y = o.forward.y + l.row(lane) * d;
      delta[lane] = hn::GetLane(sum_row(y, d, [&](VF32 v, int64_t i) HWY_ATTR {
        return hn::Mul(v, load_f32(dy_rows + lane * l.d_width + i));
      }));
    }
  }

  // p and ds of keys key .. key + keys.
  void probabilities(int64_t key, int64_t keys) const {
    const F32 d;
    const AttentionArgs& a = *l.args;
    key_products(d, l, l.k(key), a.k_strides.token, keys, q, p);
    key_products(d, l, l.v(key), a.v_strides.token, keys, dy, ds);
    const VF32 scale = hn::Set(d, a.scale);
    const auto first = static_cast<float>(key - l.tile.begin);
    for (int64_t l0 = 0; l0 < l.width; l0 += static_cast<int64_t>(hn::Lanes(d))) {
      const VF32 seen = hn::Sub(hn::LoadU(d, l.limit + l0), hn::Set(d, first));
      const VF32 log_sum = hn::LoadU(d, lse + l0), sub = hn::LoadU(d, delta + l0);
      for (int64_t j = 0; j < keys; ++j) {
        const int64_t at = j * l.width + l0;
        const auto sees = hn::Lt(hn::Set(d, static_cast<float>(j)), seen);
        const VF32 s = hn::Mul(hn::LoadU(d, p + at), scale);
        const VF32 e = hn::IfThenElseZero(sees, exp_f32(hn::Sub(s, log_sum)));
        const VF32 g = hn::Mul(hn::Mul(e, hn::Sub(hn::LoadU(d, ds + at), sub)), scale);
        hn::StoreU(e, d, p + at);
        hn::StoreU(hn::IfThenElseZero(sees, g), d, ds + at);
      }
    }
  }
};

// Queries of one row of the batch, and the keys that any of them sees.
struct Strip {
  int64_t b, index;
  int64_t first_tile, end_tile;
  int64_t begin, end;
};

std::vector<Strip> strips_of(const std::vector<AttentionTile>& tiles, int64_t length) {
  std::vector<Strip> strips;
  for (size_t i = 0; i < tiles.size(); ++i) {
    const AttentionTile& t = tiles[i];
    const auto at = static_cast<int64_t>(i);
    if (strips.empty() || strips.back().b != t.b || strips.back().index != t.t0 / length) {
      strips.push_back({t.b, t.t0 / length, at, at, 0, 0});
    }
    Strip& s = strips.back();
    s.end_tile = at + 1;
    if (t.begin >= t.end) continue;  // blind: wherever its interval lies
    const bool first = s.begin >= s.end;
    s.begin = first ? t.begin : std::min(s.begin, t.begin);
    s.end = first ? t.end : std::max(s.end, t.end);
  }
  return strips;
}

// One strip's share of dk and dv of one group: [s][d_width] each, of the keys it sees.
struct Share {
  float *dk, *dv;
};

Share share_of(const AttentionBackwardArgs& o, const Strip& s, int64_t group) {
  const AttentionArgs& a = o.forward;
  const int64_t size = a.s * padded(a.d);
  const int64_t at = (s.b * strip_count(a) + s.index) * a.h_kv + group;
  return {o.sums + 2 * at * size, o.sums + (2 * at + 1) * size};
}

// out[j][i] += sum over lanes of p[j][lane] rows[lane][i]
void add_lanes(const Lanes& l, const float* p, const float* rows, int64_t keys, float* out) {
  small_product(F32(),
                {p, rows, l.width, 1, l.d_width, keys, l.d_width, l.count, out, l.d_width, true});
}

void tile_grad(const AttentionBackwardArgs& o, const AttentionTile& tile, int64_t group,
               const Share* share) {
  const AttentionArgs& a = o.forward;
  Arena arena{static_cast<float*>(cpu::thread_scratch(arena_floats(a) * 4))};
  const TileGrad g(o, tile, group, arena);
  float* copy = arena.take(kKeyBlock * g.l.d_width);
  float* dq = arena.take(g.l.count * g.l.d_width);
  std::fill_n(dq, g.l.count * g.l.d_width, 0.0f);
  for (int64_t key = tile.begin; key < tile.end; key += kKeyBlock) {
    const int64_t keys = std::min(kKeyBlock, tile.end - key);
    g.probabilities(key, keys);
    if (o.dq) {
      const KeyRows k = key_rows(g.l.k(key), a.k_strides.token, keys, a.d, g.l.d_width, copy);
      add_rows(g.l, g.ds, k, key - tile.begin, keys, dq);
    }
    if (share) {
      add_lanes(g.l, g.p, g.dy_rows, keys, share->dv + key * g.l.d_width);
      add_lanes(g.l, g.ds, g.q_rows, keys, share->dk + key * g.l.d_width);
    }
  }
  if (!o.dq) return;
  for (int64_t lane = 0; lane < g.l.count; ++lane) {
    std::memcpy(o.dq + g.l.row(lane) * a.d, dq + lane * g.l.d_width, static_cast<size_t>(a.d) * 4);
  }
}

void strip_grad(const AttentionBackwardArgs& o, const std::vector<AttentionTile>& tiles,
                const Strip& strip, int64_t group) {
  const int64_t d = padded(o.forward.d), keys = strip.end - strip.begin;
  const bool shares = o.dk || o.dv;
  Share share{};
  if (shares) {
    share = share_of(o, strip, group);
    std::fill_n(share.dk + strip.begin * d, keys * d, 0.0f);
    std::fill_n(share.dv + strip.begin * d, keys * d, 0.0f);
  }
  for (int64_t i = strip.first_tile; i < strip.end_tile; ++i) {
    tile_grad(o, tiles[static_cast<size_t>(i)], group, shares ? &share : nullptr);
  }
}

// dk and dv of one key: the strips that see it, in order.
void add_shares(const AttentionBackwardArgs& o, const std::vector<Strip>& strips, int64_t b,
                int64_t key) {
  const AttentionArgs& a = o.forward;
  for (int64_t group = 0; group < a.h_kv; ++group) {
    const int64_t at = ((b * a.s + key) * a.h_kv + group) * a.d, from = key * padded(a.d);
    if (o.dk) std::fill_n(o.dk + at, a.d, 0.0f);
    if (o.dv) std::fill_n(o.dv + at, a.d, 0.0f);
    for (const Strip& strip : strips) {
      if (strip.b != b || key < strip.begin || key >= strip.end) continue;
      const Share s = share_of(o, strip, group);
      for (int64_t i = 0; o.dk && i < a.d; ++i) o.dk[at + i] += s.dk[from + i];
      for (int64_t i = 0; o.dv && i < a.d; ++i) o.dv[at + i] += s.dv[from + i];
    }
  }
}

void attention_backward_all(const AttentionBackwardArgs& o) {
  const AttentionArgs& a = o.forward;
  const int64_t length = strip_length(a);
  const std::vector<AttentionTile> tiles = attention_tiles(a, length);
  const std::vector<Strip> strips = strips_of(tiles, length);
  const auto n = static_cast<int64_t>(strips.size());
  // The last first: in a causal text they see the most keys.
  cpu::parallel_for(n * a.h_kv, [&](int64_t task) {
    strip_grad(o, tiles, strips[static_cast<size_t>(n - 1 - task / a.h_kv)], task % a.h_kv);
  });
  if (!o.dk && !o.dv) return;
  cpu::parallel_ranges(a.b * a.s, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) add_shares(o, strips, i / a.s, i % a.s);
  });
}

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pewter {
HWY_EXPORT(attention_all);
HWY_EXPORT(attention_backward_all);

int64_t strip_sums(const AttentionArgs& a) {
  constexpr int64_t kMostLanesOfVector = 16;
  const int64_t d = (a.d + kMostLanesOfVector - 1) / kMostLanesOfVector * kMostLanesOfVector;
  return a.b * strip_count(a) * a.h_kv * 2 * a.s * d;
}

void cpu::attention(const AttentionArgs& args) {
  check_intervals(args);
  HWY_DYNAMIC_DISPATCH(attention_all)(args);
}
void cpu::attention_backward(const AttentionBackwardArgs& args) {
  HWY_DYNAMIC_DISPATCH(attention_backward_all)(args);
}
}  // namespace pewter
#endif
