// The operations. Shapes: B batch, T tokens, S cached tokens, D width, H heads, Hkv key/value
// heads, V vocabulary, R rank, M N K of a product. Unless an op says otherwise:
// * operands are floating (f32, f16, bf16), all of one dtype and on one device, of any strides; the
//   result is contiguous, of the same dtype; arithmetic and sums are in f32, rounded once at the
//   end;
// * the same input gives the same bits on the same device, whatever the thread count and whatever
//   other rows are in the batch: a row's order of summation depends on the row alone;
// * NaN and infinity come out where IEEE 754 arithmetic says; sizes of zero work;
// * an op that writes into `out` takes any strides except those of an expanded tensor, whose
//   elements share memory (ErrorCode::argument). An operand may be `out` itself; one that overlaps
//   it in any other way is read before or after it is written, unspecified which;
// * gradients are recorded for every floating operand that requires one;
// * errors are pewter::Error: shape, dtype and device for operands that do not fit together (the
//   message names the op and the shapes), argument for values out of range, device when the
//   device has no kernel for the op.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "pewter/tensor.h"

namespace pewter {

// ---- making tensors ---------------------------------------------------------------------------

Tensor empty(const Shape& shape, TensorOptions options = {});  // uninitialised; quantised allowed
Tensor zeros(const Shape& shape, TensorOptions options = {});
Tensor full(const Shape& shape, double value, TensorOptions options = {});
// Standard normal numbers, a pure function of (seed, index): Philox4x32-10 (Salmon et al., SC'11)
// with Box-Muller. The same numbers on every device.
Tensor randn(const Shape& shape, TensorOptions options = {}, uint64_t seed = 0);
Tensor uniform(const Shape& shape, float low, float high, TensorOptions options = {},
               uint64_t seed = 0);
// Row-major values; throws ErrorCode::shape unless values.size() is shape.numel(). Converts to the
// dtype asked for, rounding to nearest even.
Tensor from_values(std::span<const float> values, const Shape& shape, TensorOptions options = {});
Tensor from_values(std::span<const int32_t> values, const Shape& shape,
                   TensorOptions options = {.dtype = i32});
// Raw bytes of `dtype`, as they lie in a file; blocks for quantised dtypes.
Tensor from_bytes(std::span<const std::byte> bytes, const Shape& shape, TensorOptions options);

// ---- copies and conversions -------------------------------------------------------------------

Tensor contiguous(const Tensor& x);         // x itself when it is contiguous already
Tensor cast(const Tensor& x, DType dtype);  // also from quantised dtypes (2-D); i32 to f32
Tensor to_device(const Tensor& x, Device device);
// Element by element into `out` (any strides, any floating dtype), in place; no gradient.
void copy_(const Tensor& out, const Tensor& x);
void fill_(const Tensor& out, double value);

// ---- element by element, broadcasting as NumPy does -------------------------------------------

Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor scale(const Tensor& x, double factor);
void add_(const Tensor& out, const Tensor& x);  // out += x, in place, same shape; no gradient
Tensor silu_mul(const Tensor& gate, const Tensor& up);  // gate * sigmoid(gate) * up, same shape
// exact: x * Phi(x); tanh: the approximation of Hendrycks & Gimpel 2016 (arXiv 1606.08415).
Tensor gelu(const Tensor& x, bool tanh_approximation = false);

// ---- rows -------------------------------------------------------------------------------------

// All elements -> f32 of shape [1]. The order depends on shape and strides. (The sums over
// broadcast dimensions in backward passes too: on all of the shape, so that how many neighbours a
// result has may change its bits; see src/ops/sum/sum.h.)
Tensor sum(const Tensor& x);
Tensor softmax(const Tensor& x);  // over the last dimension, which must not be empty
// x * weight / sqrt(mean(x^2) + eps) over the last dimension D; weight [D]. arXiv 1910.07467
Tensor rms_norm(const Tensor& x, const Tensor& weight, float eps = 1e-6f);
// (x - mean) / sqrt(variance + eps) * weight + bias; weight, bias [D], bias may be undefined.
// arXiv 1607.06450
Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float eps = 1e-5f);

// ---- transformer parts ------------------------------------------------------------------------

// Rotates pairs (i, i + d/2) of each head: x [..., H, d] with d even, cos and sin f32 [..., d/2]
// whose leading sizes are those of x without H. arXiv 2104.09864, "rotate half" layout.
Tensor rope(const Tensor& x, const Tensor& cos, const Tensor& sin);
struct RopeTables {
  Tensor cos, sin;  // f32 [..., d/2]
};
// cos and sin of positions (i32, any shape) times inverse frequencies (f32 [d/2]); the angle is
// formed and reduced in double. `magnitude` multiplies both (1 unless a rope scaling asks).
RopeTables rope_tables(const Tensor& positions, const Tensor& inverse_frequency,
                       float magnitude = 1.0f);
// Rows of table [V, D] (quantised allowed) by ids (i32, any shape [...]) -> [..., D] in f32 when
// the table is quantised, else the table's dtype. An id outside [0, V) is ErrorCode::argument.
Tensor embedding(const Tensor& table, const Tensor& ids);
// Writes src [B, T, ...] into out [B, S, ...] at rows first[b] .. first[b] + T - 1 (first: i32
// [B]), in place, casting to out's dtype; no gradient. Rows outside out are ErrorCode::argument.
void write_rows_(const Tensor& out, const Tensor& src, const Tensor& first);

