#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/command.h"

namespace pewter::test {
namespace {

using Json = nlohmann::json;

std::vector<std::string> with(std::vector<std::string> more) {
  std::vector<std::string> all = {"generate", "-m", small_model(), "--max-tokens", "20"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST(Generate, IsRepeatableAndKeepsStatisticsApart) {
  const Ran a = run_pewter(with({"-p", "turn on the"})),
            b = run_pewter(with({"-p", "turn on the"}));
  ASSERT_EQ(a.status, 0) << a.err;
  EXPECT_EQ(a.out, b.out);
  EXPECT_EQ(a.out.find("tokens/s"), std::string::npos);
  EXPECT_NE(a.err.find("tokens/s"), std::string::npos);
  EXPECT_EQ(run_pewter(with({"-p", "turn on the", "--threads", "1"})).out, a.out);
}

TEST(Generate, ReadsThePromptFromStdin) {
  EXPECT_EQ(run_pewter(with({}), "turn on the\n").out, run_pewter(with({"-p", "turn on the"})).out);
  EXPECT_EQ(run_pewter(with({}), "").status, 2);  // nothing to go on from
}

TEST(Generate, JsonHoldsTheSameText) {
  const Ran plain = run_pewter(with({"-p", "the clock"}));
  const Json j = Json::parse(run_pewter(with({"-p", "the clock", "--json"})).out);
  EXPECT_EQ(j["text"].get<std::string>(), plain.out);  // alone, into a pipe
  EXPECT_EQ(j["ids"].size(), j["tokens"].get<size_t>());
}

TEST(Generate, SamplingFollowsTheSeed) {
  const auto sampled = [](const char* seed) {
    return run_pewter(with({"-p", "a", "--temperature", "2", "--seed", seed})).out;
  };
  EXPECT_EQ(sampled("1"), sampled("1"));
  EXPECT_NE(sampled("1"), sampled("2"));
}

TEST(Generate, StopsBeforeTheStopText) {
  const std::string whole = run_pewter(with({"-p", "the clock"})).out;
  ASSERT_GT(whole.size(), 8u);
  const std::string stop = whole.substr(4, 3);
  const std::string cut = run_pewter(with({"-p", "the clock", "--stop", stop})).out;
  EXPECT_EQ(cut, whole.substr(0, whole.find(stop)));
}

TEST(Generate, ChatKeepsTheConversation) {
  const Ran one = run_pewter(with({"--chat", "-p", "hello"}));
  const Ran two = run_pewter(with({"--chat", "--json"}), "hello\nhello\n");
  ASSERT_EQ(two.status, 0) << two.err;
  const size_t end = two.out.find('\n');
  const Json first = Json::parse(two.out.substr(0, end)), second = Json::parse(two.out.substr(end));
  EXPECT_EQ(first["text"].get<std::string>() + "\n", one.out);
  EXPECT_GT(second["prompt_tokens"], first["prompt_tokens"]);  // the first turn is in it
}

TEST(Generate, RefusesWhatDoesNotFitTheContext) {
  std::string prompt;
  for (int i = 0; i < 3000; ++i) prompt += " clock";
  const Ran r = run_pewter({"generate", "-m", small_model(), "-p", prompt});
  EXPECT_EQ(r.status, 2);
  EXPECT_NE(r.err.find("context"), std::string::npos) << r.err;
}

TEST(Generate, EndsWhereTheContextDoes) {
  const Ran r = run_pewter({"generate", "-m", small_model(), "-p", "x", "--max-tokens", "100000",
                            "--temperature", "5", "--seed", "3", "--json"});
  ASSERT_EQ(r.status, 0) << r.err;
  const Json j = Json::parse(r.out);
  EXPECT_LE(j["prompt_tokens"].get<int>() + j["tokens"].get<int>(), 1024);
  EXPECT_TRUE(j["finish"] == "length" || j["finish"] == "stop");
}

TEST(Generate, CtrlCEndsWithAStatusNotASignal) {
  const TempFolder folder;
  const pid_t child = start_pewter({"generate", "-m", small_model(), "-p", "a", "--max-tokens",
                                    "900", "--temperature", "5", "--seed", "3", "--device", "ref"},
                                   folder.path);
  while (read_file(folder.path / "out").empty()) {  // until it is in the middle of the answer
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  kill(child, SIGINT);
  EXPECT_EQ(wait_for(child), 130);
}

}  // namespace
}  // namespace pewter::test
