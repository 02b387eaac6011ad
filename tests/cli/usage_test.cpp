// Bad usage ends with 2, failure with 1, nothing with a signal; messages name what was wrong.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/command.h"

namespace pewter::test {
namespace {

using Json = nlohmann::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Usage, EveryCommandHasHelp) {
  for (const char* command : {"fetch", "generate", "train", "eval", "merge", "bench", "doctor"}) {
    const Ran r = run_pewter({command, "--help"});
    EXPECT_EQ(r.status, 0) << command;
    for (const char* option : {"--json", "--device", "--seed", "--threads"}) {
      EXPECT_TRUE(has(r.out, option)) << command << " lacks " << option;
    }
  }
  EXPECT_EQ(run_pewter({"--version"}).status, 0);
}

TEST(Usage, BadUsageIsTwo) {
  const std::string model = small_model();
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {},
           {"dance"},
           {"generate"},
           {"generate", "-m", model, "--no-such"},
           {"generate", "-m", model, "-p", "x", "--max-tokens", "many"},
           {"generate", "-m", model, "-p", "x", "--max-tokens", "0"},
           {"generate", "-m", model, "-p", "x", "--temperature", "-1"},
           {"generate", "-m", model, "-p", "x", "--threads", "0"},
           {"train", "-m", model, "--data", "x", "--out", "y", "--schedule", "zigzag"},
           {"fetch", "no-such-model"}}) {
    const Ran r = run_pewter(arguments);
    EXPECT_EQ(r.status, 2) << Json(arguments).dump() << r.err;
    EXPECT_FALSE(r.err.empty());
  }
}

TEST(Usage, FailureIsOneAndNamesTheFile) {
  const TempFolder folder;
  const std::string missing = folder.path / "missing.gguf", bad = folder.path / "bad.gguf";
  std::ofstream(bad) << "GGUF but not really";
  const std::string data = folder.path / "data.jsonl";
  std::ofstream(data) << "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": 3}\n";
  const std::string out = folder.path / "out";
  struct Failing {
    std::vector<std::string> arguments;
    std::string named;
  };
  for (const Failing& f : std::vector<Failing>{
           {{"generate", "-m", missing, "-p", "x"}, missing},
           {{"generate", "-m", bad, "-p", "x"}, bad},
           {{"generate", "-m", small_model(), "-p", "x", "--adapter", missing}, missing},
           {{"generate", "-m", small_model(), "-p", "x", "--device", "cuda"}, "cuda"},
           {{"train", "-m", small_model(), "--data", missing, "--out", out}, missing},
           {{"train", "-m", small_model(), "--data", data, "--out", out}, data + ":2"},
           {{"eval", "-m", small_model(), "--data", missing}, missing}}) {
    const Ran r = run_pewter(f.arguments);
    EXPECT_EQ(r.status, 1) << Json(f.arguments).dump() << r.err;
    EXPECT_TRUE(has(r.err, f.named)) << r.err;
  }
}

TEST(Usage, UnwritableOutputIsNamedAndHarmless) {
  const TempFolder folder;
  std::ofstream(folder.path / "file") << "precious";
  const std::string out = folder.path / "file" / "adapter";  // a file where a folder is needed
  const Ran r = run_pewter({"train", "-m", small_model(), "--data",
                            std::string(PEWTER_DATA_DIR) + "/home/train.jsonl", "--out", out,
                            "--steps", "1"});
  EXPECT_EQ(r.status, 1);
  EXPECT_TRUE(has(r.err, (folder.path / "file").string())) << r.err;
  EXPECT_EQ(read_file(folder.path / "file"), "precious");
}

TEST(Usage, DoctorFindsEveryOpRight) {
  const Ran r = run_pewter({"doctor", "--json"});
  ASSERT_EQ(r.status, 0) << r.out << r.err;
  const Json facts = Json::parse(r.out);
  EXPECT_GE(facts["self_test"].size(), 14u);
  for (const Json& op : facts["self_test"]) EXPECT_TRUE(op["passed"].get<bool>()) << op.dump();
}

// Other work on the machine may slow the run that measures the roof; then bench refuses to print,
// and says so, and it is asked again.
TEST(Usage, BenchStaysBelowTheRoof) {
  Ran r;
  for (int attempt = 0; attempt < 8 && r.status != 0; ++attempt) {
    r = run_pewter({"bench", "matmul/f32/256", "--threads", "1", "--json"});
    ASSERT_TRUE(r.status == 0 || has(r.err, "above the roof")) << r.err;
  }
  ASSERT_EQ(r.status, 0) << r.err;
  const Json row = Json::parse(r.out);
  EXPECT_EQ(row["work"], "matmul/f32/256");
  EXPECT_GT(row["value"].get<double>(), 0);
  EXPECT_LE(row["of_roof"].get<double>(), 1.05);
  EXPECT_EQ(row["device"], "cpu");
}

TEST(Usage, BenchNamesTheDevice) {
  const Ran r = run_pewter({"bench", "matmul/f32/256", "--device", "ref", "--json"});
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(Json::parse(r.out)["device"], "ref");
}

TEST(Usage, EmptyNamesAndOddSeedsAreTwo) {
  const std::string data = std::string(PEWTER_DATA_DIR) + "/home/train.jsonl";
  const std::vector<std::vector<std::string>> commands = {
      {"train", "-m", small_model(), "--data", data, "--out", ""},
      {"train", "-m", "", "--data", data, "--out", "x"},
      {"generate", "-m", small_model(), "-p", "a", "--adapter", ""},
      {"generate", "-m", small_model(), "-p", "a", "--seed", "-1"},
      {"generate", "-m", small_model(), "-p", "a", "--seed", "99999999999999999999"},
      {"bench", "nosuchrow"},
      {"merge", "-m", small_model(), "--adapter", "x", "--out", small_model()}};
  for (const auto& command : commands) {
    const Ran r = run_pewter(command);
    EXPECT_EQ(r.status, 2) << command[0] << " " << command.back() << ": " << r.err;
    EXPECT_FALSE(r.err.empty());
  }
}

TEST(Usage, DataWithoutAnswersIsNoPerfectScore) {
  const TempFolder folder;
  const auto file = folder.path / "questions.jsonl";
  std::ofstream(file) << R"({"messages":[{"role":"user","content":"hello"}]})"
                      << "\n";
  const Ran r = run_pewter({"eval", "-m", small_model(), "--data", file});
  EXPECT_EQ(r.status, 1) << r.out;
  EXPECT_NE(r.err.find("questions.jsonl"), std::string::npos) << r.err;
}

}  // namespace
}  // namespace pewter::test
