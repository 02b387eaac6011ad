#include "attention.h"

#include <cmath>
#include <numeric>

#include "ops/kernels.h"

namespace pewter {
namespace {

constexpr Kernels<AttentionArgs> kForward{"attention", cpu::attention, ref::attention};
constexpr Kernels<AttentionBackwardArgs> kBackward{"attention_backward", cpu::attention_backward,
                                                   ref::attention_backward};

// In f32 with contiguous heads; anything else may be strided.
Tensor ready(const Tensor& t) {
  const Tensor x = cast(t.detach(), f32);
  return x.strides()[-1] == 1 || x.size(-1) == 1 ? x : contiguous(x);
}

HeadStrides strides_of(const Tensor& t) { return {t.strides()[0], t.strides()[1], t.strides()[2]}; }

void check(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& begin,
           const Tensor& end) {
  check_floating("attention", "q", q);
  check_floating("attention", "k", k);
  check_floating("attention", "v", v);
  check_defined("attention", "key_begin", begin);
  check_defined("attention", "key_end", end);
  check_same_device("attention", {q, k, v, begin, end});
  check_same_dtype("attention", q, k);
  check_same_dtype("attention", q, v);
  const bool ranks = q.rank() == 4 && k.rank() == 4;
  if (!ranks || !(k.shape() == v.shape()) || q.size(0) != k.size(0) || q.size(3) != k.size(3) ||
      q.size(3) == 0) {
    throw_error(ErrorCode::shape, "[attention] q is {}, k is {}, v is {}", q.shape().to_string(),
                k.shape().to_string(), v.shape().to_string());
  }
  if (k.size(2) == 0 || q.size(2) % k.size(2) != 0) {
    throw_error(ErrorCode::shape, "[attention] {} query heads do not divide among {} key heads",
                q.size(2), k.size(2));
  }
  check_shape("attention", "key_begin", begin, {q.size(0), q.size(1)});
  check_shape("attention", "key_end", end, {q.size(0), q.size(1)});
  if (begin.dtype() != i32 || end.dtype() != i32) {
    throw_error(ErrorCode::dtype, "[attention] key_begin is {}, key_end is {}; i32 is needed",
                to_string(begin.dtype()), to_string(end.dtype()));
  }
}

struct Saved {
  Tensor q, k, v, begin, end, y, lse;
  float scale;
};

AttentionArgs arguments(const Saved& s) {
  return {floats(s.q),
          floats(s.k),
          floats(s.v),
          static_cast<const int32_t*>(s.begin.data()),
          static_cast<const int32_t*>(s.end.data()),
          floats_out(s.y),
          floats_out(s.lse),
          strides_of(s.q),
          strides_of(s.k),
          strides_of(s.v),
          s.q.size(0),
          s.q.size(1),
          s.k.size(1),
          s.q.size(2),
          s.k.size(2),
          s.q.size(3),
          s.scale};
}

std::vector<Tensor> gradients(const Tensor& grad, const Saved& s, const bool (&wants)[3],
                              DType dtype) {
  const Tensor dy = cast(contiguous(grad), f32);
  const Tensor* inputs[3] = {&s.q, &s.k, &s.v};
  std::vector<Tensor> d(3);
  for (int i = 0; i < 3; ++i) {
    if (wants[i]) d[static_cast<size_t>(i)] = empty(inputs[i]->shape(), {f32, s.q.device()});
  }
  if (s.y.numel() == 0) {  // no queries: nothing reached k and v
    for (Tensor& t : d) {
      if (t.defined()) t = zeros(t.shape(), {dtype, t.device()});
    }
    return d;
  }
  const AttentionArgs forward = arguments(s);
  const Tensor sums = empty({wants[1] || wants[2] ? strip_sums(forward) : 0}, {f32, s.q.device()});
  run(kBackward, s.q.device(),
      {forward, floats(dy), floats_out(d[0]), floats_out(d[1]), floats_out(d[2]),
       floats_out(sums)});
  for (Tensor& t : d) {
    if (t.defined()) t = cast(t, dtype);
  }
  return d;
}

}  // namespace

void check_intervals(const AttentionArgs& a) {
  for (int64_t i = 0; i < a.b * a.t; ++i) {
    if (a.key_begin[i] < 0 || a.key_begin[i] > a.s || a.key_end[i] > a.s) {
      throw_error(ErrorCode::argument, "[attention] query {} sees keys {} to {}, of {}", i,
                  a.key_begin[i], a.key_end[i], a.s);
    }
  }
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& key_begin,
                 const Tensor& key_end, AttentionOptions options) {
  check(q, k, v, key_begin, key_end);
  Saved s{ready(q),
          ready(k),
          ready(v),
          contiguous(key_begin),
          contiguous(key_end),
          empty(q.shape(), {f32, q.device()}),
          {},
          options.scale};
  if (s.scale == 0) s.scale = 1 / std::sqrt(static_cast<float>(q.size(3)));
  const bool wants_any = wants_grad({q, k, v});
  if (wants_any) s.lse = empty({q.size(0), q.size(1), q.size(2)}, {f32, q.device()});
  if (s.y.numel() > 0) run(kForward, q.device(), arguments(s));
  Tensor y = cast(s.y.detach(), q.dtype());
  if (wants_any) {
    record(y, "attention", {q, k, v},
           [s, wq = q.requires_grad(), wk = k.requires_grad(), wv = v.requires_grad(),
            dtype = q.dtype()](const Tensor& g) {
             return gradients(g, s, {wq, wk, wv}, dtype);
           });
  }
  return y;
}

KeyRange causal_range(int64_t batch, int64_t tokens, int64_t first, Device device) {
  if (batch < 0 || tokens < 0 || first < 0) {
    throw_error(ErrorCode::argument, "[causal_range] batch {}, tokens {}, first {}", batch, tokens,
                first);
  }
  std::vector<int32_t> ends(static_cast<size_t>(batch * tokens));
  for (size_t i = 0; i < ends.size(); ++i) {
    ends[i] = static_cast<int32_t>(first + static_cast<int64_t>(i) % tokens + 1);
  }
  const std::vector<int32_t> begins(ends.size(), 0);
  return {from_values(begins, {batch, tokens}, {i32, device}),
          from_values(ends, {batch, tokens}, {i32, device})};
}

}  // namespace pewter
