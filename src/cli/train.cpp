// pewter train: the settings of train.h as options, a line that tells how far it is, and what it
// left behind.
#include "pewter/train.h"

#include <filesystem>
#include <utility>

#include "command.h"
#include "io/atomic_file.h"

namespace pewter::cli {
namespace {

struct Options {
  Common common;
  std::string model, data, eval_data, schedule = "cosine", start_adapter;
  bool full = false, exact_match = false;
  LoraConfig lora;
  TrainOptions train;
};

std::string progress_line(const TrainProgress& p) {
  std::string line =
      fmt::format("step {}/{}  loss {:.4f}  lr {:.2e}  {:.0f} tokens/s  {} left", p.step, p.steps,
                  p.loss, p.learning_rate, p.tokens_per_second, duration(p.seconds_left));
  if (p.eval_loss) line += fmt::format("  eval loss {:.4f}", *p.eval_loss);
  if (p.eval_exact_match) line += fmt::format("  exact match {:.1f} %", 100 * *p.eval_exact_match);
  return line;
}

Schedule schedule_of(const std::string& name) {
  if (name == "constant") return Schedule::constant;
  return name == "linear" ? Schedule::linear : Schedule::cosine;
}

void tell_result(const TrainResult& r, const std::string& out) {
  if (!r.cancelled) {
    tell("{} tokens of examples, {} of them computed, in {}, {:.0f} tokens/s; see {}/report.html\n",
         r.tokens, r.tokens_computed, duration(r.seconds), r.tokens_per_second, out);
  } else if (r.steps == 0) {
    tell("stopped before the first step; nothing was kept of this run\n");
  } else {
    tell(
        "stopped after step {}, which {}/checkpoint holds; the same command with --resume goes on "
        "from there\n",
        r.steps, out);
  }
}

// Once: nobody should learn after hours that half of the data was not looked at.
class DataNotes {
 public:
  void tell_once(int64_t cut, int64_t dropped, int seq_len) {
    if (std::exchange(told_, true)) return;
    if (cut > 0) tell("{} examples are longer than --seq-len {} and were cut\n", cut, seq_len);
    if (dropped > 0) tell("{} examples have nothing that the loss counts: left out\n", dropped);
  }

