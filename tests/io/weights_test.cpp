// Models from GGUF and from Hugging Face folders come out the same: names, shapes, row order, rope
// factors; and what is missing, superfluous, misshapen or not supported is named.
#include "io/weights.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "io/json_file.h"
#include "io/safetensors.h"
#include "io/small_tokenizer.h"
#include "io/support.h"

namespace pewter::io {
namespace {

// Width 8, 4 heads of 2 ... small, but every dimension is another number.
struct Shape {
  uint64_t vocabulary = 270, width = 24, layers = 2, heads = 3, kv_heads = 1, head_dim = 8,
           ffn = 10;
};

// The values of a tensor, different for every tensor and element and exact in f32.
std::vector<float> values_of(std::string_view name, uint64_t count) {
  float seed = 0;
  for (char c : name) seed = std::fmod(seed * 31 + static_cast<float>(c), 257.0f);
  std::vector<float> out(count);
  for (uint64_t i = 0; i < count; ++i) out[i] = seed + static_cast<float>(i) / 4096;
  return out;
}

// Rows as llama.cpp's converter stores them: within a head, row i of the first half goes to 2i, row
// i of the second half to 2i + 1.
std::vector<float> permuted(const std::vector<float>& rows, uint64_t heads, uint64_t head_dim,
                            uint64_t columns) {
  std::vector<float> out;
  for (uint64_t h = 0; h < heads; ++h)
    for (uint64_t i = 0; i < head_dim / 2; ++i)
      for (uint64_t half = 0; half < 2; ++half) {
        const uint64_t row = h * head_dim + half * head_dim / 2 + i;
        out.insert(out.end(), rows.begin() + static_cast<std::ptrdiff_t>(row * columns),
                   rows.begin() + static_cast<std::ptrdiff_t>((row + 1) * columns));
      }
  return out;
}

class GgufModel {
 public:
  explicit GgufModel(std::string architecture = "llama", float theta = 5000)
      : arch_(std::move(architecture)) {
    file = SmallTokenizer().gguf();
    file.string("general.architecture", arch_);
    u32("embedding_length", s.width), u32("block_count", s.layers);
    u32("attention.head_count", s.heads), u32("attention.head_count_kv", s.kv_heads);
    u32("feed_forward_length", s.ffn), u32("context_length", 64);
    file.f32(arch_ + ".attention.layer_norm_rms_epsilon", 1e-5f);
    file.f32(arch_ + ".rope.freq_base", theta);
  }

  void u32(const std::string& key, uint64_t value) {
    file.u32(arch_ + "." + key, static_cast<uint32_t>(value));
  }

  // `name` is Hugging Face's, from which the values come.
  void add(const std::string& gguf, const std::string& name, uint64_t rows, uint64_t columns,
           uint64_t permute_heads = 0) {
    if (gguf == skip) return;
    std::vector<float> values = values_of(name, rows * columns);
    if (permute_heads && arch_ == "llama")
      values = permuted(values, permute_heads, s.head_dim, columns);
    std::vector<uint64_t> dims = {columns, rows};
    if (rows == 1) dims = {columns};
    if (gguf == misshape) dims = {columns * rows, 1};
    file.tensor(gguf, dims, 0, bytes_of(values));
  }

  std::string bytes() {
    const uint64_t q = s.heads * s.head_dim, kv = s.kv_heads * s.head_dim;
    add("token_embd.weight", "model.embed_tokens.weight", s.vocabulary, s.width);
    add("output_norm.weight", "model.norm.weight", 1, s.width);
    if (!tied) add("output.weight", "lm_head.weight", s.vocabulary, s.width);
    for (uint64_t i = 0; i < s.layers; ++i) {
      const std::string g = fmt::format("blk.{}.", i), h = fmt::format("model.layers.{}.", i);
      add(g + "attn_norm.weight", h + "input_layernorm.weight", 1, s.width);
      add(g + "attn_q.weight", h + "self_attn.q_proj.weight", q, s.width, s.heads);
      add(g + "attn_k.weight", h + "self_attn.k_proj.weight", kv, s.width, s.kv_heads);
      add(g + "attn_v.weight", h + "self_attn.v_proj.weight", kv, s.width);
      add(g + "attn_output.weight", h + "self_attn.o_proj.weight", s.width, q);
      add(g + "ffn_norm.weight", h + "post_attention_layernorm.weight", 1, s.width);
      add(g + "ffn_gate.weight", h + "mlp.gate_proj.weight", s.ffn, s.width);
      add(g + "ffn_up.weight", h + "mlp.up_proj.weight", s.ffn, s.width);
      add(g + "ffn_down.weight", h + "mlp.down_proj.weight", s.width, s.ffn);
      if (arch_ != "qwen2") continue;
      add(g + "attn_q.bias", h + "self_attn.q_proj.bias", 1, q);
      add(g + "attn_k.bias", h + "self_attn.k_proj.bias", 1, kv);
      add(g + "attn_v.bias", h + "self_attn.v_proj.bias", 1, kv);
    }
    return file.bytes();
  }

