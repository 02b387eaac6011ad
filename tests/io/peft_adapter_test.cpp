// Adapters that PEFT wrote (data/golden/peft_adapter/, made by tools/golden/peft_adapter.py), the
// way back, and what must be refused.
#include "io/peft_adapter.h"

#include <cmath>
#include <limits>

#include "io/json_file.h"
#include "io/peft_adapter_parse.h"
#include "io/safetensors.h"
#include "io/support.h"

namespace pewter::io {
namespace {

// The sum of all elements of scale * B A, and the sum of their magnitudes for the error bound.
std::pair<double, double> sum_of_product(const LoraPair& pair) {
  const std::vector<float> a = to_f32(pair.a), b = to_f32(pair.b);
  const auto rank = static_cast<size_t>(pair.a.shape[0]), in = static_cast<size_t>(pair.a.shape[1]);
  double sum = 0, magnitude = 0;
  for (size_t o = 0; o < static_cast<size_t>(pair.b.shape[0]); ++o)
    for (size_t i = 0; i < in; ++i)
      for (size_t r = 0; r < rank; ++r) {
        const double term = pair.scale * b[o * rank + r] * a[r * in + i];
        sum += term;
        magnitude += std::abs(term);
      }
  return {sum, magnitude};
}

void expect_golden(const std::filesystem::path& folder, const Adapter& adapter) {
  const FileBytes file = map_file(folder / "expected.json");
  const Json json = parse_json(file.name, file.text());
  const JsonView modules = JsonView(file.name, json).at("modules");
  EXPECT_EQ(adapter.pairs.size(), modules.members().size());
  for (const LoraPair& pair : adapter.pairs) {
    SCOPED_TRACE(pair.module);
    const JsonView expected = modules.at(pair.module);
    EXPECT_DOUBLE_EQ(pair.scale, expected.at("scale").number());
    EXPECT_EQ(Json(pair.a.shape), expected.at("a").json());
    EXPECT_EQ(Json(pair.b.shape), expected.at("b").json());
    const auto [sum, magnitude] = sum_of_product(pair);
    // Both sides round each product and each addition of a sum of n terms in double.
    const double terms = static_cast<double>(pair.a.values() * pair.b.shape[0]);
    const double bound = 2 * (terms + 2) * std::numeric_limits<double>::epsilon() * magnitude;
    EXPECT_NEAR(sum, expected.at("sum").number(), bound);
  }
}

TEST(PeftAdapter, ReadsWhatPeftWrites) {
  for (const std::string name : {"plain", "patterns", "regex", "layers"}) {
    SCOPED_TRACE(name);
    const auto folder = golden("peft_adapter") / name;
    expect_golden(folder, read_peft_adapter(folder));
  }
  const Adapter plain = read_peft_adapter(golden("peft_adapter/plain"));
  EXPECT_EQ(plain.config.rank, 4);
  EXPECT_EQ(plain.config.alpha, 8);
  EXPECT_EQ(plain.config.targets, (std::vector<std::string>{"down_proj", "q_proj", "v_proj"}));
  const Adapter patterns = read_peft_adapter(golden("peft_adapter/patterns"));
  EXPECT_TRUE(patterns.config.rslora);
  EXPECT_EQ(patterns.config.dropout, 0.25);
  EXPECT_EQ(patterns.config.rank_pattern.at("down_proj"), 2);
  EXPECT_EQ(patterns.config.alpha_pattern.at(".*mlp\\.gate_proj"), 1.5);
  const Adapter regex = read_peft_adapter(golden("peft_adapter/regex"));
  EXPECT_EQ(regex.config.rank, 8);  // PEFT's defaults
  EXPECT_EQ(regex.config.alpha, 8);
  EXPECT_EQ(regex.config.target_pattern, ".*layers\\.1\\.(self_attn|mlp)\\.(o_proj|up_proj)");
  // layers_to_transform is not kept; the modules it chose are.
  const Adapter layers = read_peft_adapter(golden("peft_adapter/layers"));
  EXPECT_EQ(layers.config.targets, (std::vector<std::string>{"model.layers.1.mlp.gate_proj",
                                                             "model.layers.1.self_attn.k_proj"}));
}

TEST(PeftAdapter, WritesWhatItReads) {
  for (const std::string name : {"plain", "patterns", "regex", "layers"}) {
    SCOPED_TRACE(name);
    TempFolder temp;
    const Adapter first = read_peft_adapter(golden("peft_adapter") / name);
    const auto folder = temp / "new/folder";
    write_peft_adapter(folder, first);
    write_peft_adapter(folder, first);  // over an earlier one
    const Adapter again = read_peft_adapter(folder);
    expect_golden(golden("peft_adapter") / name, again);
    EXPECT_EQ(again.config.targets, first.config.targets);
    EXPECT_EQ(again.config.target_pattern, first.config.target_pattern);
    EXPECT_EQ(again.config.rank_pattern, first.config.rank_pattern);
    EXPECT_EQ(again.config.alpha_pattern, first.config.alpha_pattern);
    EXPECT_EQ(again.config.rslora, first.config.rslora);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 2);
  }
}

TEST(PeftAdapter, AllLinearIsWrittenAsNames) {
  TempFolder temp;
  Adapter adapter = read_peft_adapter(golden("peft_adapter/plain"));
  adapter.config.targets = {"all-linear"};
  adapter.config.alpha = 2.5;
  adapter.config.base_model = "some/model";
  write_peft_adapter(temp.path(), adapter);
  const Json json = Json::parse(read_text(temp / "adapter_config.json"));
  EXPECT_EQ(json["target_modules"], (Json{"down_proj", "q_proj", "v_proj"}));
  EXPECT_EQ(json["lora_alpha"], 2.5);
  EXPECT_EQ(json["base_model_name_or_path"], "some/model");
  EXPECT_EQ(json["task_type"], "CAUSAL_LM");
}

// A minimal adapter of one module, with the given configuration and tensors.
struct Small {
  Json config = {{"peft_type", "LORA"}, {"r", 2}, {"target_modules", {"q_proj"}}};
  std::vector<HostTensor> tensors;

