// Training as PEFT + PyTorch does it: twenty AdamW steps from PEFT's own start on the same examples
// (tools/golden/lora_peft.py). The golden numbers are from double precision; beside them stands
// what PyTorch itself computes in f32. How far a sound f32 run strays cannot be bounded tightly
// ahead: AdamW divides by the root of the gradient's square, so an element whose gradient is nearly
// nothing may step either way. It can be measured, though: PyTorch's distance from the truth is one
// draw of that error, and ours, with other orders of summation, another of the same size. Eight
// times the largest of twenty such draws is the bound.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "io/safetensors.h"
#include "model/model_impl.h"
#include "support.h"
#include "train/optimizer.h"
#include "train/step.h"

namespace pewter {
namespace {

using Json = nlohmann::json;

constexpr double kDraws = 8;
const std::string kFolder = std::string(PEWTER_DATA_DIR) + "/golden/lora/";

Json golden_run() { return Json::parse(test::read_text(kFolder + "run.json")); }

std::vector<double> difference(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out;
  for (size_t i = 0; i < a.size(); ++i) out.push_back(std::abs(a[i] - b[i]));
  return out;
}

double largest(const std::vector<double>& values) {
  return *std::max_element(values.begin(), values.end());
}

double norm(const std::vector<double>& values) {
  double sum = 0;
  for (double v : values) sum += v * v;
  return std::sqrt(sum);
}

std::vector<double> values_of(const io::HostTensor& t) {
  const auto f = io::to_f32(t);
  return {f.begin(), f.end()};
}

std::vector<Document> documents_of(const Json& batch) {
  std::vector<Document> documents;
  for (const Json& example : batch) {
    Document d;
    d.ids = example["ids"].get<std::vector<int32_t>>();
    for (const Json& label : example["labels"]) d.counted.push_back(label.get<int>() >= 0);
    documents.push_back(std::move(d));
  }
  return documents;
}

TrainOptions options_of(const Json& settings) {
  TrainOptions o;
  o.learning_rate = settings["lr"];
  o.beta1 = settings["beta1"];
  o.beta2 = settings["beta2"];
  o.eps = settings["eps"];
  o.weight_decay = settings["weight_decay"];
  o.clip = settings["clip"];
  return o;
}

struct Trained {
  std::vector<double> losses, norms;
};

Trained twenty_steps(Model& model, const Json& run) {
  const TrainOptions options = options_of(run["settings"]);
  Optimizer optimizer(model, options);
  Trained out;
  uint64_t counter = 0;
  for (const Json& batch : run["batches"]) {
    const std::vector<Document> documents = documents_of(batch);
    std::vector<const Document*> chosen;
    for (const Document& d : documents) chosen.push_back(&d);
    const StepResult step =
        forward_backward(model.impl().decoder, chosen, {.seq_len = 128}, &counter);
    out.losses.push_back(step.loss);
    out.norms.push_back(optimizer.gradient_norm());
    optimizer.step(static_cast<int64_t>(out.losses.size()), options.learning_rate,
                   out.norms.back());
    optimizer.clear_gradients();
  }
  return out;
}

void expect_within(const std::vector<double>& ours, const Json& run, const std::string& what) {
  const auto truth = run[what].get<std::vector<double>>();
  const auto torch = run[what + ".f32"].get<std::vector<double>>();
  ASSERT_EQ(ours.size(), truth.size());
  EXPECT_LE(largest(difference(ours, truth)), kDraws * largest(difference(torch, truth))) << what;
}

TEST(Peft, TwentyStepsEndWherePytorchsEnd) {
  const Json run = golden_run();
  Model model = Model::load(kFolder + "model", {.device = "cpu"});
  model.load_adapter(kFolder + "adapter-initial", true);
  const Trained trained = twenty_steps(model, run);
  expect_within(trained.losses, run, "losses");
  expect_within(trained.norms, run, "grad_norms");

  const io::Safetensors golden = io::read_safetensors(kFolder + "run.safetensors");
  for (const auto& [name, tensor] : model.trainable()) {
    const auto truth = values_of(golden.tensors.at("final.base_model.model." + name));
    const auto torch = values_of(golden.tensors.at("final.f32.base_model.model." + name));
    const auto ours = tensor.to_vector<double>();
    ASSERT_EQ(ours.size(), truth.size()) << name;
    // Of the whole matrix, where single elements may go either way.
    EXPECT_LE(norm(difference(ours, truth)),
              kDraws * norm(difference(torch, truth)) + 0x1p-24 * norm(truth))
        << name;
  }
}

// Sums of at most 128 f32 terms in two blocks of eight products each, relative to the largest.
void expect_logits(const Model& model, const io::HostTensor& golden, const Json& run) {
  const auto truth = values_of(golden);
  const auto ours = model.logits(run["test_ids"].get<std::vector<int32_t>>()).to_vector<double>();
  ASSERT_EQ(ours.size(), truth.size());
  double most = 0;
  for (double v : truth) most = std::max(most, std::abs(v));
  EXPECT_LE(largest(difference(ours, truth)), 128 * 2 * 8 * 0x1p-24 * most);
}

TEST(Peft, ItsAdaptersGiveItsLogits) {
  const Json run = golden_run();
  const io::Safetensors golden = io::read_safetensors(kFolder + "run.safetensors");
  Model before = Model::load(kFolder + "model", {.device = "cpu"});
  before.load_adapter(kFolder + "adapter-initial");
  expect_logits(before, golden.tensors.at("logits_before"), run);
  Model after = Model::load(kFolder + "model", {.device = "cpu"});
  after.load_adapter(kFolder + "adapter");
  expect_logits(after, golden.tensors.at("logits_after"), run);
}

// What PEFT itself wrote for the same request: every tensor of the same name, type and shape; every
// field that pewter writes is one of PEFT's and says the same. That PEFT gives pewter's logits with
// such a folder is tools/golden/check_adapter_in_peft.py's.
TEST(Peft, WrittenAdaptersLookLikeIts) {
  const test::TempFolder folder;
  Model model = Model::load(kFolder + "model", {.device = "cpu"});
  model.add_lora({.rank = 8, .alpha = 16});
  model.save_adapter(folder / "adapter");

  const auto described = [](const std::string& path) {
    std::map<std::string, std::string> out;
    for (const auto& [name, t] : io::read_safetensors(path).tensors) {
      out[name] = fmt::format("{} {}", to_string(t.dtype), io::shape_string(t.shape));
    }
    return out;
  };
  EXPECT_EQ(described(folder / "adapter/adapter_model.safetensors"),
            described(kFolder + "adapter/adapter_model.safetensors"));

  const Json ours = Json::parse(test::read_text(folder / "adapter/adapter_config.json"));
  const Json theirs = Json::parse(test::read_text(kFolder + "adapter/adapter_config.json"));
  for (const auto& [field, value] : ours.items()) {
    ASSERT_TRUE(theirs.contains(field)) << field;
    if (field == "base_model_name_or_path" || field == "target_modules") continue;
    EXPECT_EQ(value, theirs[field]) << field;
  }
  // Names, where PEFT has whole paths: each of its paths ends in one of them, and none is idle.
  std::set<std::string> used;
  for (const std::string path : theirs["target_modules"]) {
    used.insert(path.substr(path.rfind('.') + 1));
  }
  EXPECT_EQ(ours["target_modules"].get<std::set<std::string>>(), used);
}

}  // namespace
}  // namespace pewter