  ModelFiles open() {
    TempFolder temp;
    write_text(temp / "m.gguf", bytes());
    return open_model(temp / "m.gguf");
  }

  Shape s;
  GgufBuilder file;
  bool tied = true;
  std::string skip, misshape;

 private:
  std::string arch_;
};

void expect_tensors(const ModelFiles& model) {
  const auto names = tensor_names(model.config());
  EXPECT_EQ(model.tensors().size(), names.size());
  for (const std::string& name : names) {
    const HostTensor& tensor = model.tensor(name);
    EXPECT_EQ(tensor.shape, expected_shape(model.config(), name)) << name;
    EXPECT_EQ(to_f32(tensor), values_of(name, static_cast<uint64_t>(tensor.values()))) << name;
  }
}

std::vector<HostTensor> all_tensors(const ModelFiles& model) {
  std::vector<HostTensor> out;
  for (const auto& [name, tensor] : model.tensors()) out.push_back(tensor);
  return out;
}

TEST(Model, FromGgufInHuggingFaceOrder) {
  for (const char* architecture : {"llama", "qwen2"})
    for (const bool tied : {true, false}) {
      SCOPED_TRACE(architecture);
      GgufModel source(architecture);
      source.tied = tied;
      const ModelFiles model = source.open();
      const ModelConfig& c = model.config();
      EXPECT_EQ(c.architecture, architecture);
      EXPECT_EQ(c.tied_embeddings, tied);
      EXPECT_EQ(c.qkv_bias, c.architecture == "qwen2");
      EXPECT_EQ(c.vocab_size, 270);
      EXPECT_EQ(c.head_dim, 8);
      EXPECT_EQ(c.n_kv_heads, 1);
      EXPECT_EQ(c.rms_eps, 1e-5f);
      EXPECT_EQ(c.rope_theta, 5000);
      EXPECT_EQ(c.max_context, 64);
      EXPECT_TRUE(c.rope_factors.empty());
      expect_tensors(model);
      EXPECT_EQ(model.tokenizer().vocab_size(), 267);
      expect_error(ErrorCode::argument, {"no tensor 'x'"}, [&] { model.tensor("x"); });
    }
}

TEST(Model, QuantisedRowsArePermutedWhole) {
  // Row r of q_proj is r in all columns: a Q8_0 block with scale 1 and all its values r.
  std::vector<float> rows(32);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i);
  std::string data;
  for (float row : permuted(rows, 4, 8, 1))
    data += std::string("\x00\x3c", 2) + std::string(32, static_cast<char>(row));
  GgufModel wide;
  wide.s.width = 32, wide.s.heads = 4;
  wide.skip = "blk.0.attn_q.weight";
  wide.file = SmallTokenizer().gguf();
  wide.file.string("general.architecture", "llama");
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, uint64_t>>{{"embedding_length", 32},
                                                     {"block_count", 2},
                                                     {"attention.head_count", 4},
                                                     {"attention.head_count_kv", 1},
                                                     {"feed_forward_length", 10},
                                                     {"context_length", 64}})
    wide.u32(key, value);
  wide.file.f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  wide.file.tensor("blk.0.attn_q.weight", {32, 32}, 8, data);
  const ModelFiles model = wide.open();
  const HostTensor& q = model.tensor("model.layers.0.self_attn.q_proj.weight");
  EXPECT_EQ(q.dtype, DType::q8_0);
  const std::vector<float> values = to_f32(q);
  for (size_t row = 0; row < 32; ++row)
    for (size_t column = 0; column < 32; ++column)
      EXPECT_EQ(values[32 * row + column], static_cast<float>(row));
}

