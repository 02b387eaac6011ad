// Training through the command, killed and resumed, and what can be done with what it leaves.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/command.h"

namespace pewter::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const std::string kData = std::string(PEWTER_DATA_DIR) + "/home/train.jsonl";

std::vector<std::string> training(const fs::path& out, std::vector<std::string> more = {}) {
  std::vector<std::string> all = {
      "train", "-m",        small_model(), "--data",  kData, "--out",
      out,     "--steps",   "24",          "--batch", "4",   "--rank",
      "4",     "--dropout", "0.1",         "--seed",  "7",   "--checkpoint-every",
      "2"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::string adapter(const fs::path& out) { return read_file(out / "adapter_model.safetensors"); }

TEST(Train, KilledAnywhereAndResumedEndsInTheSameBits) {
  const TempFolder folder;
  const fs::path whole = folder.path / "whole", cut = folder.path / "cut";
  ASSERT_EQ(run_pewter(training(whole)).status, 0);
  // Killed ever later into the run, until one gets through.
  bool done = false;
  for (int n = 0; n < 60 && !done; ++n) {
    const pid_t child = start_pewter(training(cut, {"--resume"}), folder.path);
    std::this_thread::sleep_for(std::chrono::milliseconds(60 + 25 * n));
    kill(child, SIGKILL);
    const int status = wait_for(child);
    ASSERT_TRUE(status == 0 || status == 1000 + SIGKILL) << read_file(folder.path / "err");
    done = status == 0;
  }
  if (!done) {
    ASSERT_EQ(run_pewter(training(cut, {"--resume"})).status, 0);
  }
  EXPECT_EQ(adapter(cut), adapter(whole));
}

TEST(Train, CtrlCLeavesACheckpointToGoOnFrom) {
  const TempFolder folder;
  const fs::path whole = folder.path / "whole";
  ASSERT_EQ(run_pewter(training(whole)).status, 0);
  for (const int signal : {SIGINT, SIGTERM}) {
    const fs::path cut = folder.path / std::to_string(signal);
    const pid_t child = start_pewter(training(cut, {"--threads", "1"}), folder.path);
    const auto logged = [&] { return read_file(cut / "log.jsonl"); };
    for (int n = 0; n < 5000 && logged().find("loss") == std::string::npos; ++n) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    kill(child, signal);
    const int status = wait_for(child);
    EXPECT_TRUE(status == 130 || status == 0) << status << read_file(folder.path / "err");
    EXPECT_TRUE(fs::exists(cut / "checkpoint/state.json"));
    ASSERT_EQ(run_pewter(training(cut, {"--resume"})).status, 0);
    EXPECT_EQ(adapter(cut), adapter(whole));
  }
}

// Of so many steps that it is stopped before its last.
std::vector<std::string> endless(const fs::path& out, std::vector<std::string> more = {}) {
  std::vector<std::string> all = {"train", "-m",      small_model(), "--data",  kData, "--out",
                                  out,     "--steps", "100000",      "--batch", "1",   "--threads",
                                  "1"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

void wait_for_a_step(const fs::path& out) {
  const auto logged = [&] {
    return read_file(out / "log.jsonl").find("\"loss\"") != std::string::npos;
  };
  for (int n = 0; n < 30000 && !logged(); ++n) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

TEST(Train, ASecondRunIntoTheSameFolderIsRefused) {
  const TempFolder folder;
  const fs::path out = folder.path / "run";
  const pid_t child = start_pewter(endless(out), folder.path);
  wait_for_a_step(out);
  for (const std::vector<std::string>& more : {std::vector<std::string>(), {"--resume"}}) {
    const Ran r = run_pewter(training(out, more));
    EXPECT_EQ(r.status, 1) << r.err;
    EXPECT_NE(r.err.find(out.string() + ": another run"), std::string::npos) << r.err;
  }
  kill(child, SIGKILL);
  EXPECT_EQ(wait_for(child), 1000 + SIGKILL);
  EXPECT_EQ(run_pewter(training(out)).status, 0);  // nothing had to be cleaned up
}

TEST(Train, CtrlCSaysWhatWasKeptAndHowToGoOn) {
  const TempFolder folder;
  const fs::path out = folder.path / "run";
  const pid_t child = start_pewter(endless(out), folder.path);
  wait_for_a_step(out);
  kill(child, SIGINT);
  EXPECT_EQ(wait_for(child), 130);
  const std::string err = read_file(folder.path / "err");
  for (const std::string part : {"stopped after step ", "--resume", "/checkpoint"}) {
    EXPECT_NE(err.find(part), std::string::npos) << err;
  }
  EXPECT_EQ(err.find("report.html"), std::string::npos) << err;
}

TEST(Train, ResumeSaysWhereItBegins) {
  const TempFolder folder;
  const fs::path out = folder.path / "out";
  const Ran first = run_pewter(training(out, {"--resume"})),
            second = run_pewter(training(out, {"--resume"}));
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_NE(first.err.find("no checkpoint to resume from; starting from the beginning"),
            std::string::npos)
      << first.err;
  EXPECT_EQ(second.err.find("no checkpoint"), std::string::npos) << second.err;
  EXPECT_NE(second.err.find("going on from " + out.string()), std::string::npos) << second.err;
}

TEST(Train, ExamplesThatAreCutAreToldOnce) {
  const TempFolder folder;
  const Ran r = run_pewter(training(folder.path / "out", {"--seq-len", "60", "--json"}));
  ASSERT_EQ(r.status, 0) << r.err;
  const std::string part = "examples are longer than --seq-len 60";
  const size_t at = r.err.find(part);
  ASSERT_NE(at, std::string::npos) << r.err;
  EXPECT_EQ(r.err.find(part, at + 1), std::string::npos) << r.err;
  const Json j = Json::parse(r.out);
  EXPECT_GT(j["examples_cut"].get<int>(), 0);
  EXPECT_GT(j["tokens"].get<int>(), j["tokens_computed"].get<int>());
}

TEST(Train, LeavesLogReportAndAdapter) {
  const TempFolder folder;
  const Ran r = run_pewter(training(folder.path / "out", {"--json"}));
  ASSERT_EQ(r.status, 0) << r.err;
  const Json summary = Json::parse(r.out);
  EXPECT_EQ(summary["steps"], 24);
  EXPECT_GT(summary["tokens_per_second"].get<double>(), 0);
  const std::string log = read_file(folder.path / "out/log.jsonl");
  EXPECT_NE(log.find("\"loss\""), std::string::npos);
  const std::string report = read_file(folder.path / "out/report.html");
  EXPECT_NE(report.find("<svg"), std::string::npos);
  for (const char* network : {"http://", "https://", "<script src", "@import"}) {
    const size_t at = report.find(network);  // namespaces are names, not addresses
    EXPECT_TRUE(at == std::string::npos || report.find("www.w3.org", at) == at + 7) << network;
  }
  EXPECT_EQ(run_pewter({"generate", "-m", small_model(), "--adapter", folder.path / "out", "-p",
                        "a", "--max-tokens", "4"})
                .status,
            0);
}

TEST(Train, RefusesToResumeOtherSettings) {
  const TempFolder folder;
  ASSERT_EQ(run_pewter(training(folder.path / "out")).status, 0);
  auto other = training(folder.path / "out", {"--resume", "--lr", "0.5"});
  const Ran r = run_pewter(other);
  EXPECT_NE(r.status, 0);
  EXPECT_NE(r.err.find("--lr is 0.5"), std::string::npos) << r.err;
}

TEST(Merge, GivesTheSameAnswers) {
  const TempFolder folder;
  ASSERT_EQ(run_pewter(training(folder.path / "out", {"--lr", "0.02"})).status, 0);
  const Ran m = run_pewter({"merge", "-m", small_model(), "--adapter", folder.path / "out", "--out",
                            folder.path / "merged", "--json"});
  ASSERT_EQ(m.status, 0) << m.err;
  // merge's own reckoning (src/cli/merge.cpp) for 5 blocks of K = 448: 1 - cosine is about
  // (4 sqrt(10) sqrt(448) 2^-24)^2 / 2 = 1.3e-10.
  EXPECT_GE(Json::parse(m.out)["cosine"].get<double>(), 1 - 1e-9);
  // How strict the check was is told, and 16 bits are checked less strictly.
  EXPECT_EQ(Json::parse(m.out)["cosine_allowed"], 1 - 1e-6);
  const Ran narrow = run_pewter({"merge", "-m", small_model(), "--adapter", folder.path / "out",
                                 "--out", folder.path / "narrow", "--dtype", "bf16"});
  ASSERT_EQ(narrow.status, 0) << narrow.err;
  EXPECT_NE(narrow.out.find("bf16 must reach 1 - 0.01"), std::string::npos) << narrow.out;
  const std::vector<std::string> ask = {"--chat", "-p", "turn on the hall lamp", "--max-tokens",
                                        "12"};
  std::vector<std::string> apart = {"generate", "-m", small_model(), "--adapter",
                                    folder.path / "out"};
  std::vector<std::string> merged = {"generate", "-m", folder.path / "merged"};
  apart.insert(apart.end(), ask.begin(), ask.end());
  merged.insert(merged.end(), ask.begin(), ask.end());
  EXPECT_EQ(run_pewter(apart).out, run_pewter(merged).out);
}

TEST(Eval, AgreesWithTheTrainingItFollows) {
  const Ran r = run_pewter({"eval", "-m", small_model(), "--data",
                            std::string(PEWTER_DATA_DIR) + "/home/heldout.jsonl", "--json"});
  ASSERT_EQ(r.status, 0) << r.err;
  const Json j = Json::parse(r.out);
  EXPECT_LT(j["exact_match"].get<double>(), 0.05);  // it has not learned the task
  EXPECT_GE(j["examples"].get<int>(), 200);
}

// A run that fails before it has a checkpoint of its own puts back what lay there.
TEST(Train, AFailedRunLeavesTheEarlierOneWhole) {
  const TempFolder folder;
  const fs::path out = folder.path / "out";
  ASSERT_EQ(run_pewter(training(out)).status, 0);
  const auto file = [&](const char* name) { return read_file(out / name); };
  const std::string log = file("log.jsonl"), state = file("checkpoint/state.json");
  const std::string moments = file("checkpoint/optimizer.safetensors"), weights = adapter(out);
  const Ran r = run_pewter(training(out, {"--lr", "1e30", "--clip", "0"}));
  EXPECT_EQ(r.status, 1) << r.err;
  EXPECT_EQ(file("log.jsonl"), log);
  EXPECT_EQ(file("checkpoint/state.json"), state);
  EXPECT_EQ(file("checkpoint/optimizer.safetensors"), moments);
  EXPECT_EQ(adapter(out), weights);
  EXPECT_FALSE(fs::exists(out / "checkpoint.previous"));
  EXPECT_FALSE(fs::exists(out / "log.previous.jsonl"));
}

TEST(Train, DoesNotWriteOverAModelOfSeveralFiles) {
  const TempFolder folder;
  std::ofstream(folder.path / "model.safetensors.index.json") << "{}";
  const Ran r = run_pewter({"train", "-m", small_model(), "--data", kData, "--out", folder.path,
                            "--steps", "1", "--full"});
  EXPECT_EQ(r.status, 1);
  EXPECT_NE(r.err.find("model.safetensors.index.json"), std::string::npos) << r.err;
}

}  // namespace
}  // namespace pewter::test
