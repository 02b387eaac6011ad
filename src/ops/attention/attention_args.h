// Plain arguments. The last dimension of q, k, v, y is contiguous; strides are in elements.
#pragma once

#include <cstdint>

namespace pewter {

struct HeadStrides {
  int64_t batch, token, head;
};

struct AttentionArgs {
  const float *q, *k, *v;
  const int32_t *key_begin, *key_end;  // [B, T]
  float* y;                            // [B, T, H, d]
  float* lse;                          // [B, T, H]: log of the sum of exponentials; may be null
  HeadStrides q_strides, k_strides, v_strides;
  int64_t b, t, s, h, h_kv, d;
  float scale;
};

struct AttentionBackwardArgs {
  AttentionArgs forward;  // y and lse as the forward left them
  const float* dy;        // [B, T, H, d]
  float *dq, *dk, *dv;    // contiguous; may be null one by one
  float* sums;            // [strip_sums()], to be used as the kernel likes
};

}  // namespace pewter