// Attention with grouped queries: q [B, T, H, d], k and v [B, S, Hkv, d], H a multiple of Hkv.
// Query t of batch b sees keys key_begin[b, t] <= s < key_end[b, t] (i32 [B, T]), so causal masks,
// packed documents and caches are all intervals; a query that sees no key gives zeros. Never
// forms a T x S matrix (arXiv 2205.14135); keys are visited in blocks counted from key_begin, so a
// row's bits depend neither on how a prompt was cut nor on where a document lies in its row.
struct AttentionOptions {
  float scale = 0;  // 0: 1 / sqrt(d)
};
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& key_begin,
                 const Tensor& key_end, AttentionOptions options = {});
// The usual interval: queries at positions first .. first + T - 1 see keys 0 .. own position.
struct KeyRange {
  Tensor begin, end;  // i32 [B, T]
};
KeyRange causal_range(int64_t batch, int64_t tokens, int64_t first, Device device);

// ---- products ---------------------------------------------------------------------------------

struct MatmulOptions {
  float alpha = 1, beta = 0;
  Tensor c = {};  // [.., M, N], broadcast; not read when beta == 0
  bool transpose_a = false, transpose_b = false;
  DType out = DType::f32;  // dtype of the result when `out_given`
  bool out_given = false;  // otherwise the operands' dtype (f32 when b is quantised)
};
// alpha * op(a) op(b) + beta * c, batched; batch dimensions broadcast as in NumPy. A vector (rank
// 1) is a row on the left and a column on the right. b may be quantised with transpose_b ([N, K],
// blocks along K). K == 0 gives beta * c. Element (m, n) is the chain of fused multiply-adds over
// k = 0 .. K-1 in f32, in that order, whatever M and N are; then alpha, beta, c.
// |error| <= K * 2^-24 * sum |a||b| (f32; Higham 2002, (3.4)), plus one rounding to the dtype.
// Two plain bf16 operands on processors with bf16 dot products: the chain goes by pairs, k + 1
// before k, and takes numbers below 2^-126 for zero, operands and sums alike, which adds at most
// 2^-126 * (sum (|a| + |b|) + K) to the error (src/ops/matmul/gemm_bf16x86.cpp).
// Gradients: products of the widest dtype among the operands and the gradient, summed over what the
// batch repeated in f32, rounded once.
Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options = {});

// What a product with a quantised weight does to x. With a plain weight both mean the same.
// f32: nothing. int16: x is rounded, group by group of the weight, to 16-bit integers times the
// group's largest magnitude, in every path that the shape may take; sums are then exact integers,
// and inference runs at the speed of memory. The rounding moves an element by at most
// sum over groups of max|x| * sum|w| * 2^-16 (1 + 2^-7); a row of x that holds a NaN or an infinity
// gives NaN. Gradients are those of the unrounded x.
enum class Activations { f32, int16 };

struct LinearOptions {
  Activations activations = Activations::f32;
};
// x W^T + bias: x [..., K], weight [N, K] (f32, f16, bf16 or quantised), bias [N] or undefined.
// Mixed dtypes are allowed: the result has x's dtype.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const LinearOptions& options = {});

// x W^T + bias + scale * dropout(x) A^T B^T as one op (arXiv 2106.09685): A [R, K], B [N, R], f32.
// W is frozen unless it requires a gradient. Dropout keeps element i of x with probability
// 1 - dropout and scales it by 1 / (1 - dropout); the mask is a pure function of
// (dropout_counter, i), regenerated backwards, never stored.
struct LoraOptions {
  float scale = 1;
  float dropout = 0;            // 0 <= dropout < 1
  Tensor dropout_counter = {};  // u8 [16]: seed and counter (Philox); needed when dropout > 0
  // Sets this layer's mask apart from the others of the same step; below 2^20. Steps below 2^44.
  uint64_t dropout_stream = 0;
  Activations activations = Activations::f32;  // of the product with W
};
Tensor lora_linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& a,
                   const Tensor& b, const LoraOptions& options);

// sum_i row_weights[i] * (logsumexp(z_i) - z_i[target_i]), z = x W^T: x [T, D], weight [V, D]
// (quantised allowed), targets i32 [T], row_weights f32 [T] -> f32 [1]. Rows of weight 0 cost
// nothing and their target is not read. Never holds logits for more than a block of rows; when x
// (or W) wants a gradient it is computed in the same pass. arXiv 2410.10989 §3.2
Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& targets,
                            const Tensor& row_weights);

// log p(target) of each row, f32 [T], without gradient: the same rows, weight and bits as above.
// Rows with a negative target cost nothing and give 0.
Tensor target_log_probs(const Tensor& x, const Tensor& weight, const Tensor& targets);

// ---- optimiser --------------------------------------------------------------------------------

// sqrt of the sum of squares over all tensors, in double, as f32 [1]; for clipping.
Tensor global_norm(std::span<const Tensor> tensors);
struct AdamwOptions {
  float beta1 = 0.9f, beta2 = 0.999f, eps = 1e-8f, weight_decay = 0;
};
// One AdamW step in place (arXiv 1711.05101, bias-corrected as in Adam): param, grad, m, v of one
// shape; m and v f32. `step` f32 [4] on the device holds what changes between captured steps:
// learning rate, 1 - beta1^t, 1 - beta2^t, factor on the gradient (clipping).
void adamw_(const Tensor& param, const Tensor& grad, const Tensor& m, const Tensor& v,
            const Tensor& step, const AdamwOptions& options);

}  // namespace pewter
