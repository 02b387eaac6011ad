// pewter train: the settings of train.h as options, a line that tells how far it is, and what it
// left behind.
#include "pewter/train.h"

#include "command.h"

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
  o.train.on_progress = [&](const TrainProgress& p) {
    line.show(progress_line(p), p.step == p.steps || p.eval_loss.has_value());
  };
  tell("{}: {} parameters, {} of them trained, {} examples\n", o.model, model.parameter_count(),
       model.trainable_count(), data.size());
  const TrainResult r = train(model, data, o.train);
  line.finish();
  if (o.common.json) {
    print_json({{"steps", r.steps},
                {"tokens", r.tokens},
                {"train_seconds", r.seconds},
                {"tokens_per_second", r.tokens_per_second},
                {"final_loss", r.final_loss},
                {"cancelled", r.cancelled},
                {"out", o.train.out}});
  } else {
    tell("{} tokens in {}, {:.0f} tokens/s; see {}/report.html\n", r.tokens, duration(r.seconds),
         r.tokens_per_second, o.train.out);
  }
  return r.cancelled ? kInterrupted : 0;
}

void add_lora_options(CLI::App& c, Options& o) {
  c.add_option("--rank", o.lora.rank, "Rank of the low-rank terms")->capture_default_str();
  c.add_option("--alpha", o.lora.alpha, "They are scaled by alpha / rank")->capture_default_str();
  c.add_option("--dropout", o.lora.dropout, "Dropout on their input");
  c.add_option("--targets", o.lora.targets, "Linear layers by name, or all-linear")->delimiter(',');
  c.add_flag("--rslora", o.lora.rslora, "Scale by alpha / sqrt(rank)");
  c.add_option("--loraplus", o.train.loraplus, "Learning rate of B over that of A (LoRA+)");
  c.add_option("--adapter", o.start_adapter, "Go on training this adapter");
  c.add_flag("--full", o.full, "Train all parameters instead of an adapter");
}

void add_loop_options(CLI::App& c, Options& o) {
  TrainOptions& t = o.train;
  c.add_option("--steps", t.steps, "Optimiser steps (default: from --epochs)");
  c.add_option("--epochs", t.epochs, "Passes over the data")->capture_default_str();
  c.add_option("--batch", t.batch, "Examples packed into one batch")->capture_default_str();
  c.add_option("--seq-len", t.seq_len, "Longest row of tokens")->capture_default_str();
  c.add_option("--accumulate", t.accumulate, "Batches a step, weighted by tokens")
      ->capture_default_str();
  c.add_option("--lr", t.learning_rate, "Learning rate")->capture_default_str();
  c.add_option("--schedule", o.schedule, "constant, linear or cosine")
      ->check(CLI::IsMember({"constant", "linear", "cosine"}))
      ->capture_default_str();
  c.add_option("--warmup", t.warmup, "Steps of rising learning rate");
  c.add_option("--weight-decay", t.weight_decay, "AdamW's weight decay");
  c.add_option("--clip", t.clip, "Largest norm of the gradient (0: any)")->capture_default_str();
  c.add_option("--eval-every", t.eval_every, "Evaluate every so many steps");
  c.add_option("--checkpoint-every", t.checkpoint_every, "Checkpoint every so many steps");
  c.add_flag("--resume", t.resume, "Go on from the checkpoint in --out");
  c.add_flag("--exact-match", o.exact_match, "Also generate and compare answers when evaluating");
  c.add_flag("--raw", t.raw, "Prompt and completion without the chat template");
}

}  // namespace

void add_train(CLI::App& app) {
  static Options o;
  CLI::App* c =
      add_command(app, "train", "Fine-tune with LoRA, or fully", o.common, [] { return run(o); });
  add_model_option(*c, o.model);
  c->add_option("--data", o.data, "JSONL: text, prompt/completion or messages")->required();
  c->add_option("--eval-data", o.eval_data, "The same, to evaluate on");
  c->add_option("--out", o.train.out, "Folder for adapter, log and report")->required();
  add_lora_options(*c, o);
  add_loop_options(*c, o);
}

}  // namespace pewter::cli
