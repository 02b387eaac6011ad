// The folder a run trains into: one run at a time, and what lay there before is not lost.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/atomic_file.h"
#include "train/checkpoint.h"
#include "train_fixture.h"

namespace pewter {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::read_text;
using test::Train;
using TrainFolder = Train;

TEST_F(TrainFolder, ASecondRunInItIsRefused) {
  TrainOptions o = options(folder / "out");
  Model first = lora_model(), second = lora_model(), alone = lora_model();
  int refused = 0;
  o.on_progress = [&](const TrainProgress& p) {
    if (p.step != 2) return;
    TrainOptions other = options(o.out);
    for (const bool resume : {false, true}) {
      other.resume = resume;
      expect_error(ErrorCode::io, {o.out, "another run"}, [&] { train(second, data(), other); });
      ++refused;
    }
  };
  train(first, data(), o);
  EXPECT_EQ(refused, 2);
  EXPECT_FALSE(fs::exists(o.out + "/.train.lock"));
  const std::string disturbed = adapter(o.out);
  train(alone, data(), options(o.out));  // and it is free again
  EXPECT_EQ(adapter(o.out), disturbed);
}

TEST_F(TrainFolder, ALeftoverLockLocksNobodyOut) {
  const std::string out = folder / "out";
  fs::create_directories(out);
  test::write_text(out + "/.train.lock", "");
  Model model = lora_model();
  EXPECT_EQ(train(model, data(), options(out)).steps, 10);
}

TEST_F(TrainFolder, CancelledBeforeItsFirstStepARunLeavesTheEarlierOne) {
  TrainOptions o = options(folder / "out");
  Model model = lora_model(), second = lora_model();
  train(model, data(), o);
  const std::string state = read_text(o.out + "/checkpoint/state.json");
  const std::string log = read_text(o.out + "/log.jsonl");
  o.seed = 99;
  o.cancelled = [] { return true; };
  const TrainResult r = train(second, data(), o);
  EXPECT_TRUE(r.cancelled);
  EXPECT_EQ(r.steps, 0);
  EXPECT_EQ(read_text(o.out + "/checkpoint/state.json"), state);
  EXPECT_EQ(read_text(o.out + "/log.jsonl"), log);
  fs::remove_all(o.out + "/checkpoint");  // a log alone is somebody's too
  train(second, data(), o);
  EXPECT_EQ(read_text(o.out + "/log.jsonl"), log);
  o.out = folder / "fresh";
  train(second, data(), o);
  EXPECT_TRUE(fs::is_empty(o.out));
}

// A run killed before its first checkpoint leaves the earlier one aside; the next neither loses it
// nor takes the killed run's log for its own.
TEST_F(TrainFolder, WhatAKilledRunSetAsideIsPutBack) {
  TrainOptions o = options(folder / "out");
  Model model = lora_model(), second = lora_model();
  train(model, data(), o);
  const std::string state = read_text(o.out + "/checkpoint/state.json");
  const std::string log = read_text(o.out + "/log.jsonl");
  fs::rename(o.out + "/checkpoint", o.out + "/checkpoint.previous");
  fs::rename(o.out + "/log.jsonl", o.out + "/log.previous.jsonl");
  test::write_text(o.out + "/log.jsonl", "{}\n");
  o.cancelled = [] { return true; };
  train(second, data(), o);
  EXPECT_EQ(read_text(o.out + "/checkpoint/state.json"), state);
  EXPECT_EQ(read_text(o.out + "/log.jsonl"), log);
}

// Cancelled while the last figures are made: all steps are kept, and no figure that is not whole.
TEST_F(TrainFolder, CancelledInTheLastEvaluationItLogsNoPartOfIt) {
  TrainOptions o = options(folder / "out");
  const Dataset questions = data();
  o.eval_data = &questions;
  Model model = lora_model();
  bool last = false;
  o.on_progress = [&](const TrainProgress& p) { last = p.step == p.steps; };
  o.cancelled = [&] { return last; };
  const auto samples = [&] {  // those of the untrained model are the first
    int n = 0;
    const std::string log = read_text(o.out + "/log.jsonl");
    for (size_t at = 0; (at = log.find("\"samples\"", at)) != std::string::npos; ++at) ++n;
    return n;
  };
  const TrainResult r = train(model, data(), o);
  EXPECT_TRUE(r.cancelled);
  EXPECT_EQ(samples(), 1);
  o.cancelled = {};
  o.resume = true;
  Model again = lora_model();
  EXPECT_FALSE(train(again, data(), o).cancelled);
  EXPECT_EQ(samples(), 2);
}

// Few free file descriptors make the removal of a deep folder fail, for every user.
class FewFiles {
 public:
  FewFiles() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = open("/dev/null", O_RDONLY);
    close(next);
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(next) + 16;
    setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewFiles() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(TrainFolder, WhatCannotBeSetAsideStaysWhereItIs) {
  const std::string out = folder / "out";
  Model model = lora_model();
  train(model, data(), options(out));
  const std::string state = read_text(out + "/checkpoint/state.json");
  const std::string log = read_text(out + "/log.jsonl");
  std::string deep = out + "/checkpoint.old";
  for (int i = 0; i < 60; ++i) deep += "/d";
  fs::create_directories(deep);
  {
    const FewFiles few;
    expect_error(ErrorCode::io, {out + "/checkpoint", "set the earlier run aside"},
                 [&] { EarlierRun earlier(out); });
  }
  EXPECT_EQ(read_text(out + "/checkpoint/state.json"), state);
  EXPECT_EQ(read_text(out + "/log.jsonl"), log);
  EXPECT_FALSE(fs::exists(out + "/checkpoint.previous"));
}

// A checkpoint that a kill left under a name of its own is set aside and put back like any other.
TEST_F(TrainFolder, AHalfReplacedCheckpointIsKept) {
  const std::string out = folder / "out";
  Model model = lora_model();
  train(model, data(), options(out));
  const std::string state = read_text(out + "/checkpoint/state.json");
  fs::rename(out + "/checkpoint", out + "/checkpoint.new");
  fs::create_directories(out + "/checkpoint.old");
  {
    EarlierRun earlier(out);
    EXPECT_EQ(read_text(out + "/checkpoint.previous/state.json"), state);
    EXPECT_TRUE(io::whole_directory(out + "/checkpoint").empty());
  }
  EXPECT_EQ(read_text(out + "/checkpoint/state.json"), state);
}

// Beginnings that examples share go through the model once; both counts are told.
TEST_F(Train, TokensAreCountedAsExamplesAndAsComputed) {
  TrainOptions o = options(folder / "out");
  Model shares = lora_model({.rank = 4, .alpha = 8, .seed = 1}), drops = lora_model();
  TrainProgress last;
  o.on_progress = [&](const TrainProgress& p) { last = p; };
  const TrainResult shared = train(shares, data(), o);
  EXPECT_EQ(last.tokens_computed, shared.tokens_computed);
  EXPECT_NEAR(shared.example_tokens_per_second / shared.tokens_per_second,
              static_cast<double>(shared.tokens) / static_cast<double>(shared.tokens_computed),
              1e-9);
  EXPECT_EQ(read_log(o.out + "/log.jsonl").back()["step"], 10);
  // With dropout nothing is shared: all but each example's last token, which predicts nothing.
  const TrainResult apart = train(drops, data(), options(folder / "apart"));
  EXPECT_EQ(apart.tokens, shared.tokens);
  EXPECT_EQ(apart.tokens_computed, apart.tokens - 10 * 4);
  EXPECT_LT(shared.tokens_computed, apart.tokens_computed);
  o.resume = true;  // and a finished run still knows
  Model again = lora_model({.rank = 4, .alpha = 8, .seed = 1});
  EXPECT_EQ(train(again, data(), o).tokens_computed, shared.tokens_computed);
}

TEST_F(Train, ExactMatchNeedsAnswers) {
  test::write_text(folder / "text.jsonl", "{\"text\": \"plain\"}\n");
  const Dataset text = Dataset::jsonl(folder / "text.jsonl");
  TrainOptions o = options(folder / "out");
  o.eval_exact_match = true;
  Model model = lora_model();
  expect_error(ErrorCode::argument, {"eval_data"}, [&] { train(model, data(), o); });
  o.eval_data = &text;
  expect_error(ErrorCode::argument, {"text.jsonl", "none of the"},
               [&] { train(model, data(), o); });
}

}  // namespace
}  // namespace pewter
