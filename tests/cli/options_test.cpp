// Options that would change nothing, and what is not there, are refused by the names that were
// typed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/command.h"

namespace pewter::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const std::string kData = std::string(PEWTER_DATA_DIR) + "/home/train.jsonl";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> with(std::vector<std::string> all, const std::vector<std::string>& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

void expect_usage(const std::vector<std::string>& command, const std::vector<std::string>& named) {
  SCOPED_TRACE(Json(command).dump());
  const Ran r = run_pewter(command);
  EXPECT_EQ(r.status, 2) << r.err;
  for (const std::string& name : named) EXPECT_TRUE(has(r.err, name)) << name << ": " << r.err;
}

TEST(Options, WhatWouldChangeNothingIsRefused) {
  const std::vector<std::string> train = {"train", "-m",    small_model(), "--data",
                                          kData,   "--out", "/none/x"};
  const std::vector<std::vector<std::string>> of_new_adapter = {{"--rank", "4"},
                                                                {"--alpha", "4"},
                                                                {"--dropout", "0.1"},
                                                                {"--targets", "q_proj"},
                                                                {"--rslora"}};
  for (const auto& option : of_new_adapter) {
    expect_usage(with(with(train, {"--full"}), option), {option[0], "--full"});
    expect_usage(with(with(train, {"--adapter", "x"}), option), {option[0], "--adapter"});
  }
  expect_usage(with(train, {"--full", "--loraplus", "4"}), {"--loraplus", "--full"});
  expect_usage(with(train, {"--full", "--adapter", "x"}), {"--adapter", "--full"});
  expect_usage(with(train, {"--exact-match"}), {"--exact-match", "--eval-data"});
  expect_usage(with(train, {"--eval-every", "3"}), {"--eval-every", "--eval-data"});
  expect_usage(with(train, {"--steps", "0"}), {"--steps", "1 or more"});
  expect_usage(with(train, {"--steps", "3", "--epochs", "2"}), {"--steps", "--epochs"});
  const std::vector<std::string> eval = {"eval",   "-m",  small_model(),
                                         "--data", kData, "--no-answers"};
  expect_usage(with(eval, {"--show", "3"}), {"--show", "--no-answers"});
  expect_usage(with(eval, {"--max-tokens", "3"}), {"--max-tokens", "--no-answers"});
}

TEST(Options, MessagesNameTheFlagThatWasTyped) {
  const std::vector<std::string> train = {"train", "-m",    small_model(), "--data",
                                          kData,   "--out", "/none/x"};
  expect_usage({"generate", "-m", "x", "-p", "x", "--max-tokens", "0"}, {"--max-tokens"});
  expect_usage({"generate", "-m", "x", "-p", "x", "--top-p", "1.5"}, {"--top-p"});
  expect_usage({"generate", "-m", "x", "-p", "x", "--temperature", "nan"}, {"--temperature"});
  expect_usage({"eval", "-m", "x", "--data", "x", "--seq-len", "1"}, {"--seq-len"});
  for (const char* flag : {"--rank", "--batch", "--seq-len", "--accumulate", "--epochs"}) {
    expect_usage(with(train, {flag, "0"}), {flag});
  }
  for (const char* flag : {"--lr", "--warmup", "--weight-decay", "--clip", "--loraplus"}) {
    expect_usage(with(train, {flag, "-1"}), {flag});
  }
  expect_usage(with(train, {"--dropout", "1"}), {"--dropout"});
  // What only the library can know.
  expect_usage(with(train, {"--seq-len", "4096"}), {"] --seq-len 4096", "context of 1024"});
  const TempFolder folder;
  const std::string out = folder.path / "out";
  const std::vector<std::string> run = {
      "train", "-m", small_model(), "--data", kData, "--out", out, "--steps", "1", "--batch", "1"};
  ASSERT_EQ(run_pewter(run).status, 0);
  expect_usage(with(run, {"--resume", "--lr", "0.5"}), {"cannot resume: --lr is 0.5"});
}

TEST(Options, UnknownCommandsAndRowsAreNamed) {
  expect_usage({"zzz"}, {"'zzz' is not a command", "generate, train, eval"});
  expect_usage({"bench", "-m", small_model(), "nosuchrow"}, {"nosuchrow", "decode/small"});
  expect_usage({"doctor", "--device", "gpu"}, {"--device", "gpu", "metal"});
}

TEST(Options, DevicesThatAreNotBuiltAreNamedBeforeAnythingIsRead) {
  for (const char* device : {"cuda", "metal"}) {
    const Ran r = run_pewter({"generate", "-m", "/none.gguf", "-p", "x", "--device", device});
    EXPECT_EQ(r.status, 1);
    EXPECT_TRUE(has(r.err, std::string(device) + " is not present")) << r.err;
    EXPECT_TRUE(has(r.err, "present are cpu")) << r.err;
  }
}

TEST(Options, WithoutAHomeNothingIsFetchedIntoTheCurrentFolder) {
  const TempFolder folder;
  const std::string here = "cd '" + folder.path.string() + "'; ";
  for (const char* variables :
       {"unset XDG_CACHE_HOME; HOME=; export HOME", "unset XDG_CACHE_HOME HOME",
        "XDG_CACHE_HOME=cache; export XDG_CACHE_HOME; unset HOME"}) {
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
             {"fetch", "smollm2-135m"}, {"generate", "-m", "smollm2-135m", "-p", "x"}}) {
      const Ran r = run_pewter_in_shell(here + variables, command);
      EXPECT_EQ(r.status, 1) << variables;
      EXPECT_TRUE(has(r.err, "XDG_CACHE_HOME nor HOME") || has(r.err, "XDG_CACHE_HOME or HOME"))
          << r.err;
    }
  }
  EXPECT_TRUE(fs::is_empty(folder.path));
}

TEST(Options, DoctorListsInstructionSetsThatKernelsAreBuiltFor) {
  const Ran r = run_pewter({"doctor", "--json"});
  ASSERT_EQ(r.status, 0) << r.err;
  const std::string sets = " " + Json::parse(r.out)["instruction_sets"].get<std::string>() + " ";
  EXPECT_GT(sets.size(), 2u);
  for (const char* left_out : {" SSSE3 ", " SSE4 ", " AVX3_DL "}) {  // cmake/pewter.cmake
    EXPECT_FALSE(has(sets, left_out)) << sets;
  }
}

TEST(Options, TheReadmesExampleIsTheOneThatIsCompiled) {
  const fs::path root = fs::path(PEWTER_DATA_DIR).parent_path();
  const std::string readme = read_file(root / "README.md");
  const std::string mark = "```cpp\n";
  const size_t begin = readme.find(mark), end = readme.find("```", begin + mark.size());
  ASSERT_NE(end, std::string::npos);
  EXPECT_EQ(readme.substr(begin + mark.size(), end - begin - mark.size()),
            read_file(root / "examples/first_steps.cpp"));
}

// A conversation on a terminal, left with Ctrl-D: what comes next begins on a line of its own.
TEST(Options, CtrlDEndsTheLineOfAConversation) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(grantpt(terminal), 0);
  ASSERT_EQ(unlockpt(terminal), 0);
  const std::string name = ptsname(terminal);
  const int kept_open = open(name.c_str(), O_RDWR | O_NOCTTY);
  ASSERT_EQ(write(terminal, "\x04", 1), 1);
  const Ran r =
      run_pewter_in_shell(":", {"generate", "-m", small_model(), "--chat"}, "<'" + name + "'");
  close(kept_open);
  close(terminal);
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.err, "> \n");
}

}  // namespace
}  // namespace pewter::test
