// Forward: one task is a tile of queries times a group of heads; it walks the tile's key blocks and
// keeps the running maximum, sum and weighted values of each lane. Backward: dq in the same tasks;
// dk and dv in tasks of one key block each, which walk the tiles that see it. The probabilities are
// computed twice that way, and no two tasks add to the same number.
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

// Floats a task needs: 4 transposed inputs of d x lanes, 3 blocks of keys x lanes, outputs, rows.
int64_t arena_floats(const AttentionArgs& a) {
  const int64_t width = padded(queries_per_tile(a) * (a.h / a.h_kv)), d = padded(a.d);
  return 6 * (width * d + 64) + 3 * kKeyBlock * width + 6 * (width + 64) + 8 * kKeyBlock * d + 1024;
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
  float *q, *dy;       // [d][width]
  float *lse, *delta;  // [width]
  float *p, *ds;       // [keys][width]

  TileGrad(const AttentionBackwardArgs& o, const AttentionTile& t, int64_t group, Arena& arena)
      : l(F32(), o.forward, t, group, arena) {
    const int64_t d = o.forward.d;
    q = arena.take(d * l.width);
    dy = arena.take(d * l.width);
    lse = arena.take(l.width);
    delta = arena.take(l.width);
    p = arena.take(kKeyBlock * l.width);
    ds = arena.take(kKeyBlock * l.width);
    transpose_lanes(
        l, [&](int64_t lane) { return l.q(lane); }, q);
    transpose_lanes(
        l, [&](int64_t lane) { return o.dy + l.row(lane) * d; }, dy);
    std::fill_n(lse, l.width, 0.0f);
    std::fill_n(delta, l.width, 0.0f);
    for (int64_t lane = 0; lane < l.count; ++lane) {
      lse[lane] = o.forward.lse[l.row(lane)];
      const float* y = o.forward.y + l.row(lane) * d;
      for (int64_t i = 0; i < d; ++i) delta[lane] += y[i] * dy[i * l.width + lane];
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

void query_grad_tile(const AttentionBackwardArgs& o, const AttentionTile& tile, int64_t group) {
  const AttentionArgs& a = o.forward;
  Arena arena{static_cast<float*>(cpu::thread_scratch(arena_floats(a) * 4))};
  const TileGrad g(o, tile, group, arena);
  float* copy = arena.take(kKeyBlock * g.l.d_width);
  float* dq = arena.take(g.l.count * g.l.d_width);
  std::fill_n(dq, g.l.count * g.l.d_width, 0.0f);
  for (int64_t key = tile.begin; key < tile.end; key += kKeyBlock) {
    const int64_t keys = std::min(kKeyBlock, tile.end - key);
    g.probabilities(key, keys);
    const KeyRows k = key_rows(g.l.k(key), a.k_strides.token, keys, a.d, g.l.d_width, copy);
    add_rows(g.l, g.ds, k, key - tile.begin, keys, dq);
  }
  for (int64_t lane = 0; lane < g.l.count; ++lane) {
    std::memcpy(o.dq + g.l.row(lane) * a.d, dq + lane * g.l.d_width, static_cast<size_t>(a.d) * 4);
  }
}

// rows[lane][i] from lanes[i][lane], padded.
void back_to_rows(const Lanes& l, const float* lanes, float* rows) {
  std::fill_n(rows, l.count * l.d_width, 0.0f);
  for (int64_t i = 0; i < l.args->d; ++i) {
    for (int64_t lane = 0; lane < l.count; ++lane) {
      rows[lane * l.d_width + i] = lanes[i * l.width + lane];
    }
  }
}

// out[j][i] += sum over lanes of p[j][lane] rows[lane][i]
void add_lanes(const Lanes& l, const float* p, const float* rows, int64_t keys, float* out) {
  small_product(F32(),
                {p, rows, l.width, 1, l.d_width, keys, l.d_width, l.count, out, l.d_width, true});
}

void key_grad_block(const AttentionBackwardArgs& o, const std::vector<AttentionTile>& tiles,
                    int64_t b, int64_t group, int64_t key0) {
  const AttentionArgs& a = o.forward;
  const int64_t key1 = std::min(key0 + kKeyBlock, a.s), d_width = padded(a.d);
  Arena arena{static_cast<float*>(cpu::thread_scratch(arena_floats(a) * 4))};
  float *dk = arena.take(kKeyBlock * d_width), *dv = arena.take(kKeyBlock * d_width);
  std::fill_n(dk, kKeyBlock * d_width, 0.0f);
  std::fill_n(dv, kKeyBlock * d_width, 0.0f);
  for (const AttentionTile& tile : tiles) {
    const int64_t begin = std::max(key0, tile.begin), end = std::min(key1, tile.end);
    if (tile.b != b || begin >= end) continue;
    Arena inner = arena;
    const TileGrad g(o, tile, group, inner);
    float* rows = inner.take(g.l.count * d_width);
    g.probabilities(begin, end - begin);
    back_to_rows(g.l, g.dy, rows);
    add_lanes(g.l, g.p, rows, end - begin, dv + (begin - key0) * d_width);
    back_to_rows(g.l, g.q, rows);
    add_lanes(g.l, g.ds, rows, end - begin, dk + (begin - key0) * d_width);
  }
  for (int64_t key = key0; key < key1; ++key) {
    const int64_t at = ((b * a.s + key) * a.h_kv + group) * a.d;
    if (o.dk) std::copy_n(dk + (key - key0) * d_width, a.d, o.dk + at);
    if (o.dv) std::copy_n(dv + (key - key0) * d_width, a.d, o.dv + at);
  }
}

void attention_backward_all(const AttentionBackwardArgs& o) {
  const AttentionArgs& a = o.forward;
  const std::vector<AttentionTile> tiles = attention_tiles(a);
  const auto n = static_cast<int64_t>(tiles.size());
  if (o.dq) {
    cpu::parallel_for(n * a.h_kv, [&](int64_t task) {
      query_grad_tile(o, tiles[static_cast<size_t>(n - 1 - task / a.h_kv)], task % a.h_kv);
    });
  }
  if (!o.dk && !o.dv) return;
  const int64_t blocks = (a.s + kKeyBlock - 1) / kKeyBlock;
  cpu::parallel_for(a.b * blocks * a.h_kv, [&](int64_t task) {
    const int64_t group = task % a.h_kv, block = task / a.h_kv % blocks;
    key_grad_block(o, tiles, task / a.h_kv / blocks, group, block * kKeyBlock);
  });
}

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pewter {
HWY_EXPORT(attention_all);
HWY_EXPORT(attention_backward_all);

void cpu::attention(const AttentionArgs& args) {
  check_intervals(args);
  HWY_DYNAMIC_DISPATCH(attention_all)(args);
}
void cpu::attention_backward(const AttentionBackwardArgs& args) {
  HWY_DYNAMIC_DISPATCH(attention_backward_all)(args);
}
}  // namespace pewter
#endif
