// Attention in its one-query and its blocked form, and rotary positions.
#include "arrays.h"

namespace metal_sim::air::test {
namespace {

struct Shape {
  size_t heads, kv_heads, queries, keys, width;
};

// Scores and results in double; a mask of -inf leaves a key out.
struct Attention {
  Shape s;
  const Array &q, &k, &v;
  double scale;
  std::function<double(size_t, size_t, size_t)> mask;

  double score(size_t h, size_t i, size_t j) const {
    double sum = 0;
    const size_t g = h / (s.heads / s.kv_heads);
    for (size_t d = 0; d < s.width; ++d)
      sum += q.at((h * s.queries + i) * s.width + d) * k.at((g * s.keys + j) * s.width + d);
    return sum * scale + mask(h, i, j);
  }
  std::vector<double> all() const {
    std::vector<double> out(s.heads * s.queries * s.width);
    for (size_t row = 0; row < s.heads * s.queries; ++row) {
      const size_t h = row / s.queries, i = row % s.queries, g = h / (s.heads / s.kv_heads);
      double total = 0;
      for (size_t j = 0; j < s.keys; ++j) {
        const double p = std::exp(score(h, i, j));
        total += p;
        for (size_t d = 0; d < s.width; ++d)
          out[row * s.width + d] += p * v.at((g * s.keys + j) * s.width + d);
      }
      for (size_t d = 0; d < s.width; ++d) out[row * s.width + d] /= total;
    }
    return out;
  }
};

// |v| < 1, so an error of e in every score moves a result by at most 2 e, and weights rounded to
// the type by u; scores are sums of `width` products below 1/sqrt(width) in size.
double attention_bound(Dtype type, size_t width, size_t keys, bool narrow_scores) {
  const double size = std::sqrt(double(width));
  const double score_error =
      double(width + 8) * 0x1p-24 * size + (narrow_scores ? 3 * roundoff(type) * size : 0);
  return 2 * score_error + double(keys + 32) * 0x1p-24 + 2 * roundoff(type);
}

struct Form {
  Dtype type;
  size_t width;
  const char* mask;  // "", "causal", "float"
};

std::string form_name(const testing::TestParamInfo<Form>& info) {
  return std::string(long_name(info.param.type)) + "_" + std::to_string(info.param.width) +
         (*info.param.mask ? "_" : "") + info.param.mask;
}

class MlxSdpaVector : public MlxWith<Form> {};

TEST_P(MlxSdpaVector, MatchesDouble) {
  const Form p = GetParam();
  const Shape s{4, 2, 2, 70, p.width};
  const bool causal = p.mask == std::string("causal"), masked = p.mask == std::string("float");
  auto q = Array::random(p.type, s.heads * s.queries * s.width, 51),
       k = Array::random(p.type, s.kv_heads * s.keys * s.width, 52),
       v = Array::random(p.type, s.kv_heads * s.keys * s.width, 53),
       mask = Array::random(p.type, s.heads * s.queries * s.keys, 54);
  Array out(p.type, q.size());
  const float scale = float(1 / std::sqrt(double(s.width)));
  const ConstantValue constants[] = {constant(20, masked), constant(21, false),
                                     constant(22, causal), constant(23, false),
                                     constant(24, masked), constant(25, false)};
  const std::string width = "_" + std::to_string(s.width);
  Call call;
  call.buffer(0, q.bytes())
      .buffer(1, k.bytes())
      .buffer(2, v.bytes())
      .buffer(3, out.bytes())
      .bytes(4, 2)
      .bytes(5, int32_t(s.keys))
      .bytes(6, s.keys * s.width)
      .bytes(7, s.width)
      .bytes(8, s.keys * s.width)
      .bytes(9, s.width)
      .bytes(10, scale)
      .groups({s.heads, s.queries}, {1024});
  if (masked) {
    call.buffer(12, mask.bytes())
        .bytes(13, 1)
        .bytes(14, int32_t(s.keys))
        .bytes(15, int32_t(s.queries * s.keys));
  }
  value_of(call.run(
      *kernel(std::string("sdpa_vector_") + short_name(p.type) + width + width, constants)));
  const auto wanted = Attention{
      s, q, k, v, scale, [&](size_t h, size_t i, size_t j) {
        if (masked) return mask.at((h * s.queries + i) * s.keys + j);
        return causal && j > s.keys - s.queries + i ? -INFINITY : 0.0;
      }}.all();
  expect_close(
      out, [&](size_t i) { return wanted[i]; },
      [&](size_t) { return attention_bound(p.type, s.width, s.keys, false); });
}

INSTANTIATE_TEST_SUITE_P(All, MlxSdpaVector,
                         testing::Values(Form{Dtype::f32, 64, ""}, Form{Dtype::f32, 128, "causal"},
                                         Form{Dtype::f32, 64, "float"},
                                         Form{Dtype::f16, 64, "causal"}, Form{Dtype::f16, 96, ""},
                                         Form{Dtype::bf16, 128, "float"}),
                         form_name);

struct AttentionParams {
  int32_t batch, heads, width, queries, keys, gqa;
  float scale;
  int32_t blocks_q, blocks_k, full_q, full_k, rest_q, rest_k, offset_q;
  int64_t q_strides[3], k_strides[3], v_strides[3], o_strides[3];
};

class MlxSteelAttention : public MlxWith<Form> {};

TEST_P(MlxSteelAttention, MatchesDouble) {
  const Form p = GetParam();
  const Shape s{2, 1, 50, 75, p.width};
  const bool causal = p.mask == std::string("causal"), masked = p.mask == std::string("float");
  const int32_t bk = p.width < 128 ? 32 : 16;
  auto q = Array::random(p.type, s.heads * s.queries * s.width, 55),
       k = Array::random(p.type, s.kv_heads * s.keys * s.width, 56),
       v = Array::random(p.type, s.kv_heads * s.keys * s.width, 57),
       mask = Array::random(p.type, s.heads * s.queries * s.keys, 58);
  Array out(p.type, q.size());
  const float scale = float(1 / std::sqrt(double(s.width)));
  const auto strides = [&](size_t rows, int64_t(&to)[3]) {
    to[0] = int64_t(s.heads * rows * s.width);
    to[1] = int64_t(rows * s.width);
    to[2] = int64_t(s.width);
  };
  const int32_t queries = int32_t(s.queries), keys = int32_t(s.keys);
  AttentionParams params{1,
                         2,
                         int32_t(s.width),
                         queries,
                         keys,
                         2,
                         scale,
                         (queries + 31) / 32,
                         (keys + bk - 1) / bk,
                         queries / 32,
                         keys / bk,
                         queries % 32,
                         keys % bk,
                         keys - queries,
                         {},
                         {},
                         {},
                         {}};
  strides(s.queries, params.q_strides);
  strides(s.keys, params.k_strides);
  strides(s.keys, params.v_strides);
  strides(s.queries, params.o_strides);
  const ConstantValue constants[] = {constant(200, false),  constant(201, false),
                                     constant(300, masked), constant(301, causal),
                                     constant(302, false),  constant(303, false)};
  const std::string width = std::to_string(s.width);
  Call call;
  call.buffer(0, q.bytes())
      .buffer(1, k.bytes())
      .buffer(2, v.bytes())
      .buffer(3, out.bytes())
      .bytes(4, params)
      .groups({2, s.heads, 1}, {32, 4});
  const int64_t mask_strides[3] = {int64_t(s.heads * s.queries * s.keys),
                                   int64_t(s.queries * s.keys), keys};
  if (masked) call.bytes(5, std::span<const int64_t>(mask_strides)).buffer(6, mask.bytes());
  value_of(call.run(*kernel(std::string("steel_attention_") + long_name(p.type) + "_bq32_bk" +
                                std::to_string(bk) + "_bd" + width + "_bv" + width +
                                "_wm4_wn1_mask" + long_name(p.type),
                            constants)));
  const auto wanted = Attention{
      s, q, k, v, scale, [&](size_t h, size_t i, size_t j) {
        if (masked) return mask.at((h * s.queries + i) * s.keys + j);
        return causal && j > s.keys - s.queries + i ? -INFINITY : 0.0;
      }}.all();
  expect_close(
      out, [&](size_t i) { return wanted[i]; },
      [&](size_t) { return attention_bound(p.type, s.width, s.keys, true); });
}

INSTANTIATE_TEST_SUITE_P(All, MlxSteelAttention,
                         testing::Values(Form{Dtype::f32, 64, ""}, Form{Dtype::f32, 128, "causal"},
                                         Form{Dtype::f16, 64, "float"},
                                         Form{Dtype::f16, 80, "causal"}, Form{Dtype::bf16, 64, ""}),
                         form_name);

struct Rope {
  Dtype type;
  bool forward, traditional;
};

class MlxRope : public MlxWith<Rope> {
 protected:
  // Result at (row, d) where row r has position `at`; base is given as its logarithm to two.
  static double rotated(const Array& x, size_t row, size_t d, size_t width, double at,
                        const Rope& p) {
    const size_t half = width / 2, pair = p.traditional ? d / 2 : d % half;
    const double angle = at * std::exp2(-double(pair) / double(half) * 13.0);
    const double one = x.at(row * width + (p.traditional ? 2 * pair : pair)),
                 two = x.at(row * width + (p.traditional ? 2 * pair + 1 : pair + half));
    const double c = std::cos(angle), s = p.forward ? std::sin(angle) : -std::sin(angle);
    return (p.traditional ? d % 2 == 0 : d < half) ? one * c - two * s : one * s + two * c;
  }
};

TEST_P(MlxRope, Sequences) {
  const Rope p = GetParam();
  const size_t heads = 6, length = 5, width = 32;  // heads go four to a thread
  auto x = Array::random(p.type, heads * length * width, 61);
  Array out(p.type, x.size());
  const ConstantValue constants[] = {constant(1, p.forward), constant(2, p.traditional),
                                     constant(3, false)};
  const int64_t strides[3] = {int64_t(length * width), int64_t(width), 1};
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, out.bytes())
               .bytes(2, 7)
               .bytes(3, 0.5f)
               .bytes(4, std::span<const int64_t>(strides))
               .bytes(5, std::span<const int64_t>(strides))
               .bytes(6, int64_t(0))
               .bytes(7, int32_t(heads))
               .bytes(10, 13.0f)
               .threads({width / 2, length, ceil_div(heads, 4)}, {16, 4, 1})
               .run(*kernel(std::string("rope_") + long_name(p.type), constants)));
  expect_close(
      out,
      [&](size_t i) {
        return rotated(x, i / width, i % width, width, 0.5 * double(7 + i / width % length), p);
      },
      [&](size_t) { return 3 * roundoff(p.type) + 30 * 0x1p-24; });
}