TEST(Model, ToAFolderAndBack) {
  for (const char* architecture : {"llama", "qwen2"})
    for (const bool tied : {true, false}) {
      SCOPED_TRACE(architecture);
      GgufModel source(architecture);
      source.tied = tied;
      const ModelFiles first = source.open();
      TempFolder temp;
      const auto folder = temp / "a/model";
      write_model_folder(folder, first.config(), first.tokenizer(), all_tensors(first));
      const ModelFiles second = open_model(folder);
      expect_tensors(second);
      EXPECT_EQ(second.config().rms_eps, first.config().rms_eps);
      EXPECT_EQ(second.config().rope_theta, first.config().rope_theta);
      EXPECT_EQ(second.config().tied_embeddings, tied);
      EXPECT_EQ(second.config().max_context, 64);
      EXPECT_EQ(second.tokenizer().to_json(), first.tokenizer().to_json());
      EXPECT_EQ(second.tokenizer().eos(), first.tokenizer().eos());
      EXPECT_EQ(second.tokenizer().end_of_generation(), first.tokenizer().end_of_generation());
    }
}

// Llama 3's scaling as its authors define it, in double, pair by pair.
double llama3_factor(double theta, int64_t i, int64_t head_dim, double factor, double low,
                     double high, double original) {
  const double frequency =
      std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength < original / high) return 1;
  if (wavelength > original / low) return factor;
  const double smooth = (original / wavelength - low) / (high - low);
  return frequency / ((1 - smooth) * frequency / factor + smooth * frequency);
}

TEST(Model, RopeScalingSurvivesBothFormats) {
  ModelConfig c;
  c.head_dim = 128;
  c.rope_theta = 500000;
  c.rope_scaling = RopeScaling::llama3;
  c.rope_factor = 32, c.rope_low_freq_factor = 1, c.rope_high_freq_factor = 4;
  c.rope_original_context = 8192;
  const std::vector<float> factors = make_rope_factors(c);
  ASSERT_EQ(factors.size(), 64u);
  for (int64_t i = 0; i < 64; ++i) {
    const double expected = llama3_factor(500000, i, 128, 32, 1, 4, 8192);
    // A handful of double operations, then one rounding to f32.
    EXPECT_NEAR(factors[static_cast<size_t>(i)], expected,
                expected * std::numeric_limits<float>::epsilon());
  }
  EXPECT_EQ(factors.front(), 1);
  EXPECT_EQ(factors.back(), 32);
  // In GGUF the factors are a tensor; the four numbers behind them are found again.
  GgufModel source("llama", 500000);
  ModelConfig small = c;
  small.head_dim = 8;
  source.file.tensor("rope_freqs.weight", {4}, 0, bytes_of(make_rope_factors(small)));
  const ModelFiles model = source.open();
  EXPECT_EQ(model.config().rope_scaling, RopeScaling::llama3);
  EXPECT_EQ(model.config().rope_factors, make_rope_factors(small));
  EXPECT_EQ(model.config().rope_factor, 32);
  EXPECT_EQ(model.config().rope_original_context, 8192);
  TempFolder temp;
  write_model_folder(temp / "m", model.config(), model.tokenizer(), all_tensors(model));
  EXPECT_EQ(open_model(temp / "m").config().rope_factors, make_rope_factors(small));
  // Factors of no known scaling work, but config.json has no words for them.
  GgufModel odd;
  odd.file.tensor("rope_freqs.weight", {4}, 0, bytes_of<float>({1, 2, 3, 3.5}));
  const ModelFiles other = odd.open();
  EXPECT_EQ(other.config().rope_factors, (std::vector<float>{1, 2, 3, 3.5}));
  expect_error(ErrorCode::argument, {"config.json cannot describe them"}, [&] {
    write_model_folder(temp / "n", other.config(), other.tokenizer(), all_tensors(other));
  });
  GgufModel linear;
  linear.file.string("llama.rope.scaling.type", "linear").f32("llama.rope.scaling.factor", 4);
  EXPECT_EQ(linear.open().config().rope_factors, std::vector<float>(4, 4.0f));
}

