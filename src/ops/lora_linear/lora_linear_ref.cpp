// The composition of its parts, each in double: linear, and the two small products.
#include "lora_linear.h"

namespace pewter::ref {
namespace {

// out [M, N] = a [M, K] b [K, N] by strides, added to what is there.
void add_product(int64_t m, int64_t n, int64_t k, const double* a, int64_t am, int64_t ak,
                 const double* b, int64_t bk, int64_t bn, double factor, double* out) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (int64_t l = 0; l < k; ++l) sum += a[i * am + l * ak] * b[l * bk + j * bn];
      out[i * n + j] += factor * sum;
    }
  }
}

std::vector<double> doubles(const float* p, int64_t n) { return {p, p + n}; }

std::vector<double> masked(const DropoutArgs& dropout, const std::vector<double>& x) {
  if (dropout.p == 0) return x;
  std::vector<float> ones(x.size(), 1.0f), mask(x.size());
  apply_dropout(dropout, ones.data(), mask.data(), 0, static_cast<int64_t>(x.size()));
  std::vector<double> out(x.size());
  for (size_t i = 0; i < x.size(); ++i) out[i] = mask[i] != 0 ? x[i] * mask[i] : 0;
  return out;
}

void store(const std::vector<double>& from, float* to) {
  for (size_t i = 0; i < from.size(); ++i) to[i] = static_cast<float>(from[i]);
}

}  // namespace

void lora_linear(const LoraLinearArgs& o) {
  const int64_t n = o.w.n, k = o.w.k, r = o.r;
  const auto x = doubles(o.x, o.m * k), a = doubles(o.a, r * k), b = doubles(o.b, n * r);
  const auto w = weight_values(o.w), xd = masked(o.dropout, x);
  std::vector<double> u(static_cast<size_t>(o.m * r)), y(static_cast<size_t>(o.m * n));
  add_product(o.m, r, k, xd.data(), k, 1, a.data(), 1, k, 1, u.data());
  add_product(o.m, n, k, x.data(), k, 1, w.data(), 1, k, 1, y.data());
  add_product(o.m, n, r, u.data(), r, 1, b.data(), 1, r, o.scale, y.data());
  for (int64_t i = 0; o.bias && i < o.m * n; ++i) y[static_cast<size_t>(i)] += o.bias[i % n];
  store(u, o.u);
  store(y, o.y);
}

void lora_linear_backward(const LoraLinearBackwardArgs& o) {
  const int64_t n = o.w.n, k = o.w.k, r = o.r, m = o.m;
  const auto x = doubles(o.x, m * k), a = doubles(o.a, r * k), b = doubles(o.b, n * r);
  const auto dy = doubles(o.dy, m * n), xd = masked(o.dropout, x), w = weight_values(o.w);
  std::vector<double> u(static_cast<size_t>(m * r)), du(u.size());
  add_product(m, r, k, xd.data(), k, 1, a.data(), 1, k, 1, u.data());
  add_product(m, r, n, dy.data(), n, 1, b.data(), r, 1, o.scale, du.data());
  store(du, o.du);
  if (o.dx) {
    std::vector<double> dx(x.size()), low(x.size());
    add_product(m, k, n, dy.data(), n, 1, w.data(), k, 1, 1, dx.data());
    add_product(m, k, r, du.data(), r, 1, a.data(), k, 1, 1, low.data());
    low = masked(o.dropout, low);
    for (size_t i = 0; i < dx.size(); ++i) dx[i] += low[i];
    store(dx, o.dx);
  }
  if (o.da) {
    std::vector<double> da(a.size());
    add_product(r, k, m, du.data(), 1, r, xd.data(), k, 1, 1, da.data());
    store(da, o.da);
  }
  if (o.db) {
    std::vector<double> db(b.size());
    add_product(n, r, m, dy.data(), 1, n, u.data(), r, 1, o.scale, db.data());
    store(db, o.db);
  }
}

}  // namespace pewter::ref
