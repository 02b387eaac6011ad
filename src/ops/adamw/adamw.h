// AdamW (arXiv 1711.05101) with the bias corrections of Adam, as PyTorch orders them:
//   g = factor * grad;  param -= lr * weight_decay * param
//   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
//   param -= lr / c1 * m / (sqrt(v) / sqrt(c2) + eps)
// Each element is a handful of f32 operations on its own state: relative error of the update at
// most 16 * 2^-24, and of param one rounding more.
// Only f32 parameters are taken: a 16-bit parameter would round every step away that is smaller
// than 2^-9 of it. Who trains 16-bit weights keeps f32 masters and casts.
// global_norm: squares are exact in double and summed there, in an order that the sizes fix: the
// sum of n of them is off by n * 2^-53 of itself, the norm by half of that and the one rounding to
// f32.
#pragma once

#include "adamw_args.h"

namespace pewter {
namespace cpu {
void adamw(const AdamwArgs& args);
void global_norm(const GlobalNormArgs& args);
}  // namespace cpu
namespace ref {
void adamw(const AdamwArgs& args);
void global_norm(const GlobalNormArgs& args);
}  // namespace ref
}  // namespace pewter