TEST(Model, GgufNamesWhatIsWrong) {
  const auto refused = [](const std::string& message,
                          const std::function<void(GgufModel&)>& change) {
    SCOPED_TRACE(message);
    GgufModel model;
    change(model);
    expect_error(ErrorCode::format, {"m.gguf", message}, [&] { model.open(); });
  };
  refused("tensor 'blk.1.ffn_up.weight' is missing",
          [](GgufModel& m) { m.skip = "blk.1.ffn_up.weight"; });
  refused("tensor 'token_embd.weight' is missing",
          [](GgufModel& m) { m.skip = "token_embd.weight"; });
  refused("'blk.0.attn_q.weight' has shape [1, 576], expected [24, 24]",
          [](GgufModel& m) { m.misshape = "blk.0.attn_q.weight"; });
  refused("'blk.0.attn_v.weight' has shape",
          [](GgufModel& m) { m.misshape = "blk.0.attn_v.weight"; });
  refused("tensor 'blk.0.extra.weight' does not belong",
          [](GgufModel& m) { m.add("blk.0.extra.weight", "x", 2, 2); });
  refused("tensor 'blk.2.attn_q.weight' does not belong",
          [](GgufModel& m) { m.add("blk.2.attn_q.weight", "x", 24, 24); });
  refused("tensor 'blk.00.attn_q.weight' does not belong",
          [](GgufModel& m) { m.add("blk.00.attn_q.weight", "x", 24, 24); });
  refused("two tensors stand for", [](GgufModel& m) { m.add("model.norm.weight", "x", 1, 24); });
  refused("rope.scaling.type 'yarn' is not supported",
          [](GgufModel& m) { m.file.string("llama.rope.scaling.type", "yarn"); });
  refused("experts are not supported", [](GgufModel& m) { m.u32("expert_count", 8); });
  refused("llama.rope.dimension_count is 4",
          [](GgufModel& m) { m.u32("rope.dimension_count", 4); });
  refused("rope factor -1", [](GgufModel& m) {
    m.file.tensor("rope_freqs.weight", {4}, 0, bytes_of<float>({1, 1, 1, -1}));
  });
  refused("3 rope factors, expected 4", [](GgufModel& m) {
    m.file.tensor("rope_freqs.weight", {3}, 0, bytes_of<float>({1, 1, 1}));
  });
  refused("the tokenizer has 267 tokens, the embedding 20 rows",
          [](GgufModel& m) { m.s.vocabulary = 20; });
}

