// Files that are broken, or that break while they are in use: status 1 and the file's name, from
// every command, never 2 and never a signal.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/command.h"

namespace pewter::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

class BrokenFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::copy(small_model(), model);
    write(data, R"({"prompt": "a", "completion": "b"})"
                "\n");
  }

  // All that read a model.
  std::vector<std::vector<std::string>> commands(const std::string& adapter = "") const {
    std::vector<std::vector<std::string>> all = {
        {"generate", "-m", model, "--chat", "-p", "x", "--max-tokens", "4"},
        {"eval", "-m", model, "--data", data},
        {"train", "-m", model, "--data", data, "--out", folder.path / "out", "--steps", "1"},
        {"merge", "-m", model, "--adapter", folder.path / "adapter", "--out",
         folder.path / "merged"}};
    if (adapter.empty()) return all;
    all.pop_back();
    all.push_back({"merge", "-m", model, "--out", folder.path / "merged"});
    for (auto& command : all) command.insert(command.end(), {"--adapter", adapter});
    return all;
  }
  void expect_all_fail(const std::vector<std::vector<std::string>>& all,
                       const std::vector<std::string>& named) const {
    for (const auto& command : all) {
      SCOPED_TRACE(Json(command).dump());
      const Ran r = run_pewter(command);
      EXPECT_EQ(r.status, 1) << r.err;
      for (const std::string& name : named) EXPECT_TRUE(has(r.err, name)) << name << ": " << r.err;
      EXPECT_FALSE(fs::exists(folder.path / "merged"));
    }
  }

  TempFolder folder;
  const std::string model = folder.path / "model", data = folder.path / "data.jsonl";
};

TEST_F(BrokenFiles, OfAModel) {
  for (const char* name : {"config.json", "tokenizer.json", "model.safetensors"}) {
    const fs::path path = fs::path(model) / name;
    const std::string whole = read_file(path);
    for (const std::string& text :
         {std::string(), std::string("{"), whole.substr(0, whole.size() / 2)}) {
      write(path, text);
      expect_all_fail(commands(), {path});
    }
    write(path, whole);
  }
}

TEST_F(BrokenFiles, OfAnAdapter) {
  const std::string adapter = folder.path / "adapter";
  fs::create_directories(adapter);
  expect_all_fail(commands(adapter), {adapter});
  write(adapter + "/adapter_config.json", R"({"peft_type": "LORA", "r": 8})");
  write(adapter + "/adapter_model.safetensors", std::string("\2\0\0\0\0\0\0\0{}", 10));
  expect_all_fail(commands(adapter), {adapter, "there is no tensor"});
}

TEST_F(BrokenFiles, OfData) {
  for (const char* line : {"{", R"({"prompt": "a", "completion": ""})",
                           R"({"messages": [{"role": "assistant", "content": ""}]})"}) {
    write(data, R"({"text": "fine"})"
                "\n" +
                    std::string(line) + "\n");
    expect_all_fail({{"eval", "-m", model, "--data", data},
                     {"train", "-m", model, "--data", data, "--out", folder.path / "out"}},
                    {data + ":2"});
  }
  write(data, R"({"messages": [{"role": "user", "content": "a"}]})"
              "\n");
  expect_all_fail({{"eval", "-m", model, "--data", data},
                   {"train", "-m", model, "--data", data, "--out", folder.path / "out"}},
                  {data});
}

TEST_F(BrokenFiles, OfAChatTemplate) {
  const std::string path = model + "/tokenizer_config.json";
  Json config = Json::parse(read_file(path));
  config["chat_template"] = "{% for m in messages %}{{ m.nothing.at_all }}";
  write(path, config.dump());
  auto all = commands();
  all.pop_back();  // merge asks no template
  expect_all_fail(all, {model, "chat_template"});
}

// The values of a weight of the model's file, which is bf16.
std::string with_weight(std::string file, const std::string& name, uint16_t bits) {
  uint64_t header = 0;
  std::memcpy(&header, file.data(), 8);
  const Json json = Json::parse(file.substr(8, header));
  const size_t at = 8 + header + json[name]["data_offsets"][0].get<size_t>();
  std::memcpy(file.data() + at + 2 * 77, &bits, 2);
  return file;
}

