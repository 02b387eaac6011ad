// The definition: for each query, a softmax over its keys in double.
#include <cmath>
#include <vector>

#include "attention.h"

namespace pewter::ref {
namespace {

struct Query {
  int64_t b, t, h, g;  // g: key/value head
  int64_t begin, end;
  const float* q;
};

const float* row(const float* p, const HeadStrides& s, int64_t b, int64_t t, int64_t h) {
  return p + b * s.batch + t * s.token + h * s.head;
}

double dot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += double{a[i]} * b[i];
  return sum;
}

template <typename Visit>
void for_each_query(const AttentionArgs& a, Visit&& visit) {
  for (int64_t b = 0; b < a.b; ++b) {
    for (int64_t t = 0; t < a.t; ++t) {
      for (int64_t h = 0; h < a.h; ++h) {
        visit(Query{b, t, h, h / (a.h / a.h_kv), a.key_begin[b * a.t + t], a.key_end[b * a.t + t],
                    row(a.q, a.q_strides, b, t, h)});
      }
    }
  }
}

std::vector<double> probabilities(const AttentionArgs& a, const Query& q, double* lse = nullptr) {
  std::vector<double> p;
  double max = -INFINITY, sum = 0;
  for (int64_t s = q.begin; s < q.end; ++s) {
    p.push_back(dot(q.q, row(a.k, a.k_strides, q.b, s, q.g), a.d) * a.scale);
    if (!(p.back() <= max)) max = p.back();
  }
  for (double& x : p) sum += x = std::exp(x - max);
  for (double& x : p) x /= sum;
  if (lse) *lse = max + std::log(sum);
  return p;
}

}  // namespace

void attention(const AttentionArgs& a) {
  check_intervals(a);
  for_each_query(a, [&](const Query& q) {
    double lse = 0;
    const std::vector<double> p = probabilities(a, q, &lse);
    const int64_t at = (q.b * a.t + q.t) * a.h + q.h;
    if (a.lse) a.lse[at] = static_cast<float>(lse);
    for (int64_t i = 0; i < a.d; ++i) {
      double sum = 0;
      for (size_t s = 0; s < p.size(); ++s) {
        sum += p[s] * row(a.v, a.v_strides, q.b, q.begin + static_cast<int64_t>(s), q.g)[i];
      }
      a.y[at * a.d + i] = static_cast<float>(sum);
    }
  });
}

void attention_backward(const AttentionBackwardArgs& o) {
  const AttentionArgs& a = o.forward;
  std::vector<double> dk(static_cast<size_t>(a.b * a.s * a.h_kv * a.d)), dv(dk.size());
  for_each_query(a, [&](const Query& q) {
    const std::vector<double> p = probabilities(a, q);
    const float* dy = o.dy + ((q.b * a.t + q.t) * a.h + q.h) * a.d;
    std::vector<double> dp, dq(static_cast<size_t>(a.d));
    double delta = 0;
    for (size_t s = 0; s < p.size(); ++s) {
      dp.push_back(
          dot(dy, row(a.v, a.v_strides, q.b, q.begin + static_cast<int64_t>(s), q.g), a.d));
      delta += p[s] * dp[s];
    }
    for (size_t s = 0; s < p.size(); ++s) {
      const int64_t key = q.begin + static_cast<int64_t>(s);
      const double ds = p[s] * (dp[s] - delta) * a.scale;
      const float* k = row(a.k, a.k_strides, q.b, key, q.g);
      const auto at = static_cast<size_t>(((q.b * a.s + key) * a.h_kv + q.g) * a.d);
      for (size_t i = 0; i < static_cast<size_t>(a.d); ++i) {
        dq[i] += ds * k[i];
        dk[at + i] += ds * q.q[i];
        dv[at + i] += p[s] * dy[i];
      }
    }
    for (int64_t i = 0; o.dq && i < a.d; ++i) {
      o.dq[((q.b * a.t + q.t) * a.h + q.h) * a.d + i] =
          static_cast<float>(dq[static_cast<size_t>(i)]);
    }
  });
  for (size_t i = 0; o.dk && i < dk.size(); ++i) o.dk[i] = static_cast<float>(dk[i]);
  for (size_t i = 0; o.dv && i < dv.size(); ++i) o.dv[i] = static_cast<float>(dv[i]);
}

}  // namespace pewter::ref
