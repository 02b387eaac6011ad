// The steps that forward and backward share, once per instruction set. Buffers that lanes run along
// are padded to whole vectors; what lies in the padding is zero and is never stored.
#if defined(PEWTER_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PEWTER_ATTENTION_INL_H_
#undef PEWTER_ATTENTION_INL_H_
#else
#define PEWTER_ATTENTION_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/attention/attention_tile.h"
#include "ops/simd/math-inl.h"
#include "ops/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pewter::HWY_NAMESPACE {

constexpr int kAttentionRows = HWY_MAX_BYTES == 64 ? 12 : 6;

// Vectors that lanes run along: full ones, or short ones where a tile has no more lanes than that
// (one token of a few heads). A lane's bits do not depend on the vector it lies in.
using ShortLanes = hn::CappedTag<float, 4>;

template <typename D>
inline int64_t whole_vectors(D d, int64_t n) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  return (n + lanes - 1) / lanes * lanes;
}
inline int64_t padded(int64_t n) { return whole_vectors(F32(), n); }

// c[i][n] (+)= sum over k of a[i * a_row + k * a_k] * b[k * b_k + n], n < columns (whole vectors).
struct SmallProduct {
  const float *a, *b;
  int64_t a_row, a_k, b_k;
  int64_t rows, columns, depth;
  float* c;
  int64_t c_row;
  bool load;
};

template <int kR, int kV, typename D>
HWY_INLINE void small_tile(D d, const SmallProduct& p, int64_t i0, int64_t n0) {
  using V = hn::Vec<D>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V acc[kR][kV];
  float* c = p.c + i0 * p.c_row + n0;
  for (int i = 0; i < kR; ++i) {
    for (int v = 0; v < kV; ++v) {
      acc[i][v] = p.load ? hn::LoadU(d, c + i * p.c_row + v * lanes) : hn::Zero(d);
    }
  }
  const float *a = p.a + i0 * p.a_row, *b = p.b + n0;
  for (int64_t k = 0; k < p.depth; ++k, a += p.a_k, b += p.b_k) {
    V row[kV];
    for (int v = 0; v < kV; ++v) row[v] = hn::LoadU(d, b + v * lanes);
#pragma GCC unroll 16
    for (int i = 0; i < kR; ++i) {
      const V x = hn::Set(d, a[i * p.a_row]);
      for (int v = 0; v < kV; ++v) acc[i][v] = mul_add(x, row[v], acc[i][v]);
    }
  }
  for (int i = 0; i < kR; ++i) {
    for (int v = 0; v < kV; ++v) hn::StoreU(acc[i][v], d, c + i * p.c_row + v * lanes);
  }
}

template <int kR, typename D>
HWY_INLINE void small_rows(D d, const SmallProduct& p, int64_t i0) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t n = 0;
  for (; n + 2 * lanes <= p.columns; n += 2 * lanes) small_tile<kR, 2>(d, p, i0, n);
  for (; n < p.columns; n += lanes) small_tile<kR, 1>(d, p, i0, n);
}

template <typename D>
void small_product(D d, const SmallProduct& p) {
  int64_t i = 0;
  for (; i + kAttentionRows <= p.rows; i += kAttentionRows) small_rows<kAttentionRows>(d, p, i);
  for (; i + 3 <= p.rows; i += 3) small_rows<3>(d, p, i);
  for (; i < p.rows; ++i) small_rows<1>(d, p, i);
}

// Scratch of one task, carved from one block of memory.
struct Arena {
  float* at;
  float* take(int64_t floats) {
    float* p = at;
    at += (floats + 15) / 16 * 16;
    return p;
  }
};

// A tile of one group of heads, with the lanes' own data laid out for the products.
struct Lanes {
  const AttentionArgs* args;
  AttentionTile tile;
  int64_t group;                // key/value head
  int64_t heads, count, width;  // heads sharing it; lanes; lanes padded
  int64_t d_width;              // d padded
  float* limit;                 // [width] keys each lane sees, counted from tile.begin