TEST_F(BrokenFiles, OfWeightsThatAreNotFinite) {
  const std::string adapter = folder.path / "adapter";
  ASSERT_EQ(
      run_pewter({"train", "-m", model, "--data", data, "--out", adapter, "--steps", "1"}).status,
      0);
  const fs::path path = fs::path(model) / "model.safetensors";
  const std::string whole = read_file(path);
  for (const char* name :
       {"model.layers.2.mlp.up_proj.weight", "model.layers.0.input_layernorm.weight"}) {
    for (const uint16_t bits : {uint16_t{0x7fc0}, uint16_t{0x7f80}}) {  // NaN, infinity
      write(path, with_weight(whole, name, bits));
      expect_all_fail(commands(), {model, name, "not finite"});
    }
  }
  EXPECT_FALSE(fs::exists(folder.path / "out/adapter_model.safetensors"));
}

TEST_F(BrokenFiles, ShortenedWhileInUse) {
  const pid_t child = start_pewter({"generate", "-m", model, "-p", "a", "--max-tokens", "900",
                                    "--temperature", "5", "--seed", "3", "--device", "ref"},
                                   folder.path);
  // Until it is in the middle of the answer.
  for (int n = 0; n < 12000 && read_file(folder.path / "out").empty(); ++n) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  fs::resize_file(model + "/model.safetensors", 8192);
  EXPECT_EQ(wait_for(child), 1);
  const std::string err = read_file(folder.path / "err");
  EXPECT_TRUE(has(err, model + "/model.safetensors: the file changed")) << err;
}

TEST(Eval, TextHasNothingToMatch) {
  const TempFolder folder;
  const std::string data = folder.path / "text.jsonl";
  write(data, R"({"text": "the lamp in the hall is on, and so is the heater in the kitchen"})"
              "\n");
  const std::vector<std::string> eval = {"eval",      "-m", small_model(), "--data", data,
                                         "--seq-len", "8"};
  const Ran plain = run_pewter(eval);
  ASSERT_EQ(plain.status, 0) << plain.err;
  EXPECT_TRUE(has(plain.out, "perplexity")) << plain.out;
  EXPECT_FALSE(has(plain.out, "exact match")) << plain.out;
  EXPECT_TRUE(has(plain.err, "1 of 1 examples are longer than --seq-len 8")) << plain.err;
  auto as_json = eval;
  as_json.push_back("--json");
  const Json j = Json::parse(run_pewter(as_json).out);
  EXPECT_FALSE(j.contains("exact_match")) << j.dump();
  EXPECT_EQ(j["examples_cut"], 1);
  EXPECT_EQ(j["cancelled"], false);
}

TEST(Eval, InterruptedSaysOfHowMuchItsFiguresAre) {
  for (const bool json : {true, false}) {
    const TempFolder folder;
    std::vector<std::string> eval = {"eval",
                                     "-m",
                                     small_model(),
                                     "--data",
                                     std::string(PEWTER_DATA_DIR) + "/home/heldout.jsonl",
                                     "--seq-len",
                                     "128",
                                     "--device",
                                     "ref"};
    if (json) eval.push_back("--json");
    const pid_t child = start_pewter(eval, folder.path);
    // Until its first row is done.
    for (int n = 0; n < 12000 && read_file(folder.path / "err").empty(); ++n) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    kill(child, SIGINT);
    EXPECT_EQ(wait_for(child), 130);
    const std::string out = read_file(folder.path / "out");
    if (json) {
      const Json j = Json::parse(out);
      EXPECT_EQ(j["cancelled"], true) << out;
      EXPECT_LT(j["examples"], j["examples_in_all"]);
      EXPECT_FALSE(j.contains("exact_match")) << out;
    } else {
      EXPECT_TRUE(has(out, "stopped after") && has(out, "of 300 examples; of those alone")) << out;
      EXPECT_FALSE(has(out, "exact match")) << out;
    }
  }
}

}  // namespace
}  // namespace pewter::test
