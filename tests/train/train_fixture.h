// What the tests of the loop share: a small model, eleven pairs of data, and a run of ten steps.
#pragma once

#include "support.h"
#include "train/log.h"

namespace pewter::test {

struct Stop {};  // thrown from a callback: the process as good as gone

class Train : public ::testing::Test {
 protected:
  void SetUp() override {
    write_tiny_model(folder / "model");
    std::string lines;
    for (int i = 0; i < 11; ++i) {
      lines += fmt::format("{{\"prompt\": \"question {}\", \"completion\": \"answer {}\"}}\n", i,
                           i * 7 % 10);
    }
    write_text(folder / "data.jsonl", lines);
  }

  Model lora_model(const LoraConfig& config = {.rank = 4, .alpha = 8, .dropout = 0.1f, .seed = 1}) {
    Model model = Model::load(folder / "model", {.device = "cpu"});
    model.add_lora(config);
    return model;
  }
  Dataset data() { return Dataset::jsonl(folder / "data.jsonl"); }

  TrainOptions options(const std::string& out) {
    TrainOptions o;
    o.steps = 10;  // crosses from epoch to epoch: 10 * 4 examples of 11
    o.batch = 2;
    o.accumulate = 2;
    o.seq_len = 96;
    o.learning_rate = 1e-2;
    o.warmup = 2;
    o.weight_decay = 0.01;
    o.seed = 4;
    o.samples = 2;
    o.out = out;
    return o;
  }

  std::string adapter(const std::string& out) {
    return read_text(out + "/adapter_model.safetensors");
  }

  // The whole run, stopped after each of `stops` steps by an exception, resumed to the end.
  void train_in_pieces(const TrainOptions& wanted, const std::vector<int64_t>& stops) {
    TrainOptions o = wanted;
    for (const int64_t stop : stops) {
      Model model = lora_model();
      o.on_progress = [stop](const TrainProgress& p) {
        if (p.step == stop) throw Stop();
      };
      EXPECT_THROW(train(model, data(), o), Stop) << "at step " << stop;
      o.resume = true;
    }
    o.on_progress = {};
    Model model = lora_model();
    const TrainResult result = train(model, data(), o);
    EXPECT_EQ(result.steps, wanted.steps);
  }

  void expect_one_line_a_step(const std::string& out, int64_t steps) {
    std::vector<int64_t> seen;
    for (const io::Json& line : read_log(out + "/log.jsonl")) {
      if (line.contains("loss")) seen.push_back(line["step"].get<int64_t>());
    }
    std::vector<int64_t> expected;
    for (int64_t step = 1; step <= steps; ++step) expected.push_back(step);
    EXPECT_EQ(seen, expected);
  }

  TempFolder folder;
};

}  // namespace pewter::test
