// The loop: what it leaves behind, and that stopping it anywhere changes nothing.
#include "pewter/train.h"

#include <gtest/gtest.h>

#include <set>

#include "io/safetensors.h"
#include "train_fixture.h"

namespace pewter {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::read_text;
using test::Stop;
using test::Train;
using test::write_text;

TEST_F(Train, LeavesAdapterLogReportAndCheckpoint) {
  Model model = lora_model();
  TrainOptions o = options(folder / "out");
  const Dataset eval = data();
  o.eval_data = &eval;
  o.eval_every = 4;
  o.eval_exact_match = true;
  std::vector<TrainProgress> seen;
  o.on_progress = [&](const TrainProgress& p) { seen.push_back(p); };
  const TrainResult result = train(model, data(), o);

  EXPECT_EQ(result.steps, 10);
  EXPECT_EQ(result.examples, 11);
  EXPECT_FALSE(result.cancelled);
  ASSERT_EQ(seen.size(), 10u);
  EXPECT_LT(seen.back().loss, seen.front().loss);
  EXPECT_EQ(seen.back().tokens, result.tokens);
  EXPECT_EQ(seen[0].learning_rate, 0);
  EXPECT_DOUBLE_EQ(seen[1].learning_rate, 0.5e-2);
  for (const TrainProgress& p : seen) {
    EXPECT_EQ(p.eval_loss.has_value(), p.step % 4 == 0 || p.step == 10) << p.step;
    EXPECT_GT(p.tokens_per_second, 0);
    EXPECT_GT(p.gradient_norm, 0);
  }
  expect_one_line_a_step(folder / "out", 10);
  EXPECT_NE(read_text(folder / "out/report.html").find("</html>"), std::string::npos);
  EXPECT_TRUE(fs::exists(folder / "out/checkpoint/state.json"));

  // What is saved is what was trained, and the checkpoint is an adapter too.
  for (const char* name : {"out", "out/checkpoint"}) {
    Model tuned = Model::load(folder / "model", {.device = "cpu"});
    tuned.load_adapter(folder / name);
    const std::vector<int32_t> ids = {5, 6, 7};
    EXPECT_EQ(tuned.logits(ids).to_vector<float>(), model.logits(ids).to_vector<float>());
  }
}

TEST_F(Train, SameBitsEveryTimeWhateverTheThreads) {
  const int threads = num_threads();
  std::set<std::string> results;
  for (const int n : {1, 2, 3}) {
    set_num_threads(n);
    Model model = lora_model();
    const std::string out = folder / fmt::format("out{}", n);
    train(model, data(), options(out));
    results.insert(adapter(out));
  }
  set_num_threads(threads);
  EXPECT_EQ(results.size(), 1u);
}

TEST_F(Train, SeedChangesTheOrder) {
  std::set<std::string> results;
  for (const uint64_t seed : {1, 2}) {
    Model model = lora_model();
    TrainOptions o = options(folder / fmt::format("out{}", seed));
    o.seed = seed;
    train(model, data(), o);
    results.insert(adapter(o.out));
  }
  EXPECT_EQ(results.size(), 2u);
}

TEST_F(Train, ResumedRunsEndInTheSameBits) {
  TrainOptions whole = options(folder / "whole");
  whole.samples = 0;
  Model model = lora_model();
  train(model, data(), whole);
  const std::vector<std::vector<int64_t>> stops = {{1}, {2}, {5}, {9}, {3, 7}, {1, 4, 4, 8}};
  for (size_t i = 0; i < stops.size(); ++i) {
    for (const int64_t every : {0, 1, 3}) {
      TrainOptions o = whole;
      o.out = folder / fmt::format("out-{}-{}", i, every);
      o.checkpoint_every = every;
      train_in_pieces(o, stops[i]);
      EXPECT_EQ(adapter(o.out), adapter(whole.out)) << "case " << i << ", every " << every;
      expect_one_line_a_step(o.out, 10);
    }
  }
}

TEST_F(Train, CancelledRunsLeaveACheckpoint) {
  TrainOptions whole = options(folder / "whole"), o = options(folder / "out");
  Model model = lora_model(), stopped = lora_model(), resumed = lora_model();
  train(model, data(), whole);
  o.samples = 0;
  int asked = 0;  // twice a step, whose four examples are two rows: within the fourth
  o.cancelled = [&] { return asked++ >= 7; };
  const TrainResult result = train(stopped, data(), o);
  EXPECT_TRUE(result.cancelled);
  EXPECT_EQ(result.steps, 3);
  expect_one_line_a_step(o.out, 3);
  EXPECT_TRUE(fs::exists(folder / "out/checkpoint/state.json"));
  EXPECT_FALSE(fs::exists(folder / "out/adapter_model.safetensors"));
  o.cancelled = {};
  o.resume = true;
  EXPECT_FALSE(train(resumed, data(), o).cancelled);
  EXPECT_EQ(adapter(o.out), adapter(whole.out));
}

TEST_F(Train, ResumingAFinishedRunChangesNothing) {
  TrainOptions o = options(folder / "out");
  Model model = lora_model(), again = lora_model();
  const TrainResult first = train(model, data(), o);
  const std::string before = adapter(o.out);
  o.resume = true;
  const TrainResult second = train(again, data(), o);
  EXPECT_EQ(adapter(o.out), before);
  EXPECT_EQ(second.tokens, first.tokens);
  EXPECT_DOUBLE_EQ(second.final_loss, first.final_loss);
  expect_one_line_a_step(o.out, 10);
}

TEST_F(Train, AnotherRunsCheckpointIsNotResumed) {
  TrainOptions o = options(folder / "out");
  Model model = lora_model();
  train(model, data(), o);
  const auto first = adapter(o.out);
  // A new run of other settings in the same folder, failing before its first checkpoint: the first
  // run lies there as before.
  TrainOptions other = o;
  other.seed = 77;
  other.on_progress = [](const TrainProgress&) { throw Stop(); };
  Model second = lora_model(), resumed = lora_model(), again = lora_model();
  EXPECT_THROW(train(second, data(), other), Stop);
  other.on_progress = {};
  other.resume = true;
  expect_error(ErrorCode::argument, {"seed"}, [&] { train(resumed, data(), other); });
  o.resume = true;
  train(again, data(), o);
  EXPECT_EQ(adapter(o.out), first);
}

TEST_F(Train, ResumeRefusesOtherSettingsByName) {
  TrainOptions base = options(folder / "out");
  {
    Model model = lora_model();
    train(model, data(), base);
  }
  base.resume = true;
  const auto refused = [&](const std::string& field, const std::function<void(TrainOptions*)>& edit,
                           const LoraConfig& lora = {.rank = 4, .alpha = 8, .dropout = 0.1f}) {
    TrainOptions o = base;
    edit(&o);
    Model model = lora_model(lora);
    expect_error(ErrorCode::argument, {"cannot resume", field, "state.json"},
                 [&] { train(model, data(), o); });
  };
  refused("learning_rate is 0.5", [](TrainOptions* o) { o->learning_rate = 0.5; });
  refused("steps is 12", [](TrainOptions* o) { o->steps = 12; });
  refused("batch is 3", [](TrainOptions* o) { o->batch = 3; });
  refused("accumulate", [](TrainOptions* o) { o->accumulate = 1; });
  refused("schedule", [](TrainOptions* o) { o->schedule = Schedule::linear; });
  refused("seed", [](TrainOptions* o) { o->seed = 5; });
  refused("clip", [](TrainOptions* o) { o->clip = 0; });
  refused("alpha", [](TrainOptions*) {}, {.rank = 4, .alpha = 9, .dropout = 0.1f});
  refused("rank", [](TrainOptions*) {}, {.rank = 5, .alpha = 8, .dropout = 0.1f});
  refused("dropout", [](TrainOptions*) {}, {.rank = 4, .alpha = 8, .dropout = 0.2f});
  refused("targets", [](TrainOptions*) {},
          {.rank = 4, .alpha = 8, .dropout = 0.1f, .targets = {"q_proj"}});
  write_text(folder / "data.jsonl", read_text(folder / "data.jsonl") + "{\"text\": \"more\"}\n");
  refused("data file", [](TrainOptions*) {});
}

// Another device or instruction set gives other bits.
TEST_F(Train, ResumeRefusesAnotherMachineByName) {
  TrainOptions o = options(folder / "out");
  const auto resume_on = [&](const Device device) {
    Model model = Model::load(folder / "model", {.device = device});
    model.add_lora({.rank = 4, .alpha = 8, .dropout = 0.1f, .seed = 1});
    return train(model, data(), o).steps;
  };
  EXPECT_EQ(resume_on("cpu"), 10);
  o.resume = true;
  expect_error(ErrorCode::argument,
               {"cannot resume", "device is \"ref\" in this run and \"cpu\" in"},
               [&] { resume_on("ref"); });
  EXPECT_EQ(resume_on("cpu"), 10);
  const std::string path = o.out + "/checkpoint/state.json";
  io::Json state = io::Json::parse(read_text(path));
  state["settings"]["instruction set"] = "NONE";
  write_text(path, state.dump());
  expect_error(ErrorCode::argument, {"cannot resume", "instruction set is", "\"NONE\" in"},
               [&] { resume_on("cpu"); });
}

TEST_F(Train, ResumeRefusesAnotherScaleOfALayer) {
  lora_model().save_adapter(folder / "adapter");
  const auto run = [&](bool resume, double alpha) {
    const std::string path = folder / "adapter/adapter_config.json";
    io::Json config = io::Json::parse(read_text(path));
    config["alpha_pattern"] = io::Json::object();
    if (alpha > 0) config["alpha_pattern"]["layers.1.self_attn.q_proj"] = alpha;
    write_text(path, config.dump());
    Model model = Model::load(folder / "model", {.device = "cpu"});
    model.load_adapter(folder / "adapter", true);
    TrainOptions o = options(folder / "out");
    o.resume = resume;
    return train(model, data(), o).steps;
  };
  EXPECT_EQ(run(false, 2), 10);
  const std::string name = "scale of model.layers.1.self_attn.q_proj is ";
  expect_error(ErrorCode::argument, {name + "1.0 in this run and 0.5 in"}, [&] { run(true, 4); });
  expect_error(ErrorCode::argument, {"scale of", "absent in this run"}, [&] { run(true, 0); });
  EXPECT_EQ(run(true, 2), 10);
}

TEST_F(Train, BrokenCheckpointsAreRefused) {
  TrainOptions o = options(folder / "out");
  {
    Model model = lora_model();
    train(model, data(), o);
  }
  o.resume = true;
  for (const char* name : {"state.json", "optimizer.safetensors", "adapter_model.safetensors"}) {
    const std::string path = o.out + "/checkpoint/" + name, whole = read_text(path);
    for (const size_t size : {size_t{0}, whole.size() / 2, whole.size() - 2}) {
      write_text(path, whole.substr(0, size));
      Model model = lora_model();
      EXPECT_THROW(train(model, data(), o), Error) << name << " of " << size << " bytes";
    }
    write_text(path, whole);
  }
  Model model = lora_model();
  EXPECT_EQ(train(model, data(), o).steps, 10);
}

TEST_F(Train, CheckpointsOfAnotherShapeOrThatCannotBeSeenAreRefused) {
  TrainOptions o = options(folder / "out");
  {
    Model model = lora_model();
    train(model, data(), o);
  }
  o.resume = true;
  const std::string path = o.out + "/checkpoint/optimizer.safetensors";
  const io::Safetensors whole = io::read_safetensors(path);
  std::vector<io::HostTensor> tensors;
  for (const auto& [name, tensor] : whole.tensors) {
    tensors.push_back(tensor);
    tensors.back().name = name;
    tensors.back().shape.insert(tensors.back().shape.begin(), 5, 1);  // rank 7
  }
  io::write_safetensors(path, tensors);
  Model model = lora_model();
  expect_error(ErrorCode::format, {path, "[1, 1, 1, 1, 1, "}, [&] { train(model, data(), o); });

  const fs::path loop = o.out + "/checkpoint/adapter_model.safetensors";
  fs::remove(loop);
  fs::create_symlink(loop, loop);
  expect_error(ErrorCode::io, {loop.string()}, [&] { train(model, data(), o); });
}

TEST_F(Train, NotFiniteStopsNamingTheStep) {
  TrainOptions o = options(folder / "out");
  o.learning_rate = 1e38;
  o.warmup = 0;
  o.checkpoint_every = 1;
  Model model = lora_model();
  int64_t last = 0;
  o.on_progress = [&](const TrainProgress& p) { last = p.step; };
  try {
    train(model, data(), o);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::device_failure);
    EXPECT_NE(std::string(e.what()).find(fmt::format("step {}", last + 1)), std::string::npos)
        << e.what();
    EXPECT_NE(std::string(e.what()).find(fmt::format("checkpoint of step {}", last)),
              std::string::npos)
        << e.what();
  }
  EXPECT_TRUE(fs::exists(folder / "out/checkpoint/state.json"));
}

