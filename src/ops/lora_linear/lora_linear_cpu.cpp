#include "device/cpu/thread_pool.h"
#include "lora_linear.h"

namespace pewter::cpu {
namespace {

GemmTerm term(GemmMatrix a, GemmMatrix b, int64_t k, float b_scale = 1) {
  GemmTerm t;
  t.a = a;
  t.b = b;
  t.k = k;
  t.b_scale = b_scale;
  return t;
}

GemmMatrix rows(const float* p, int64_t stride) { return {p, DType::f32, stride, 1}; }
GemmMatrix columns(const float* p, int64_t stride) { return {p, DType::f32, 1, stride}; }

GemmArgs arguments(int64_t m, int64_t n, std::initializer_list<GemmTerm> terms, float* c,
                   const float* bias = nullptr) {
  GemmArgs g{};
  g.m = m;
  g.n = n;
  for (const GemmTerm& t : terms) g.terms[g.n_terms++] = t;
  g.c = c;
  g.c_stride = n;
  g.bias = bias;
  return g;
}

void product(int64_t m, int64_t n, std::initializer_list<GemmTerm> terms, float* c) {
  gemm(arguments(m, n, terms, c));
}

const float* dropped(const DropoutArgs& dropout, const float* x, float* out, int64_t n) {
  if (dropout.p == 0) return x;
  parallel_ranges(n / 4 + 1, 4096, [&](int64_t begin, int64_t end) {
    apply_dropout(dropout, x, out, begin * 4, std::min(end * 4, n));
  });
  return out;
}

// dx += dropout'(dU A): the mask falls on the low-rank part alone, so it cannot ride on the chain.
void add_masked(const LoraLinearBackwardArgs& o, float* low_rank) {
  const int64_t n = o.m * o.w.k;
  parallel_ranges(n / 4 + 1, 4096, [&](int64_t begin, int64_t end) {
    end = std::min(end * 4, n);
    apply_dropout(o.dropout, low_rank, low_rank, begin * 4, end);
    for (int64_t i = begin * 4; i < end; ++i) o.dx[i] += low_rank[i];
  });
}

// dB = s dY^T u, as (u^T dY)^T: the few rows leave dY where it lies.
void output_grad(const LoraLinearBackwardArgs& o) {
  const int64_t n = o.w.n, r = o.r;
  product(r, n, {term(columns(o.u, r), rows(o.dy, n), o.m)}, o.db_turned);
  parallel_ranges(n, 4096 / std::max<int64_t>(r, 1), [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) {
      for (int64_t i = 0; i < r; ++i) o.db[j * r + i] = o.scale * o.db_turned[i * n + j];
    }
  });
}

}  // namespace

void lora_linear(const LoraLinearArgs& o) {
  const int64_t n = o.w.n, k = o.w.k;
  GemmArgs g = arguments(
      o.m, n, {forward_term(o.w, o.x), term(rows(o.u, o.r), columns(o.b, o.r), o.r, o.scale)}, o.y,
      o.bias);
  if (o.dropout.p == 0) {
    g.side = {columns(o.a, k), 1, o.u, o.r};
  } else {
    const float* x = dropped(o.dropout, o.x, o.dropped, o.m * k);
    product(o.m, o.r, {term(rows(x, k), columns(o.a, k), k)}, o.u);
  }
  gemm(g);
}

void lora_linear_backward(const LoraLinearBackwardArgs& o) {
  const int64_t n = o.w.n, k = o.w.k, r = o.r;
  const GemmSide side{rows(o.b, r), o.scale, o.du, r};
  const GemmTerm low_rank = term(rows(o.du, r), rows(o.a, k), r);
  if (o.dx && o.dropout.p == 0) {
    GemmArgs g = arguments(o.m, k, {input_grad_term(o.w, o.dy), low_rank}, o.dx);
    g.side = side;
    gemm(g);
  } else if (o.dx) {
    GemmArgs g = arguments(o.m, k, {input_grad_term(o.w, o.dy)}, o.dx);
    g.side = side;
    gemm(g);
    product(o.m, k, {low_rank}, o.dropped);
    add_masked(o, o.dropped);
  } else {
    product(o.m, r, {term(rows(o.dy, n), rows(o.b, r), n, o.scale)}, o.du);
  }
  if (o.da) {
    const float* x = dropped(o.dropout, o.x, o.dropped, o.m * k);
    product(r, k, {term(columns(o.du, r), rows(x, k), o.m)}, o.da);
  }
  if (o.db) output_grad(o);
}

}  // namespace pewter::cpu
