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
#include "ops/simd/transpose-inl.h"

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

// One row takes four vectors at a time: two would be too few chains to keep the units busy.
template <int kR, typename D>
HWY_INLINE void small_rows(D d, const SmallProduct& p, int64_t i0) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t n = 0;
  if constexpr (kR == 1) {
    for (; n + 4 * lanes <= p.columns; n += 4 * lanes) small_tile<1, 4>(d, p, i0, n);
  }
  for (; n + 2 * lanes <= p.columns; n += 2 * lanes) small_tile<kR, 2>(d, p, i0, n);
  for (; n < p.columns; n += lanes) small_tile<kR, 1>(d, p, i0, n);
}

template <typename D>
void small_product(D d, const SmallProduct& p) {
  int64_t i = 0;
  for (; i + kAttentionRows <= p.rows; i += kAttentionRows) small_rows<kAttentionRows>(d, p, i);
  for (; i + 4 <= p.rows; i += 4) small_rows<4>(d, p, i);
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
  const int64_t d = l.args->d;
  if (l.width > l.count) std::fill_n(out, d * l.width, 0.0f);
  int64_t lane = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; d % 4 == 0 && lane + 4 <= l.count; lane += 4) {
    const float* rows[] = {row_of(lane), row_of(lane + 1), row_of(lane + 2), row_of(lane + 3)};
    const auto four = [&](int r, int64_t i) HWY_ATTR { return hn::LoadU(Four(), rows[r] + i); };
    for (int64_t i = 0; i < d; i += 4) {
      store_turned(four(0, i), four(1, i), four(2, i), four(3, i), l.width,
                   out + i * l.width + lane);
    }
  }
#endif
  for (; lane < l.count; ++lane) {
    const float* row = row_of(lane);
    for (int64_t i = 0; i < d; ++i) out[i * l.width + lane] = row[i];
  }
}

// out[lane][i] = row_of(lane)[i], padded with zeros to whole vectors.
template <typename RowOf>
void copy_lanes(const Lanes& l, RowOf&& row_of, float* out) {
  for (int64_t lane = 0; lane < l.count; ++lane, out += l.d_width) {
    std::copy_n(row_of(lane), l.args->d, out);
    std::fill(out + l.args->d, out + l.d_width, 0.0f);
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

// out[lane][i] += sum over j of p[j][lane] * rows[j][i]. A lane stops at the last key it sees: what
// it does not see must not reach it, not even NaN times zero. So a tile of lanes goes as far as
// all of them see, and each goes on alone.
void add_rows(const Lanes& l, const float* p, const KeyRows& rows, int64_t first, int64_t keys,
              float* out) {
  const auto seen = [&](int64_t lane) {
    return std::clamp<int64_t>(static_cast<int64_t>(l.limit[lane]) - first, 0, keys);
  };
  const auto add = [&](int64_t lane, int64_t lanes, int64_t from, int64_t to) HWY_ATTR {
    if (to <= from) return;
    small_product(
        F32(), {p + from * l.width + lane, rows.data + from * rows.stride, 1, l.width, rows.stride,
                lanes, l.d_width, to - from, out + lane * l.d_width, l.d_width, true});
  };
  for (int64_t lane = 0; lane < l.count; lane += kAttentionRows) {
    const int64_t lanes = std::min<int64_t>(kAttentionRows, l.count - lane);
    int64_t all = keys;
    for (int64_t i = 0; i < lanes; ++i) all = std::min(all, seen(lane + i));
    add(lane, lanes, 0, all);
    for (int64_t i = 0; i < lanes; ++i) add(lane + i, 1, all, seen(lane + i));
  }
}

}  // namespace pewter::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