// One field of the metadata wrong at a time.
TEST(Model, GgufChecksItsNumbers) {
  const std::vector<std::tuple<std::string, uint32_t, std::string>> cases = {
      {"embedding_length", 0, "width is 0"},
      {"embedding_length", 25, "width 25 is not a multiple of 3 heads"},
      {"block_count", 0, "number of layers is 0"},
      {"block_count", 60000, "60000 layers but"},
      {"block_count", 4000000000u, "number of layers is 4000000000"},
      {"attention.head_count", 0, "not a multiple of 0 heads"},
      {"attention.head_count_kv", 0, "key/value heads is 0"},
      {"attention.head_count_kv", 2, "not a multiple of 2"},
      {"attention.head_count_kv", 4, "key/value heads is 4"},
      {"feed_forward_length", 0, "feed-forward width is 0"},
      {"context_length", 0, "context length is 0"},
      {"attention.key_length", 7, "head dimension 7 is odd"},
  };
  for (const auto& [key, value, message] : cases) {
    SCOPED_TRACE(key);
    GgufModel model;
    GgufBuilder changed = SmallTokenizer().gguf();
    changed.string("general.architecture", "llama");
    changed.f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    bool found = false;
    for (const auto& [known, standard] :
         std::vector<std::pair<std::string, uint32_t>>{{"embedding_length", 24},
                                                       {"block_count", 2},
                                                       {"attention.head_count", 3},
                                                       {"attention.head_count_kv", 1},
                                                       {"feed_forward_length", 10},
                                                       {"context_length", 64}}) {
      found |= known == key;
      changed.u32("llama." + known, known == key ? value : standard);
    }
    if (!found) changed.u32("llama." + key, value);
    model.file = changed;
    expect_error(ErrorCode::format, {"m.gguf", message}, [&] { model.open(); });
  }
  for (const float bad : {0.0f, -1.0f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    GgufModel model;
    model.file.f32("llama.rope.scaling.factor", bad).string("llama.rope.scaling.type", "linear");
    expect_error(ErrorCode::format, {"m.gguf", "factor"}, [&] { model.open(); });
  }
  expect_error(ErrorCode::format, {"architecture 'mamba' is not supported"},
               [] { GgufModel("mamba").open(); });
}

// A folder with one field of config.json changed.
TEST(Model, FolderNamesWhatIsWrong) {
  const ModelFiles model = GgufModel().open();
  TempFolder temp;
  write_model_folder(temp.path(), model.config(), model.tokenizer(), all_tensors(model));
  const Json good = Json::parse(read_text(temp / "config.json"));
  const std::vector<std::tuple<std::string, Json, std::string>> cases = {
      {"model_type", "gpt_neox", "'model_type' is \"gpt_neox\""},
      {"hidden_act", "gelu", "only silu"},
      {"attention_bias", true, "'attention_bias' is true"},
      {"mlp_bias", true, "'mlp_bias' is true"},
      {"use_sliding_window", true, "'use_sliding_window' is true"},
      {"quantization_config", {{"bits", 4}}, "quantization_config"},
      {"layer_types", {"full_attention", "sliding_attention"}, "'layer_types[1]'"},
      {"hidden_size", nullptr, "'hidden_size' is missing"},
      {"hidden_size", -4, "'hidden_size' is -4"},
      {"hidden_size", "24", "expected an integer"},
      {"hidden_size", 32, "has shape [270, 24], expected [270, 32]"},
      {"head_dim", 6,
       "'model.layers.0.self_attn.q_proj.weight' has shape [24, 24], expected [18, 24]"},
      {"num_hidden_layers", 3, "tensor 'model.layers.2.input_layernorm.weight' is missing"},
      {"num_hidden_layers", 1, "tensor 'model.layers.1.input_layernorm.weight' does not belong"},
      {"num_hidden_layers", 1000000000000, "number of layers"},
      {"rms_norm_eps", 0, "RMS norm epsilon is 0"},
      {"rope_theta", -1.5, "rope theta is -1.5"},
      {"tie_word_embeddings", false, "tensor 'lm_head.weight' is missing"},
      {"vocab_size", 100, "expected [100, 24]"},
      {"rope_scaling",
       {{"rope_type", "yarn"}, {"factor", 2}},
       "'rope_scaling.rope_type' is \"yarn\""},
      {"rope_scaling", {{"type", "linear"}}, "'rope_scaling.factor' is missing"},
      {"rope_scaling", {{"type", "linear"}, {"factor", 0}}, "expected a number above 0"},
      {"rope_scaling",
       {{"rope_type", "llama3"},
        {"factor", 8},
        {"low_freq_factor", 4},
        {"high_freq_factor", 4},
        {"original_max_position_embeddings", 8192}},
       "high_freq_factor must be above"},
  };
  for (const auto& [field, value, message] : cases) {
    SCOPED_TRACE(field + " " + value.dump());
    Json config = good;
    config[field] = value;
    write_text(temp / "config.json", config.dump());
    expect_error(ErrorCode::format, {temp.path().string(), message},
                 [&] { open_model(temp.path()); });
  }
  // transformers 5 puts theta and scaling into rope_parameters.
  Json config = good;
  config.erase("rope_theta");
  config["rope_parameters"] = {{"rope_type", "linear"}, {"factor", 2.0}, {"rope_theta", 7000.0}};
  write_text(temp / "config.json", config.dump());
  EXPECT_EQ(open_model(temp.path()).config().rope_theta, 7000);
  EXPECT_EQ(open_model(temp.path()).config().rope_factors, std::vector<float>(4, 2.0f));
  // A folder without tokenizer.json is a model too: of token ids.
  for (const char* file : {"config.json", "model.safetensors"}) {
    std::filesystem::rename(temp / file, temp / "away");
    expect_error(ErrorCode::io, {file}, [&] { open_model(temp.path()); });
    std::filesystem::rename(temp / "away", temp / file);
  }
  std::filesystem::remove(temp / "tokenizer.json");
  std::filesystem::create_symlink("tokenizer.json", temp / "tokenizer.json");
  expect_error(ErrorCode::io, {"tokenizer.json", "symbolic links"},
               [&] { open_model(temp.path()); });
}

}  // namespace
}  // namespace pewter::io