TEST_P(MlxRope, OneToken) {
  const Rope p = GetParam();
  const size_t heads = 6, width = 64;
  auto x = Array::random(p.type, heads * width, 62);
  Array out(p.type, x.size());
  const ConstantValue constants[] = {constant(1, p.forward), constant(2, p.traditional),
                                     constant(3, false)};
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, out.bytes())
               .bytes(2, 9)
               .bytes(3, 1.0f)
               .bytes(4, int64_t(width))
               .bytes(10, 13.0f)
               .threads({width / 2, heads}, {32, 2})
               .run(*kernel(std::string("rope_single_") + long_name(p.type), constants)));
  expect_close(
      out, [&](size_t i) { return rotated(x, i / width, i % width, width, 9, p); },
      [&](size_t) { return 3 * roundoff(p.type) + 30 * 0x1p-24; });
}

INSTANTIATE_TEST_SUITE_P(All, MlxRope,
                         testing::Values(Rope{Dtype::f32, true, false},
                                         Rope{Dtype::f32, false, true},
                                         Rope{Dtype::f16, true, true},
                                         Rope{Dtype::bf16, true, false}),
                         [](const auto& info) {
                           return std::string(long_name(info.param.type)) +
                                  (info.param.forward ? "" : "_backward") +
                                  (info.param.traditional ? "_pairs" : "");
                         });

}  // namespace
}  // namespace metal_sim::air::test
