// Products with activations rounded to 16 bits beside quantised weights.
//
// The weight's groups of values of k (32; Q6_K: 16) cut x too. In group g, s_g = max|x| / 32767 and
// q_k = round(x_k / s_g) is a 16-bit integer; element (m, n) is the chain
//   acc = fma(scale[n,g] * s_g, float(sum_k w_k q_k), acc);  acc = fma(offset[n,g], t_g, acc)
// over g = 0, 1, ..., with the integer sums exact and t_g = s_g * float(sum_k q_k). So an element's
// bits depend neither on tiles and threads nor on the order in which integers are added.
//
// |error| <= sum_g max_g|x| 2^-16 (1 + 2^-7) sum_{k in g} |w_k|   (the rounding of x)
//          + (2G + 6) 2^-24 sum_g (|scale_g| sum_k |w_k x_k| + |offset_g x_k|)   (the chain)
// A group whose largest magnitude is below kInt16Smallest counts as zero; a row that holds a NaN or
// an infinity is NaN.
#pragma once

#include <cstdint>

namespace pewter {

struct GemmArgs;

inline constexpr float kInt16Smallest = 0x1p-100f;

// x as the kernels take it: integers [M, K], and for every row and group s and t.
struct RoundedRows {
  int16_t* values;
  float *scales, *totals;  // [M, G]
  int64_t k, group, groups;
  int16_t* row(int64_t m) const { return values + m * k; }
};

namespace cpu {
// The first term of `args`, x in f32 with contiguous rows times a packed weight, plus bias.
void int16_gemm(const GemmArgs& args);
}  // namespace cpu
}  // namespace pewter
