// Matrix products: steel GEMM in its transposes, alignments, dtypes and epilogues, split-K, gemv,
// and products with block-quantised weights. Sums run in float: a chain of k fused products is off
// by at most k roundings of the sum of absolute products, and the result is rounded once to its
// type.
#include "arrays.h"

namespace metal_sim::air::test {
namespace {

struct GemmParams {
  int32_t m, n, k, lda, ldb, ldd, tiles_n, tiles_m;
  int64_t batch_a, batch_b, batch_d;
  int32_t swizzle_log, k_iterations, batch_ndim;
};

struct AddmmParams {
  int32_t ldc, fdc;
  int64_t batch_c;
  float alpha, beta;
};

struct Gemm {
  Dtype type;
  bool transpose_a, transpose_b;
  int32_t m, n, k, batch;
  bool epilogue;
  int32_t bm = 64, bn = 64, bk = 16;
};

std::string gemm_name(const Gemm& g) {
  const auto letter = [](bool t) { return t ? "t" : "n"; };
  return std::string(letter(g.transpose_a)) + letter(g.transpose_b) + "_" + long_name(g.type) +
         "_" + long_name(g.type);
}

// Element (i, j) of op(A) op(B), and the sum of absolute products.
struct Product {
  double value = 0, size = 0;
};

Product product(const Array& a, const Array& b, const Gemm& g, size_t batch, size_t i, size_t j) {
  Product p;
  const size_t m = size_t(g.m), n = size_t(g.n), k = size_t(g.k);
  for (size_t l = 0; l < k; ++l) {
    const double x = a.at(batch * m * k + (g.transpose_a ? l * m + i : i * k + l));
    const double y = b.at(batch * k * n + (g.transpose_b ? j * k + l : l * n + j));
    p.value += x * y;
    p.size += std::abs(x * y);
  }
  return p;
}

class MlxGemm : public MlxWith<Gemm> {};

TEST_P(MlxGemm, MatchesDouble) {
  const Gemm g = GetParam();
  const size_t batch = size_t(g.batch), m = size_t(g.m), n = size_t(g.n), k = size_t(g.k);
  auto a = Array::random(g.type, batch * m * k, 31), b = Array::random(g.type, batch * k * n, 32),
       c = Array::random(g.type, batch * m * n + 64 * n,
                         33);  // C is read past its last row (findings_test.cpp)
  Array out(g.type, batch * m * n);
  const ConstantValue constants[] = {constant(10, false),
                                     constant(100, g.epilogue),
                                     constant(110, g.epilogue),
                                     constant(200, g.m % g.bm == 0),
                                     constant(201, g.n % g.bn == 0),
                                     constant(202, g.k % g.bk == 0)};
  const std::string block = "_bm" + std::to_string(g.bm) + "_bn" + std::to_string(g.bn) + "_bk" +
                            std::to_string(g.bk) + "_wm2_wn2";
  const auto gemm = kernel("steel_gemm_fused_" + gemm_name(g) + block, constants);
  const int32_t tiles_n = int32_t(ceil_div(n, size_t(g.bn))),
                tiles_m = int32_t(ceil_div(m, size_t(g.bm)));
  const GemmParams params{g.m,
                          g.n,
                          g.k,
                          g.transpose_a ? g.m : g.k,
                          g.transpose_b ? g.k : g.n,
                          g.n,
                          tiles_n,
                          tiles_m,
                          int64_t(m * k),
                          int64_t(k * n),
                          int64_t(m * n),
                          0,
                          g.k / g.bk,
                          1};
  const AddmmParams add{g.n, 1, int64_t(m * n), 0.75f, -1.5f};
  Call call;
  call.buffer(0, a.bytes())
      .buffer(1, b.bytes())
      .buffer(3, out.bytes())
      .bytes(4, params)
      .groups({uint64_t(tiles_n), uint64_t(tiles_m), batch}, {32, 2, 2});
  if (g.epilogue) call.buffer(2, c.bytes()).bytes(5, add);
  value_of(call.run(*gemm));
  const double u = roundoff(g.type);
  for (size_t i = 0; i < out.size(); ++i) {
    const Product p = product(a, b, g, i / (m * n), i / n % m, i % n);
    const double wanted = g.epilogue ? 0.75 * p.value - 1.5 * c.at(i) : p.value;
    const double bound = double(k) * 0x1p-24 * p.size + 1.01 * u * std::abs(wanted) +
                         (g.epilogue ? 3 * u * (p.size + 1.5) : 0) + tiny(g.type);
    ASSERT_LE(std::abs(out.at(i) - wanted), bound) << "element " << i;
  }
}

std::vector<Gemm> gemms() {
  std::vector<Gemm> all;
  for (const Dtype type : {Dtype::f32, Dtype::f16, Dtype::bf16}) {
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        all.push_back({type, ta, tb, 64, 128, 48, 1, false});  // aligned
        all.push_back({type, ta, tb, 50, 70, 37, 2, true});    // nothing is
      }
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, MlxGemm, testing::ValuesIn(gemms()), [](const auto& info) {
  return gemm_name(info.param) + (info.param.epilogue ? "_odd_addmm_batch" : "_aligned");
});

struct SplitKParams {
  int32_t m, n, k, lda, ldb, ldc, tiles_n, tiles_m, partitions, partition_stride, partition_size,
      swizzle_log, k_iterations;
};

TEST_F(Mlx, GemmSplitK) {
  const Gemm g{Dtype::f16, false, false, 32, 64, 256, 1, false};
  auto a = Array::random(g.type, 32 * 256, 34), b = Array::random(g.type, 256 * 64, 35);
  Array parts(Dtype::f32, 4 * 32 * 64), out(Dtype::f16, 32 * 64);
  const SplitKParams params{32, 64, 256, 256, 64, 64, 2, 1, 4, 32 * 64, 64, 0, 4};
  value_of(Call()
               .buffer(0, a.bytes())
               .buffer(1, b.bytes())
               .buffer(2, parts.bytes())
               .bytes(3, params)
               .groups({2, 1, 4}, {32, 2, 2})
               .run(*kernel("steel_gemm_splitk_nn_float16_float32_bm32_bn32_bk16_wm2_wn2_MN_"
                            "taligned_K_taligned")));
  value_of(Call()
               .buffer(0, parts.bytes())
               .buffer(1, out.bytes())
               .bytes(2, 4)
               .bytes(3, 32 * 64)
               .bytes(4, 64)
               .threads({64, 32}, {32, 8})
               .run(*kernel("steel_gemm_splitk_accum_float16_float32")));
  for (size_t i = 0; i < out.size(); ++i) {
    const Product p = product(a, b, g, 0, i / 64, i % 64);
    ASSERT_LE(std::abs(out.at(i) - p.value),
              256 * 0x1p-24 * p.size + 1.01 * 0x1p-11 * std::abs(p.value))
        << "element " << i;
  }
}

struct Gemv {
  Dtype type;
  bool transposed, axpby;
  int32_t rows, columns;  // of the matrix as it lies in memory
  const char* block;
  uint64_t threads, outputs;  // of a threadgroup
};

class MlxGemv : public MlxWith<Gemv> {};

TEST_P(MlxGemv, MatchesDouble) {
  const Gemv g = GetParam();
  const std::string name = std::string(g.transposed ? "gemv_t_" : "gemv_") + long_name(g.type) +
                           g.block + "_nc0_axpby" + (g.axpby ? "1" : "0");
  const size_t rows = size_t(g.rows), columns = size_t(g.columns),
               in = g.transposed ? rows : columns, count = g.transposed ? columns : rows;
  auto a = Array::random(g.type, rows * columns, 36), x = Array::random(g.type, in, 37),
       bias = Array::random(g.type, count, 38);
  Array out(g.type, count);
  Call call;
  call.buffer(0, a.bytes())
      .buffer(1, x.bytes())
      .buffer(2, bias.bytes())
      .buffer(3, out.bytes())
      .bytes(4, int32_t(in))
      .bytes(5, int32_t(count))
      .bytes(6, g.columns)
      .bytes(7, 0.5f)
      .bytes(8, 2.0f)
      .bytes(9, 1)
      .bytes(10, 1)
      .bytes(11, int64_t(0))
      .bytes(12, int64_t(0))
      .bytes(13, int64_t(0))
      .bytes(14, 1);
  value_of(call.groups({ceil_div(count, g.outputs)}, {32, g.threads / 32}).run(*kernel(name)));
  for (size_t i = 0; i < count; ++i) {
    double value = 0, size = 0;
    for (size_t l = 0; l < in; ++l) {
      const double term = a.at(g.transposed ? l * columns + i : i * columns + l) * x.at(l);
      value += term;
      size += std::abs(term);
    }
    const double wanted = g.axpby ? 0.5 * value + 2 * bias.at(i) : value;
    const double bound =
        double(in) * 0x1p-24 * size +
        roundoff(g.type) * (1.01 * std::abs(wanted) + (g.axpby ? 2 * (std::abs(value) + 2) : 0)) +
        tiny(g.type);
    ASSERT_LE(std::abs(out.at(i) - wanted), bound) << "element " << i;
  }
}

std::vector<Gemv> gemvs() {
  std::vector<Gemv> all;
  for (const Dtype type : {Dtype::f32, Dtype::f16, Dtype::bf16}) {
    all.push_back({type, false, false, 64, 301, "_bm4_bn1_sm1_sn32_tm4_tn4", 128, 16});
    all.push_back({type, false, true, 24, 600, "_bm1_bn8_sm1_sn32_tm4_tn4", 256, 4});
    all.push_back({type, true, false, 203, 128, "_bm1_bn2_sm8_sn4_tm4_tn4", 64, 32});
    all.push_back({type, true, true, 96, 256, "_bm1_bn16_sm4_sn8_tm4_tn4", 512, 512});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, MlxGemv, testing::ValuesIn(gemvs()), [](const auto& info) {
  const Gemv& g = info.param;
  return std::string(g.transposed ? "t_" : "") + long_name(g.type) + g.block +
         (g.axpby ? "_axpby" : "");
});

// Weights in groups of 64: value = scale * q + bias, q of `bits` bits, packed from the lowest bit
// up.
struct Quantised {
  int bits;
  size_t rows, columns;
  std::vector<uint32_t> codes, packed;
  Array scales, biases;
  Quantised(int b, size_t r, size_t c, Dtype type)
      : bits(b),
        rows(r),
        columns(c),
        codes(r * c),
        packed(r * c * size_t(b) / 32),
        scales(Array::random(type, r * c / 64, 41, 0.01f, 0.05f)),
        biases(Array::random(type, r * c / 64, 42, -0.3f, 0)) {
    uint32_t state = 1;
    for (size_t i = 0; i < codes.size(); ++i) {
      state = state * 1664525 + 1013904223;
      codes[i] = state >> (32 - bits);
      for (int bit = 0; bit < bits; ++bit) {
        const size_t at = i * size_t(bits) + size_t(bit);
        packed[at / 32] |= (codes[i] >> bit & 1) << at % 32;
      }
    }
  }
  double at(size_t row, size_t column) const {
    const size_t i = row * columns + column;
    return scales.at(i / 64) * codes[i] + biases.at(i / 64);
  }
};

struct QuantisedForm {
  const char* form;  // between affine_ and the type
  const char* tail;
  Dtype type;
  int bits;
};

class MlxQuantised : public MlxWith<QuantisedForm> {
 protected:
  std::string name() const {
    const auto p = GetParam();
    return std::string("affine_") + p.form + "_" + short_name(p.type) + "_gs_64_b_" +
           std::to_string(p.bits) + p.tail;
  }
  // y = x W^T where W's rows are outputs, else x W.
  void expect_product(const Array& y, const Array& x, const Quantised& w, bool transposed) {
    const size_t inputs = transposed ? w.columns : w.rows,
                 outputs = transposed ? w.rows : w.columns;
    for (size_t i = 0; i < y.size(); ++i) {
      double value = 0, size = 0;
      for (size_t l = 0; l < inputs; ++l) {
        const double q = transposed ? w.at(i % outputs, l) : w.at(l, i % outputs);
        value += x.at(i / outputs * inputs + l) * q;
        size += std::abs(x.at(i / outputs * inputs + l)) *
                (std::abs(q) + 2);  // scale and bias parts are summed apart
      }
      // Matrix forms round the weights to the type first.
      const double bound = (double(inputs) * 0x1p-24 + 2 * roundoff(w.scales.type())) * size +
                           1.01 * roundoff(y.type()) * std::abs(value);
      ASSERT_LE(std::abs(y.at(i) - value), bound) << "element " << i;
    }
  }
};

class MlxQuantisedVector : public MlxQuantised {};

TEST_P(MlxQuantisedVector, MatchesDouble) {
  const auto p = GetParam();
  const bool quad = std::string(p.form) == "qmv_quad";
  const size_t in = quad ? 128 : 512, out = quad ? 128 : 48, batch = 2;
  Quantised w(p.bits, out, in, p.type);
  auto x = Array::random(p.type, batch * in, 43);
  Array y(p.type, batch * out);
  const uint64_t rows = quad ? 64 : 8;
  value_of(Call()
               .buffer(0, w.packed)
               .buffer(1, w.scales.bytes())
               .buffer(2, w.biases.bytes())
               .buffer(3, x.bytes())
               .buffer(4, y.bytes())
               .bytes(5, int32_t(in))
               .bytes(6, int32_t(out))
               .groups({batch, ceil_div(out, rows)}, {32, quad ? 1u : 2u})
               .run(*kernel(name())));
  expect_product(y, x, w, true);
}

INSTANTIATE_TEST_SUITE_P(
    All, MlxQuantisedVector,
    testing::Values(QuantisedForm{"qmv_fast", "_batch_0_pr_0_hgs_0_r_4", Dtype::f32, 4},
                    QuantisedForm{"qmv_fast", "_batch_0_pr_0_hgs_0_r_4", Dtype::f16, 4},
                    QuantisedForm{"qmv_fast", "_batch_0_pr_0_hgs_0_r_4", Dtype::bf16, 8},
                    QuantisedForm{"qmv", "_batch_0_pr_0_hgs_0_r_4", Dtype::f32, 2},
                    QuantisedForm{"qmv", "_batch_0_pr_0_hgs_0_r_4", Dtype::f32, 3},
                    QuantisedForm{"qmv", "_batch_0_pr_0_hgs_0_r_4", Dtype::f16, 6},
                    QuantisedForm{"qmv_quad", "_d_128_batch_0", Dtype::f32, 4},
                    QuantisedForm{"qmv_quad", "_d_128_batch_0", Dtype::bf16, 4}),
    [](const auto& info) {
      return std::string(info.param.form) + "_" + long_name(info.param.type) + "_" +
             std::to_string(info.param.bits);
    });

class MlxQuantisedMatrix : public MlxQuantised {};

TEST_P(MlxQuantisedMatrix, MatchesDouble) {
  const auto p = GetParam();
  const bool transposed = std::string(p.form) == "qmm_t";
  const size_t in = 128, out = 64, batch = 40;  // the second row of tiles is cut
  Quantised w(p.bits, transposed ? out : in, transposed ? in : out, p.type);
  auto x = Array::random(p.type, batch * in, 44);
  Array y(p.type, batch * out);
  value_of(Call()
               .buffer(0, w.packed)
               .buffer(1, w.scales.bytes())
               .buffer(2, w.biases.bytes())
               .buffer(3, x.bytes())
               .buffer(4, y.bytes())
               .bytes(5, int32_t(in))
               .bytes(6, int32_t(out))
               .bytes(7, int32_t(batch))
               .groups({ceil_div(out, 32), ceil_div(batch, 32)}, {32, 2, 2})
               .run(*kernel(name())));
  expect_product(y, x, w, transposed);
}

INSTANTIATE_TEST_SUITE_P(
    All, MlxQuantisedMatrix,
    testing::Values(QuantisedForm{"qmm_t", "_alN_true_batch_0", Dtype::f32, 4},
                    QuantisedForm{"qmm_t", "_alN_false_batch_0", Dtype::f32, 8},
                    QuantisedForm{"qmm_t", "_alN_true_batch_0", Dtype::f16, 4},
                    QuantisedForm{"qmm_t", "_alN_true_batch_0", Dtype::bf16, 2},
                    QuantisedForm{"qmm_n", "_batch_0", Dtype::f32, 4},
                    QuantisedForm{"qmm_n", "_batch_0", Dtype::f16, 8}),
    [](const auto& info) {
      return std::string(info.param.form) + "_" + long_name(info.param.type) + "_" +
             std::to_string(info.param.bits);
    });

TEST_F(Mlx, Dequantise) {
  Quantised w(4, 16, 128, Dtype::f32);
  Array out(Dtype::f32, 16 * 128);
  value_of(Call()
               .buffer(0, w.packed)
               .buffer(1, w.scales.bytes())
               .buffer(2, w.biases.bytes())
               .buffer(3, out.bytes())
               .threads({16 * 128 / 2}, {64})
               .run(*kernel("affine_dequantize_float_gs_64_b_4")));
  expect_close(
      out, [&](size_t i) { return w.at(i / 128, i % 128); }, [](size_t) { return 2 * 0x1p-24; });
}

TEST_F(Mlx, QuantiseIsWithinHalfAStep) {
  auto w = Array::random(Dtype::f32, 32 * 64, 45);
  Array scales(Dtype::f32, 32), biases(Dtype::f32, 32);
  std::vector<uint8_t> packed(32 * 64);
  value_of(Call()
               .buffer(0, w.bytes())
               .buffer(1, packed)
               .buffer(2, scales.bytes())
               .buffer(3, biases.bytes())
               .threads({32 * 32}, {64})
               .run(*kernel("affine_quantize_float_gs_64_b_8")));
  for (size_t i = 0; i < w.size(); ++i) {
    const double back = scales.at(i / 64) * packed[i] + biases.at(i / 64);
    // Moving the scale so that zero is exact may cost the far end one step.
    ASSERT_LE(std::abs(back - w.at(i)), 1.01 * std::abs(scales.at(i / 64))) << "element " << i;
  }
}

}  // namespace
}  // namespace metal_sim::air::test
