// pewter eval: loss, perplexity and the share of answers that are exactly right.
#include "command.h"
#include "pewter/train.h"

namespace pewter::cli {
namespace {

struct Options {
  Common common;
  std::string model, data, adapter;
  bool no_answers = false;
  int show = 0;
  EvalOptions eval;
};

// An answer on one line of a screen.
std::string one_line(const std::string& text) {
  constexpr size_t kMost = 160;
  std::string line;
  for (char c : text) line += c == '\n' ? ' ' : c;
  if (line.size() <= kMost) return line;
  size_t cut = kMost;  // not inside a UTF-8 character
  while (cut > 0 && (static_cast<unsigned char>(line[cut]) & 0xC0) == 0x80) --cut;
  return line.substr(0, cut) + " ...";
}

void show_answers(const EvalResult& r, int count) {
  for (int i = 0; i < std::min<int>(count, static_cast<int>(r.answers.size())); ++i) {
    const auto& a = r.answers[static_cast<size_t>(i)];
    tell("{}\n  {}  {}\n", a.prompt, a.right ? "right" : "wrong", one_line(a.given));
    if (!a.right) tell("  wanted {}\n", a.expected);
  }
}

nlohmann::json to_json(const EvalResult& r) {
  nlohmann::json out = {{"examples", r.examples},  {"examples_cut", r.cut}, {"tokens", r.tokens},
                        {"seconds", r.seconds},    {"loss", nullptr},       {"perplexity", nullptr},
                        {"cancelled", r.cancelled}};
  if (r.tokens > 0) {
    out["loss"] = r.loss;
    out["perplexity"] = r.perplexity;
  }
  if (r.cancelled) out["examples_in_all"] = r.all;
  if (!r.answers.empty()) {
    out["answers"] = r.answers.size();
    out["exact_match"] = r.exact_match;
  }
  return out;
}

void print(const EvalResult& r) {
  if (r.cancelled) {
    fmt::print("stopped after {} of {} examples; of those alone: ", r.examples, r.all);
    if (r.tokens == 0) fmt::print("nothing\n");
    if (r.tokens == 0) return;
  }
  fmt::print("loss {:.4f}  perplexity {:.3f}", r.loss, r.perplexity);
  if (!r.answers.empty()) fmt::print("  exact match {:.1f} %", 100 * r.exact_match);
  fmt::print("  ({} examples, {})\n", r.examples, duration(r.seconds));
}

int run(Options& o) {
  Model model = Model::load(o.model, {.device = o.common.chosen_device()});
  if (!o.adapter.empty()) model.load_adapter(o.adapter);
  const Dataset data = Dataset::jsonl(o.data);
  ProgressLine line;
  o.eval.exact_match = !o.no_answers;
  o.eval.complete = o.show;
  o.eval.cancelled = interrupted;
  o.eval.on_progress = [&](int64_t done, int64_t all) {
    line.show(fmt::format("{}/{} examples", done, all), done == all);
  };
  const EvalResult r = evaluate(model, data, o.eval);
  line.finish();
  if (r.tokens == 0 && !r.cancelled) {
    throw_error(ErrorCode::format,
                "[eval] {}: none of its {} examples has a token that the loss "
                "counts",
                o.data, r.examples);
  }
  if (r.cut > 0) {
    tell("{} of {} examples are longer than --seq-len {} and were cut\n", r.cut, r.all,
         o.eval.seq_len);
  }
  show_answers(r, o.show);
  if (o.common.json) {
    print_json(to_json(r));
  } else {
    print(r);
  }
  return r.cancelled ? kInterrupted : 0;
}

}  // namespace

void add_eval(CLI::App& app) {
  static Options o;
  CLI::App* c = add_command(app, "eval", "Loss, perplexity and exact match on a data set", o.common,
                            [] { return run(o); });
  add_model_option(*c, o.model);
  c->add_option("--data", o.data, "JSONL: text, prompt/completion or messages")->required();
  c->add_option("--adapter", o.adapter, "A LoRA adapter folder in PEFT's format");
  c->add_option("--seq-len", o.eval.seq_len, "Longest row of tokens, at most the model's context")
      ->check(at_least(2))
      ->capture_default_str();
  CLI::Option* without = c->add_flag("--no-answers", o.no_answers, "Loss and perplexity only");
  c->add_option("--batch", o.eval.batch, "Answers made at a time")
      ->check(at_least(1))
      ->excludes(without)
      ->capture_default_str();
  c->add_option("--max-tokens", o.eval.max_tokens, "Longest answer")
      ->check(at_least(1))
      ->excludes(without)
      ->capture_default_str();
  c->add_option("--show", o.show, "Print so many answers")->check(at_least(0))->excludes(without);
  c->add_flag("--raw", o.eval.raw, "Prompt and completion without the chat template");
}

}  // namespace pewter::cli