 private:
  bool told_ = false;
};

void tell_start(const Options& o) {
  if (!o.train.resume) return;
  const auto whole = io::whole_directory(std::filesystem::path(o.train.out) / "checkpoint");
  if (whole.empty()) {
    tell("{}: no checkpoint to resume from; starting from the beginning\n", o.train.out);
  } else {
    tell("going on from {}\n", whole.string());
  }
}

int run(Options& o) {
  Model model = Model::load(o.model, {.device = o.common.chosen_device()});
  o.lora.seed = o.train.seed = o.common.seed;
  if (o.full) {
    model.make_trainable();
  } else if (!o.start_adapter.empty()) {
    model.load_adapter(o.start_adapter, true);
  } else {
    model.add_lora(o.lora);
  }
  const Dataset data = Dataset::jsonl(o.data);
  std::optional<Dataset> eval_data;
  if (!o.eval_data.empty()) eval_data = Dataset::jsonl(o.eval_data);
  o.train.eval_data = eval_data ? &*eval_data : nullptr;
  o.train.eval_exact_match = o.exact_match;
  o.train.schedule = schedule_of(o.schedule);
  o.train.cancelled = interrupted;
  ProgressLine line;
  DataNotes notes;
  o.train.on_progress = [&](const TrainProgress& p) {
    notes.tell_once(p.cut, p.dropped, o.train.seq_len);
    line.show(progress_line(p), p.step == p.steps || p.eval_loss.has_value());
  };
  tell("{}: {} parameters, {} of them trained, {} examples\n", o.model, model.parameter_count(),
       model.trainable_count(), data.size());
  tell_start(o);
  const TrainResult r = train(model, data, o.train);
  line.finish();
  notes.tell_once(r.cut, r.dropped, o.train.seq_len);
  tell_result(r, o.train.out);
  if (o.common.json) {
    print_json({{"steps", r.steps},
                {"tokens", r.tokens},
                {"tokens_computed", r.tokens_computed},
                {"train_seconds", r.seconds},
                {"tokens_per_second", r.tokens_per_second},
                {"example_tokens_per_second", r.example_tokens_per_second},
                {"examples", r.examples},
                {"examples_cut", r.cut},
                {"examples_dropped", r.dropped},
                {"final_loss", r.final_loss},
                {"cancelled", r.cancelled},
                {"out", o.train.out}});
  }
  return r.cancelled ? kInterrupted : 0;
}

// An adapter that is given brings its own settings, and full training has none: an option that
// would change nothing is refused.
void add_lora_options(CLI::App& c, Options& o) {
  CLI::Option* adapter = c.add_option("--adapter", o.start_adapter, "Go on training this adapter");
  CLI::Option* full = c.add_flag("--full", o.full, "Train all parameters instead of an adapter");
  adapter->excludes(full);
  const auto of_new_adapter = [&](CLI::Option* option) {
    option->excludes(full)->excludes(adapter);
    return option;
  };
  of_new_adapter(c.add_option("--rank", o.lora.rank, "Rank of the low-rank terms"))
      ->check(at_least(1))
      ->capture_default_str();
  of_new_adapter(c.add_option("--alpha", o.lora.alpha, "They are scaled by alpha / rank"))
      ->check(finite())
      ->capture_default_str();
  of_new_adapter(c.add_option("--dropout", o.lora.dropout, "Dropout on their input"))
      ->check(share());
  of_new_adapter(c.add_option("--targets", o.lora.targets, "Linear layers by name, or all-linear"))
      ->delimiter(',');
  of_new_adapter(c.add_flag("--rslora", o.lora.rslora, "Scale by alpha / sqrt(rank)"));
  c.add_option("--loraplus", o.train.loraplus, "Learning rate of B over that of A (LoRA+)")
      ->check(at_least(0))
      ->excludes(full);
}

void add_loop_options(CLI::App& c, Options& o) {
  TrainOptions& t = o.train;
  CLI::Option* steps = c.add_option("--steps", t.steps, "Optimiser steps (default: from --epochs)");
  steps->check(at_least(1));
  c.add_option("--epochs", t.epochs, "Passes over the data")
      ->check(above(0))
      ->excludes(steps)
      ->capture_default_str();
  c.add_option("--batch", t.batch, "Examples packed into one batch")
      ->check(at_least(1))
      ->capture_default_str();
  c.add_option("--seq-len", t.seq_len, "Longest row of tokens")
      ->check(at_least(2))
      ->capture_default_str();
  c.add_option("--accumulate", t.accumulate, "Batches a step, weighted by tokens")
      ->check(at_least(1))
      ->capture_default_str();
  c.add_option("--lr", t.learning_rate, "Learning rate")->check(at_least(0))->capture_default_str();
  c.add_option("--schedule", o.schedule, "constant, linear or cosine")
      ->check(CLI::IsMember({"constant", "linear", "cosine"}))
      ->capture_default_str();
  c.add_option("--warmup", t.warmup, "Steps of rising learning rate")->check(at_least(0));
  c.add_option("--weight-decay", t.weight_decay, "AdamW's weight decay")->check(at_least(0));
  c.add_option("--clip", t.clip, "Largest norm of the gradient (0: any)")
      ->check(at_least(0))
      ->capture_default_str();
  c.add_option("--checkpoint-every", t.checkpoint_every, "Checkpoint every so many steps")
      ->check(at_least(0));
  c.add_flag("--resume", t.resume, "Go on from the checkpoint in --out, or begin if there is none");
  c.add_flag("--raw", t.raw, "Prompt and completion without the chat template");
}

void add_eval_options(CLI::App& c, Options& o) {
  CLI::Option* data = c.add_option("--eval-data", o.eval_data, "As --data, to evaluate on");
  c.add_option("--eval-every", o.train.eval_every, "Evaluate every so many steps")
      ->check(at_least(0))
      ->needs(data);
  c.add_flag("--exact-match", o.exact_match, "Also generate and compare answers when evaluating")
      ->needs(data);
}

}  // namespace

void add_train(CLI::App& app) {
  static Options o;
  CLI::App* c =
      add_command(app, "train", "Fine-tune with LoRA, or fully", o.common, [] { return run(o); });
  add_model_option(*c, o.model);
  c->add_option("--data", o.data, "JSONL: text, prompt/completion or messages")->required();
  c->add_option("--out", o.train.out, "Folder for adapter, log and report")->required();
  add_lora_options(*c, o);
  add_loop_options(*c, o);
  add_eval_options(*c, o);
}

}  // namespace pewter::cli