TEST_F(Train, AllParametersOfASmallModel) {
  const auto run = [&](const std::string& out, int64_t stop) {
    for (const bool resume : {false, true}) {
      Model model = Model::load(folder / "model", {.device = "cpu"});
      model.make_trainable();
      TrainOptions o = options(folder / out);
      o.checkpoint_every = 2;
      o.resume = resume;
      double first = 0, last = 0;
      o.on_progress = [&](const TrainProgress& p) {
        if (p.step == 1) first = p.loss;
        last = p.loss;
        if (!resume && p.step == stop) throw Stop();
      };
      if (!resume && stop > 0) {
        EXPECT_THROW(train(model, data(), o), Stop);
        continue;
      }
      train(model, data(), o);
      if (stop == 0) {
        EXPECT_LT(last, 0.8 * first);
      }
      const Model saved = Model::load(folder / out, {.device = "cpu"});
      const std::vector<int32_t> ids = {5, 6, 7};
      EXPECT_EQ(saved.logits(ids).to_vector<float>(), model.logits(ids).to_vector<float>());
      if (stop == 0) return;
    }
  };
  run("whole", 0);
  run("pieces", 5);
  EXPECT_EQ(read_text(folder / "whole/model.safetensors"),
            read_text(folder / "pieces/model.safetensors"));
}

