// The product all others are made of: C = sum over terms of A_i B_i, in f32.
//
// Element (m, n) is one chain of fused multiply-adds over the k of the first term, then of the
// second, and so on, from zero (or from what C holds): tiles, threads, M and N cannot change its
// bits. So vector lanes lie along n, never along k, and blocking over k keeps the chain's state in
// C.
//
// A micro-tile is kRows x 2 vectors of accumulators: AVX-512 has 32 registers, of which 12 x 2
// accumulate; AVX2 and NEON get 6 x 2 and 8 x 2. B is packed into panels as wide as a tile, kDepth
// deep, so that a slab of a few panels (kDepth x 96 floats, 96 KiB) stays in the second-level cache
// while all rows of A pass by. Either is read where it lies when packing would cost more than it
// brings: A for few columns, B for few rows. A short second term (LoRA's) rides on the last block
// of the first: its operands are packed behind, and C is written once.
#pragma once

#include <cstdint>
#include <span>

#include "pewter/dtype.h"

namespace pewter {

struct PackedWeight;

// Up to so many rows a packed weight is read where it lies instead of being unpacked first.
inline constexpr int64_t kMostMatvecRows = 8;

// Up to so many k a second term rides on the last block of the first, and as wide may a side
// product be to be computed on the way.
inline constexpr int64_t kMostRiding = 64;

// A matrix in memory, any strides (in elements), plain dtype.
struct GemmMatrix {
  const void* data = nullptr;
  DType dtype = DType::f32;
  int64_t row_stride = 0, column_stride = 1;
};

// A weight W [N, K] as the right-hand operand: W^T (x W^T) or W itself (dy W).
struct GemmTerm {
  GemmMatrix a;                          // [M, K]
  GemmMatrix b;                          // [K, N]; unused when one of the next two is set
  const PackedWeight* packed = nullptr;  // B = W^T, from panels
  bool int16 = false;                    // with `packed`: A is rounded as int16_gemm.h says
  const void* blocks = nullptr;          // B = W [K, N], quantised along N
  DType block_dtype = DType::f32;
  float b_scale = 1;  // multiplies plain B while it is packed
  int64_t k = 0;
};

// u = A_0 B [M, R], computed from the first term's A while that is packed. The second term may take
// u as its A: LoRA's two products in one walk over x.
struct GemmSide {
  GemmMatrix b;  // [K, R], f32
  float b_scale = 1;
  float* u = nullptr;  // [M, R], contiguous; null: no side product
  int64_t r = 0;
};

struct GemmArgs {
  int64_t m, n;
  GemmTerm terms[2];
  int32_t n_terms;
  GemmSide side;
  bool accumulate;  // go on from C instead of from zero
  float* c;         // [M, N], rows contiguous
  int64_t c_stride;
  const float* bias;  // [N], added last, or null
};

// Whether a kernel that reads the weight once, where it lies, takes the first term.
inline bool has_few_rows(const GemmArgs& g) {
  const GemmTerm& t = g.terms[0];
  const bool along_k = t.packed || (!t.blocks && t.b.row_stride == 1 && t.b.column_stride != 1);
  return g.m <= kMostMatvecRows && along_k && !g.accumulate && t.a.dtype == DType::f32 &&
         t.a.column_stride == 1;
}

// C [M, N], contiguous, of one term.
inline GemmArgs one_term(int64_t m, int64_t n, const GemmTerm& term, float* c,
                         const float* bias = nullptr) {
  GemmArgs g{};
  g.m = m;
  g.n = n;
  g.terms[0] = term;
  g.n_terms = 1;
  g.c = c;
  g.c_stride = n;
  g.bias = bias;
  return g;
}

namespace cpu {

void gemm(const GemmArgs& args);

// One term of two plain bf16 operands, not accumulating; x86-64 with AVX512_BF16 only.
void gemm_bf16(const GemmArgs& args);

}  // namespace cpu

}  // namespace pewter