  template <typename D>
  Lanes(D d, const AttentionArgs& a, const AttentionTile& t, int64_t g, Arena& arena)
      : args(&a),
        tile(t),
        group(g),
        heads(a.h / a.h_kv),
        count(heads * t.queries),
        width(whole_vectors(d, count)),
        d_width(padded(a.d)),
        limit(arena.take(width)) {
    for (int64_t l = 0; l < width; ++l) {
      const int64_t at = t.b * a.t + t.t0 + l % t.queries;
      const int64_t keys = l < count ? int64_t{a.key_end[at]} - a.key_begin[at] : 0;
      limit[l] = static_cast<float>(std::max<int64_t>(keys, 0));
    }
  }
  int64_t query(int64_t lane) const { return tile.t0 + lane % tile.queries; }
  int64_t head(int64_t lane) const { return group * heads + lane / tile.queries; }
  // Of lane in a contiguous [B, T, H, d].
  int64_t row(int64_t lane) const {
    return (tile.b * args->t + query(lane)) * args->h + head(lane);
  }
  const float* q(int64_t lane) const {
    const HeadStrides& s = args->q_strides;
    return args->q + tile.b * s.batch + query(lane) * s.token + head(lane) * s.head;
  }
  const float* k(int64_t key) const {
    const HeadStrides& s = args->k_strides;
    return args->k + tile.b * s.batch + key * s.token + group * s.head;
  }
  const float* v(int64_t key) const {
    const HeadStrides& s = args->v_strides;
    return args->v + tile.b * s.batch + key * s.token + group * s.head;
  }
};

// out[i][lane] = row_of(lane)[i]
template <typename RowOf>
void transpose_lanes(const Lanes& l, RowOf&& row_of, float* out) {
  std::fill_n(out, l.args->d * l.width, 0.0f);
  for (int64_t lane = 0; lane < l.count; ++lane) {
    const float* row = row_of(lane);
    for (int64_t i = 0; i < l.args->d; ++i) out[i * l.width + lane] = row[i];
  }
}

// Rows key0 .. key0 + keys as a matrix with whole vectors of columns: in place when d is, else
// copied.
struct KeyRows {
  const float* data;
  int64_t stride;
};
inline KeyRows key_rows(const float* first, int64_t stride, int64_t keys, int64_t d,
                        int64_t d_width, float* copy) {
  if (d == d_width) return {first, stride};
  for (int64_t j = 0; j < keys; ++j) {
    std::memcpy(copy + j * d_width, first + j * stride, static_cast<size_t>(d) * 4);
    std::fill(copy + j * d_width + d, copy + (j + 1) * d_width, 0.0f);
  }
  return {copy, d_width};
}

// scores[j][lane] = q(lane) . k(key0 + j)
template <typename D>
void key_products(D d, const Lanes& l, const float* keys, int64_t stride, int64_t n,
                  const float* lanes, float* scores) {
  small_product(d,
                {keys, lanes, stride, 1, l.width, n, l.width, l.args->d, scores, l.width, false});
}

// out[lane][i] += sum over j of p[j][lane] * rows[j][i]. Lanes that see fewer than `keys` keys stop
// at their last: what they do not see must not reach them, not even NaN times zero.
void add_rows(const Lanes& l, const float* p, const KeyRows& rows, int64_t first, int64_t keys,
              float* out) {
  const auto see_all = [&](int64_t lane) {  // how many lanes from this one on, at most a tile
    int64_t n = 0;
    while (n < kAttentionRows && lane + n < l.count &&
           l.limit[lane + n] >= static_cast<float>(first + keys)) {
      ++n;
    }
    return n;
  };
  SmallProduct o{p, rows.data, 1, l.width, rows.stride, 0, l.d_width, 0, nullptr, l.d_width, true};
  for (int64_t lane = 0; lane < l.count;) {
    const int64_t whole = see_all(lane);
    o.rows = std::max<int64_t>(whole, 1);
    const auto seen = static_cast<int64_t>(l.limit[lane]) - first;
    o.depth = whole > 0 ? keys : std::clamp<int64_t>(seen, 0, keys);
    o.a = p + lane;
    o.c = out + lane * l.d_width;
    if (o.depth > 0) small_product(F32(), o);
    lane += o.rows;
  }
}

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