TEST_F(Train, EpochsDecideTheSteps) {
  Model model = lora_model();
  TrainOptions o = options("");  // nothing on the disk
  o.steps = 0;
  o.epochs = 1.5;  // 16.5 examples, rounded to 17: four steps of 4 and one of 1
  const TrainResult result = train(model, data(), o);
  EXPECT_EQ(result.steps, 5);
}

TEST_F(Train, RefusesOptionsOutOfRange) {
  const auto refused = [&](const std::string& name,
                           const std::function<void(TrainOptions*)>& edit) {
    TrainOptions o = options("");
    edit(&o);
    Model model = lora_model();
    expect_error(ErrorCode::argument, {name}, [&] { train(model, data(), o); });
  };
  refused("batch", [](TrainOptions* o) { o->batch = 0; });
  refused("seq_len", [](TrainOptions* o) { o->seq_len = 1; });
  refused("context", [](TrainOptions* o) { o->seq_len = 513; });
  refused("accumulate", [](TrainOptions* o) { o->accumulate = -1; });
  refused("learning_rate", [](TrainOptions* o) { o->learning_rate = NAN; });
  refused("beta2", [](TrainOptions* o) { o->beta2 = 1; });
  refused("eps", [](TrainOptions* o) { o->eps = 0; });
  refused("clip", [](TrainOptions* o) { o->clip = -1; });
  refused("epochs", [](TrainOptions* o) { o->steps = 0, o->epochs = 0; });
  refused("epochs", [](TrainOptions* o) { o->steps = 0, o->epochs = 1e300; });
  refused("steps", [](TrainOptions* o) { o->steps = int64_t{1} << 52; });
  refused("steps", [](TrainOptions* o) {
    o->steps = std::numeric_limits<int64_t>::max();
    o->batch = o->accumulate = std::numeric_limits<int>::max();
  });
  refused("resume", [](TrainOptions* o) { o->resume = true; });
  TrainOptions short_rows = options("");
  short_rows.seq_len = 5;
  Model model = lora_model();
  expect_error(ErrorCode::format, {"none of its"}, [&] { train(model, data(), short_rows); });
  Model plain = Model::load(folder / "model", {.device = "cpu"});
  expect_error(ErrorCode::argument, {"trains nothing"}, [&] { train(plain, data(), options("")); });
}

