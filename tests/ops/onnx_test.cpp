// ONNX's own operator cases through pewter's public calls: what the operators mean is judged by
// somebody else. The index (tools/golden/onnx_cases.py) says which call each case is.
// Tolerances: twice the contract of the op (src/ops/X/X.h), since ONNX's f32 outputs carry their
// own rounding; 16-bit outputs were rounded at every step: the generator admits 8 of their units.
#include <algorithm>

#include "io/json_file.h"
#include "io/safetensors.h"
#include "ops/onnx_left_out.h"
#include "support/device_test.h"
#include "support/products.h"

namespace pewter::test {
namespace {

using io::JsonView;

double largest(const Tensor& t) {
  double most = 0;
  for (double v : t.to_vector<double>()) most = std::max(most, std::abs(v));
  return most;
}

struct Case {
  JsonView call;
  std::map<std::string, Tensor> tensors;
  const Tensor& operator[](const std::string& name) const { return tensors.at(name); }
  const Tensor& named(const char* field) const {
    return tensors.at(std::string(call.at(field).string()));
  }
  const Tensor& output() const { return tensors.contains("Y") ? (*this)["Y"] : (*this)["output"]; }
};

// What a call gave, and its contract: `roundings` in f32 on terms of size `magnitude`.
struct Outcome {
  Tensor y;
  double roundings, magnitude;
};

Tensor flat_rows(const Tensor& t) { return contiguous(t.reshape({t.numel()})); }

Outcome run_matmul(const Case& c) {
  const Tensor &a = c.named("a"), &b = c.named("b");
  MatmulOptions options;
  if (c.call.find("transpose_a")) {
    options.alpha = static_cast<float>(c.call.at("alpha").number());
    options.transpose_a = c.call.at("transpose_a").boolean();
    options.transpose_b = c.call.at("transpose_b").boolean();
  }
  double added = 0;
  if (c.call.find("c")) {
    options.c = c.named("c");
    options.beta = static_cast<float>(c.call.at("beta").number());
    added = std::abs(options.beta) * largest(options.c);
  }
  const double k = static_cast<double>(a.size(options.transpose_a ? -2 : -1));
  return {matmul(a, b, options), k + 3,
          std::abs(options.alpha) * k * largest(a) * largest(b) + added};
}

Outcome run_softmax(const Case& c) {
  const Tensor& x = c.named("x");
  const int axis = static_cast<int>(c.call.at("axis").integer());
  const Tensor y = softmax(x.transpose(axis, -1)).transpose(axis, -1);
  return {y, static_cast<double>(x.size(axis)) + 8, 1};
}

Outcome run_norm(const Case& c, bool centre) {
  const auto sizes = c.call.at("reshape").elements();
  const Tensor& x = c.named("x");
  const Tensor rows = x.reshape({sizes[0].integer(), sizes[1].integer()});
  const Tensor weight = flat_rows(c.named("weight"));
  const double columns = static_cast<double>(rows.size(1));
  const float eps = static_cast<float>(c.call.at("eps").number());
  if (!centre) {
    return {rms_norm(rows, weight, eps).reshape(x.shape()), columns / 2 + 8, largest(c.output())};
  }
  const Tensor y = layer_norm(rows, weight, flat_rows(c.named("bias")), eps);
  // The mean's error, scaled by 1 / deviation, reaches the result and, times z, the variance.
  const double z = std::sqrt(columns), scaled = largest(x) * largest(c["InvStdDev"]);
  return {y.reshape(x.shape()), columns + 4,
          largest(weight) * (scaled * (1 + z) + z) + largest(c.output())};
}

// Only the first rotary_dim of each head turn, which is a slice for pewter.
Outcome run_rope(const Case& c) {
  const bool split = c.call.at("layout").string() == "BHTD";
  const Tensor& x = c.named("x");
  const Tensor heads = split ? x.transpose(1, 2)
                             : x.reshape({x.size(0), x.size(1), c.call.at("heads").integer(), -1});
  Tensor cos = c.named("cos"), sin = c.named("sin");
  if (c.call.find("positions")) {
    cos = embedding(cos, c.named("positions"));
    sin = embedding(sin, c.named("positions"));
  }
  const int64_t turning = c.call.at("rotary_dim").integer();
  const Tensor y = empty(heads.shape(), {f32, x.device()});
  copy_(y, heads);
  copy_(y.slice(3, 0, turning), rope(heads.slice(3, 0, turning), cos, sin));
  return {split ? y.transpose(1, 2) : y.reshape(x.shape()), 2, 2 * largest(x)};
}

Outcome run_gelu(const Case& c) {
  const bool tanh = c.call.at("approximate").string() == "tanh";
  const Tensor& x = c.named("x");
  const double m = largest(x), u = std::sqrt(2 / M_PI) * (m + 0.044715 * m * m * m);
  // ONNX's 1 + erf cancels for negative x, so its error is relative to x, not to y.
  return {gelu(x, tanh), tanh ? 8 + 8 * u : 16, m};
}

Tensor heads_of(const Case& c, const Tensor& t, const char* heads) {
  if (c.call.at("layout").string() == "BHTD") return t.transpose(1, 2);
  return t.reshape({t.size(0), t.size(1), c.call.at(heads).integer(), -1});
}

// Past and new keys side by side, as a cache holds them: [B, S, H, d].
Tensor with_past(const Case& c, const char* past, const Tensor& fresh) {
  const int64_t held = c.call.at("past").integer();
  if (held == 0) return fresh;
  const Tensor all = empty({fresh.size(0), held + fresh.size(1), fresh.size(2), fresh.size(3)},
                           {fresh.dtype(), fresh.device()});
  copy_(all.slice(1, 0, held), c[past].transpose(1, 2));
  const std::vector<int32_t> first(static_cast<size_t>(fresh.size(0)), static_cast<int32_t>(held));
  write_rows_(all, fresh, from_values(first, {fresh.size(0)}, {i32, fresh.device()}));
  return all;
}

Tensor key_ends(const Case& c, int64_t batch, int64_t queries, Device device) {
  const bool causal = c.call.at("causal").boolean();
  std::vector<int32_t> ends;
  for (const JsonView& length : c.call.at("kv_lengths").elements()) {
    const int64_t n = length.integer();
    for (int64_t t = 0; t < queries; ++t) {
      ends.push_back(static_cast<int32_t>(causal ? n - queries + t + 1 : n));
    }
  }
  return from_values(ends, {batch, queries}, {i32, device});
}

Outcome run_attention(const Case& c) {
  const Tensor q = heads_of(c, c["Q"], "heads");
  const Tensor k = with_past(c, "past_key", heads_of(c, c["K"], "kv_heads"));
  const Tensor v = with_past(c, "past_value", heads_of(c, c["V"], "kv_heads"));
  const float scale = static_cast<float>(c.call.at("scale").number());
  const int64_t batch = q.size(0), queries = q.size(1), d = q.size(3);
  Tensor y = attention(q, k, v, zeros({batch, queries}, {i32, q.device()}),
                       key_ends(c, batch, queries, q.device()), {scale});
  if (c.tensors.contains("present_key")) {
    expect_same_bits(k.transpose(1, 2), c["present_key"]);
    expect_same_bits(v.transpose(1, 2), c["present_value"]);
  }
  const double width = static_cast<double>(d), keys = static_cast<double>(k.size(1));
  const double exponent = width * std::abs(scale) * width * largest(q) * largest(k);
  const bool split = c.call.at("layout").string() == "BHTD";
  return {split ? y.transpose(1, 2) : y.reshape(c.output().shape()), keys + width + 16 + exponent,
          largest(v)};
}

Outcome run_case(const Case& c) {
  const std::string op(c.call.at("op").string());
  if (op == "matmul") return run_matmul(c);
  if (op == "softmax") return run_softmax(c);
  if (op == "layer_norm" || op == "rms_norm") return run_norm(c, op == "layer_norm");
  if (op == "rope") return run_rope(c);
  if (op == "gelu") return run_gelu(c);
  if (op == "attention") return run_attention(c);
  c.call.fail("which this test does not know");
}

Tensor tensor_of(const JsonView& entry, const io::Safetensors& file, Device device) {
  std::vector<int64_t> sizes;
  for (const JsonView& size : entry.at("shape").elements()) sizes.push_back(size.integer());
  const Shape shape{std::span<const int64_t>(sizes)};
  if (const auto values = entry.find("values")) {
    std::vector<int32_t> ints;
    for (const JsonView& v : values->elements()) ints.push_back(static_cast<int32_t>(v.integer()));
    return from_values(ints, shape, {i32, device});
  }
  const io::HostTensor& t = file.tensors.at(std::string(entry.at("tensor").string()));
  return from_bytes(t.data, shape, {t.dtype, device});
}

void expect_outcome(const Outcome& got, const Tensor& expected) {
  ASSERT_EQ(got.y.dtype(), expected.dtype());
  const double u = unit_roundoff(expected.dtype());
  expect_close(got.y, expected, [&](size_t, double e) {
    const double own = 2 * rounding_bound(expected.dtype(), got.roundings, got.magnitude, e);
    return expected.dtype() == f32 ? own : own + 8 * u * (1 + std::abs(e));
  });
}

const std::string kFolder = std::string(PEWTER_DATA_DIR) + "/golden/onnx/";

io::Json read_index() {
  const io::FileBytes file = io::map_file(kFolder + "index.json");
  return io::parse_json("index.json", file.text());
}

DEVICE_TEST(Onnx, CasesGiveTheSameNumbers) {
  const io::Json index = read_index();
  const auto file = io::read_safetensors(kFolder + "cases.safetensors");
  std::map<std::string, int> ran;
  for (const JsonView& entry : JsonView("index.json", index).at("cases").elements()) {
    SCOPED_TRACE(std::string(entry.at("name").string()));
    Case c{entry.at("call"), {}};
    for (const JsonView& t : entry.at("tensors").elements()) {
      c.tensors[std::string(t.at("name").string())] = tensor_of(t, file, device);
    }
    expect_outcome(run_case(c), c.output());
    ++ran[std::string(entry.at("op").string())];
  }
  const std::map<std::string, int> all = {
      {"Attention", 22},          {"Gelu", 4},           {"Gemm", 11},
      {"LayerNormalization", 19}, {"MatMul", 7},         {"Softmax", 7},
      {"RMSNormalization", 19},   {"RotaryEmbedding", 5}};
  EXPECT_EQ(ran, all);
}

TEST(Onnx, CasesLeftOutAreThoseListed) {
  const io::Json index = read_index();
  std::map<std::string, std::set<std::string>> found;
  for (const JsonView& entry : JsonView("index.json", index).at("left_out").elements()) {
    found[std::string(entry.at("reason").string())].insert(std::string(entry.at("name").string()));
  }
  EXPECT_EQ(found, onnx_left_out());
}

}  // namespace
}  // namespace pewter::test
