// softmax(scale q k^T) v over the keys each query sees, grouped queries, never a T x S matrix
// (online softmax: arXiv 1805.02867; blocks: 2205.14135; backward: 2307.08691).
//
// Bits: a score is one chain of multiply-adds over d; keys are visited in blocks of 64 counted from
// key_begin; within a block the largest score, then the exponentials and their sum key by key, then
// the values key by key. Vector lanes hold queries, so no reduction crosses lanes and nothing
// depends on what else is computed beside a query. Error of an element: (S + d + 16) * 2^-24
// relative to sum p |v|, plus d * 2^-24 * |scale| sum |q k| through the exponent. Backward:
// recomputes the probabilities from lse; dk and dv are summed over the queries of each strip in
// order, then over strips, which T and the numbers of heads fix.
#pragma once

#include "attention_args.h"

namespace pewter {
constexpr int64_t kKeyBlock = 64;

// Floats that the backward needs to sum dk and dv in: each strip of queries has sums of its own.
int64_t strip_sums(const AttentionArgs& args);

namespace cpu {
void attention(const AttentionArgs& args);
void attention_backward(const AttentionBackwardArgs& args);
}  // namespace cpu
namespace ref {
void attention(const AttentionArgs& args);
void attention_backward(const AttentionBackwardArgs& args);
}  // namespace ref

// Throws ErrorCode::argument unless every interval lies in [0, S].
void check_intervals(const AttentionArgs& args);
}  // namespace pewter
