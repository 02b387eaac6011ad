// Kernels that work along rows: rms, layer_norm, softmax, logsumexp. The single-row forms give four
// columns to a thread (layer_norm eight), the looped ones run 1024 threads over any width.
#include "arrays.h"

namespace metal_sim::air::test {
namespace {

struct Form {
  const char* name;
  bool looped;
  Dtype type;
};

std::string form_name(const testing::TestParamInfo<Form>& info) {
  return std::string(info.param.looped ? "looped_" : "single_") + info.param.name +
         long_name(info.param.type);
}

std::vector<Form> forms(std::initializer_list<const char*> names, bool narrow_only = false) {
  std::vector<Form> all;
  for (const char* name : names) {
    for (const bool looped : {false, true}) {
      for (const Dtype type : {Dtype::f32, Dtype::f16, Dtype::bf16}) {
        if (!narrow_only || type != Dtype::f32) all.push_back({name, looped, type});
      }
    }
  }
  return all;
}

struct Rows {
  uint32_t count, width;
  uint64_t threads;
};

Rows rows_for(bool looped, uint64_t columns = 4) {
  if (looped) return {2, 4500, 1024};
  return {5, 1020, ceil_div(ceil_div(1020, columns), 32) * 32};
}

class MlxNorm : public MlxWith<Form> {};

TEST_P(MlxNorm, Rms) {
  const auto [unused, looped, type] = GetParam();
  const auto rms = kernel(std::string(looped ? "rms_looped" : "rms") + long_name(type));
  const Rows rows = rows_for(looped);
  auto x = Array::random(type, rows.count * rows.width, 1), w = Array::random(type, rows.width, 2);
  Array out(type, x.size());
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, w.bytes())
               .buffer(2, out.bytes())
               .bytes(3, 1e-5f)
               .bytes(4, rows.width)
               .bytes(5, 1u)
               .groups({rows.count}, {rows.threads})
               .run(*rms));
  std::vector<double> scales;
  for (size_t r = 0; r < rows.count; ++r) {
    double sum = 0;
    for (size_t i = 0; i < rows.width; ++i)
      sum += x.at(r * rows.width + i) * x.at(r * rows.width + i);
    scales.push_back(1 / std::sqrt(sum / rows.width + 1e-5f));
  }
  const auto wanted = [&](size_t i) {
    return x.at(i) * scales[i / rows.width] * w.at(i % rows.width);
  };
  // Two roundings to the type; the sum's chain is at most 30 roundings of float.
  expect_close(out, wanted, [&](size_t i) {
    return std::abs(wanted(i)) * (2.5 * roundoff(type) + 30 * 0x1p-24) + tiny(type);
  });
}

TEST_P(MlxNorm, LayerNorm) {
  const auto [unused, looped, type] = GetParam();
  const auto norm =
      kernel(std::string(looped ? "layer_norm_looped" : "layer_norm") + long_name(type));
  const Rows rows = rows_for(looped, 8);
  auto x = Array::random(type, rows.count * rows.width, 3), w = Array::random(type, rows.width, 4),
       b = Array::random(type, rows.width, 5);
  Array out(type, x.size());
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, w.bytes())
               .buffer(2, b.bytes())
               .buffer(3, out.bytes())
               .bytes(4, 1e-5f)
               .bytes(5, rows.width)
               .bytes(6, 1u)
               .bytes(7, 1u)
               .groups({rows.count}, {rows.threads})
               .run(*norm));
  std::vector<double> means, scales;
  for (size_t r = 0; r < rows.count; ++r) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < rows.width; ++i) sum += x.at(r * rows.width + i);
    for (size_t i = 0; i < rows.width; ++i)
      squares += std::pow(x.at(r * rows.width + i) - sum / rows.width, 2);
    means.push_back(sum / rows.width);
    scales.push_back(1 / std::sqrt(squares / rows.width + 1e-5f));
  }
  const auto scaled = [&](size_t i) {
    return (x.at(i) - means[i / rows.width]) * scales[i / rows.width] * w.at(i % rows.width);
  };
  const auto wanted = [&](size_t i) { return scaled(i) + b.at(i % rows.width); };
  expect_close(out, wanted, [&](size_t i) {
    return (std::abs(scaled(i)) * 2.5 + std::abs(wanted(i)) * 1.5) * roundoff(type) + 60 * 0x1p-24 +
           tiny(type);
  });
}

INSTANTIATE_TEST_SUITE_P(All, MlxNorm, testing::ValuesIn(forms({""})), form_name);

class MlxSoftmax : public MlxWith<Form> {};

TEST_P(MlxSoftmax, MatchesDouble) {
  const auto [middle, looped, type] = GetParam();
  const auto softmax =
      kernel(std::string(looped ? "looped_" : "block_") + "softmax_" + middle + long_name(type));
  const Rows rows = rows_for(looped);
  auto x = Array::random(type, rows.count * rows.width, 6, -3, 3);
  Array out(type, x.size());
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, out.bytes())
               .bytes(2, int32_t(rows.width))
               .groups({rows.count}, {rows.threads})
               .run(*softmax));
  std::vector<double> sums(rows.count);
  for (size_t i = 0; i < x.size(); ++i) sums[i / rows.width] += std::exp(x.at(i));
  const auto wanted = [&](size_t i) { return std::exp(x.at(i)) / sums[i / rows.width]; };
  // In the type itself unless it is a precise form: x - max is off by 6 u, so is its exponential; a
  // thread sums four or twenty such, and three more roundings follow.
  const bool precise = *middle || type == Dtype::f32;
  const double inner = (precise ? 0x1p-24 : roundoff(type)) * (looped ? 32 : 20);
  expect_close(out, wanted,
               [&](size_t i) { return wanted(i) * (inner + 1.1 * roundoff(type)) + tiny(type); });
}

INSTANTIATE_TEST_SUITE_P(All, MlxSoftmax, testing::ValuesIn(forms({""})), form_name);
INSTANTIATE_TEST_SUITE_P(Precise, MlxSoftmax, testing::ValuesIn(forms({"precise_"}, true)),
                         form_name);

class MlxLogsumexp : public MlxWith<Form> {};

TEST_P(MlxLogsumexp, MatchesDouble) {
  const auto [unused, looped, type] = GetParam();
  const auto logsumexp =
      kernel(std::string(looped ? "looped_" : "block_") + "logsumexp_" + long_name(type));
  const Rows rows = rows_for(looped);
  auto x = Array::random(type, rows.count * rows.width, 7, -3, 3);
  Array out(type, rows.count);
  value_of(Call()
               .buffer(0, x.bytes())
               .buffer(1, out.bytes())
               .bytes(2, int32_t(rows.width))
               .groups({rows.count}, {rows.threads})
               .run(*logsumexp));
  std::vector<double> sums(rows.count);
  for (size_t i = 0; i < x.size(); ++i) sums[i / rows.width] += std::exp(x.at(i));
  const auto wanted = [&](size_t i) { return std::log(sums[i]); };
  const double inner =
      roundoff(type) * (looped ? 32 : 20);  // of the sum, so absolute behind the logarithm
  expect_close(out, wanted, [&](size_t i) { return inner + 3 * roundoff(type) * wanted(i); });
}

INSTANTIATE_TEST_SUITE_P(All, MlxLogsumexp, testing::ValuesIn(forms({""})), form_name);

}  // namespace
}  // namespace metal_sim::air::test
