// Small random models of each kind against transformers in double precision
// (tools/golden/lora_peft.py): Llama-3's rope scaling, Qwen2's biases, and PEFT's own adapters.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "io/safetensors.h"
#include "model/model_impl.h"
#include "model/placement.h"

namespace pewter {
namespace {

const std::string kFolder = std::string(PEWTER_DATA_DIR) + "/golden/lora/";

Tensor logits_of(Decoder& decoder, const std::vector<int32_t>& ids) {
  NoGrad off;
  const auto tokens = static_cast<int64_t>(ids.size());
  const Device device = decoder.device();
  const Tensor hidden = decoder.hidden(from_values(ids, {1, tokens}, {i32, device}),
                                       one_sequence(tokens, 0, device), {});
  return decoder.logits(hidden.reshape({tokens, decoder.config().width}));
}

// Two blocks of sums of at most 128 f32 terms: 2^-24 * 128 * 2 blocks * 8 products, relative to the
// largest logit.
void expect_logits(const Tensor& logits, const io::HostTensor& golden) {
  const auto expected = io::to_f32(golden);
  const auto actual = logits.to_vector<float>();
  ASSERT_EQ(actual.size(), expected.size());
  float largest = 0, difference = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    difference = std::max(difference, std::abs(actual[i] - expected[i]));
  }
  EXPECT_LE(difference, 128 * 2 * 8 * 0x1p-24f * largest);
}

struct TinyModel : ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(TinyModel, LogitsMatchTransformers) {
  const auto [name, device] = GetParam();
  const io::Safetensors golden = io::read_safetensors(kFolder + "logits.safetensors");
  const auto ids =
      nlohmann::json::parse(golden.metadata.at("ids"))[name].get<std::vector<int32_t>>();
  const io::ModelFiles files = io::open_model(kFolder + name);
  Decoder decoder(files, Device(device));
  expect_logits(logits_of(decoder, ids), golden.tensors.at(name));
}

INSTANTIATE_TEST_SUITE_P(
    , TinyModel,
    ::testing::Values(std::pair("llama3-rope", "cpu"), std::pair("qwen2", "cpu"),
                      std::pair("llama3-rope", "ref"), std::pair("qwen2", "ref")),
    [](const auto& info) {
      std::string name = std::string(info.param.first) + "_" + info.param.second;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

}  // namespace
}  // namespace pewter