  Small() { add("m.q_proj", {2, 3}, {4, 2}); }
  void add(const std::string& module, std::vector<int64_t> a, std::vector<int64_t> b) {
    put("base_model.model." + module + ".lora_A.weight", std::move(a));
    put("base_model.model." + module + ".lora_B.weight", std::move(b));
  }
  float* put(const std::string& name, std::vector<int64_t> shape) {
    std::byte* data = nullptr;
    tensors.push_back(make_host_tensor(name, DType::f32, std::move(shape), &data));
    return reinterpret_cast<float*>(data);
  }
  Adapter parse() const {
    TempFolder temp;
    write_safetensors(temp / "t.safetensors", tensors);
    return parse_peft_adapter(copy_bytes("adapter_config.json", config.dump()),
                              copy_bytes("adapter_model", read_text(temp / "t.safetensors")));
  }
};

TEST(PeftAdapter, ToleratesUnknownFields) {
  Small small;
  small.config["a_field_of_2031"] = {{"x", 1}};
  small.config["peft_version"] = "9.9.9";
  small.config["use_dora"] = false;
  small.config["modules_to_save"] = nullptr;
  small.config["trainable_token_indices"] = Json::array();
  small.config["loftq_config"] = Json::object();
  EXPECT_EQ(small.parse().pairs.size(), 1u);
  EXPECT_EQ(small.parse().pairs[0].scale, 4);  // lora_alpha 8 over r 2
}

TEST(PeftAdapter, RefusesWhatChangesTheArithmetic) {
  const std::vector<std::pair<std::string, Json>> cases = {
      {"peft_type", "IA3"},
      {"use_dora", true},
      {"use_qalora", true},
      {"lora_bias", true},
      {"fan_in_fan_out", true},
      {"bias", "all"},
      {"modules_to_save", {"lm_head"}},
      {"trainable_token_indices", {1, 2}},
      {"target_parameters", {"experts"}},
      {"layer_replication", Json::array({Json::array({0, 1})})},
      {"alora_invocation_tokens", {1}},
      {"init_lora_weights", "pissa"},
      {"task_type", "SEQ_CLS"},
      {"r", 0},
      {"r", -4},
      {"r", 1e300},
      {"r", "8"},
      {"lora_dropout", 1.5},
      {"lora_alpha", "a"},
      {"rank_pattern", {{"q_proj", 0}}},
      {"target_modules", {1}},
  };
  for (const auto& [field, value] : cases) {
    SCOPED_TRACE(field + " " + value.dump());
    Small small;
    small.config[field] = value;
    expect_error(ErrorCode::format, {"adapter_config.json", field}, [&] { small.parse(); });
  }
  Small small;
  small.config.erase("peft_type");
  expect_error(ErrorCode::format, {"'peft_type' is missing"}, [&] { small.parse(); });
}

TEST(PeftAdapter, RefusesTensorsThatDoNotFit) {
  const auto refused = [](const std::string& message, const std::function<void(Small&)>& change) {
    SCOPED_TRACE(message);
    Small small;
    change(small);
    expect_error(ErrorCode::format, {"adapter_model", message}, [&] { small.parse(); });
  };
  refused("gives rank 3", [](Small& s) { s.config["r"] = 3; });
  refused("gives rank 1", [](Small& s) { s.config["rank_pattern"] = {{"q_proj", 1}}; });
  refused("has no lora_B", [](Small& s) { s.tensors.pop_back(); });
  refused("expected a matrix", [](Small& s) { s.add("m.k_proj", {2}, {4, 2}); });
  refused("expected a matrix", [](Small& s) { s.add("m.k_proj", {2, 0}, {4, 2}); });
  refused("not the lora_A or lora_B",
          [](Small& s) { s.put("base_model.model.x.lora_magnitude_vector", {2}); });
  refused("not the lora_A or lora_B", [](Small& s) { s.put("model.x.lora_A.weight", {2, 3}); });
  refused("not the lora_A or lora_B", [](Small& s) {
    s.put("base_model.model..lora_A.weight", {2, 3});
  });
  refused("not finite", [](Small& s) {
    s.put("base_model.model.m.v.lora_B.weight", {4, 2})[3] = std::nanf("");
    s.put("base_model.model.m.v.lora_A.weight", {2, 3});
  });
  refused("there is no tensor", [](Small& s) { s.tensors.clear(); });
  // As PEFT writes them: saved whole, adapted as an embedding, adapted as a linear layer.
  refused("changes embed_tokens", [](Small& s) {
    s.put("base_model.model.model.embed_tokens.weight", {4, 3});
  });
  refused("changes embed_tokens", [](Small& s) {
    s.put("base_model.model.model.embed_tokens.lora_embedding_A", {2, 3});
  });
  refused("changes lm_head", [](Small& s) {
    s.put("base_model.model.lm_head.lora_A.weight", {2, 3});
  });
  Small disagree;
  disagree.config["rank_pattern"] = {{"q_proj", 2}, {"m.q_proj", 4}};
  expect_error(ErrorCode::format, {"rank_pattern", "disagree"}, [&] { disagree.parse(); });
  Small bad_pattern;
  bad_pattern.config["alpha_pattern"] = {{"(q_proj", 2}};
  expect_error(ErrorCode::format, {"alpha_pattern", "(q_proj"}, [&] { bad_pattern.parse(); });
}

TEST(PeftAdapter, RefusesPickles) {
  TempFolder temp;
  write_text(temp / "adapter_config.json", R"({"peft_type": "LORA"})");
  expect_error(ErrorCode::io, {"adapter_model.safetensors", "No such file"},
               [&] { read_peft_adapter(temp.path()); });
  write_text(temp / "adapter_model.bin", "PK");
  expect_error(ErrorCode::format, {"adapter_model.bin", "pickle"},
               [&] { read_peft_adapter(temp.path()); });
}

}  // namespace
}  // namespace pewter::io