// Too little for a step, enough for the model: the error says what was asked for and what is held,
// and with room again the same run goes through, in the same bits.
TEST_F(Train, OutOfMemoryIsToldAndPasses) {
  const Device cpu("cpu");
  const int64_t budget = memory_use(cpu).budget;
  Model whole = lora_model();
  train(whole, data(), options(folder / "whole"));
  Model model = lora_model();
  release_cached_memory(cpu);
  const int64_t held = memory_use(cpu).live, limit = held + (64 << 10);
  set_memory_budget(cpu, limit);
  expect_error(ErrorCode::out_of_memory, {"asked for", std::to_string(limit)},
               [&] { train(model, data(), options(folder / "out")); });
  EXPECT_FALSE(fs::exists(folder / "out/adapter_model.safetensors"));
  set_memory_budget(cpu, budget);
  Model again = lora_model();
  train(again, data(), options(folder / "out"));
  EXPECT_EQ(adapter(folder / "out"), adapter(folder / "whole"));
}

TEST_F(Train, NamesTheFolderItCannotWrite) {
  write_text(folder / "file", "");
  Model model = lora_model();
  expect_error(ErrorCode::io, {folder / "file"},
               [&] { train(model, data(), options(folder / "file/out")); });
}

}  // namespace
}  // namespace pewter
