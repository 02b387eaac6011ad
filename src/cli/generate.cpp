// pewter generate: the answer alone on stdout, as it comes; what it cost on stderr.
#include <unistd.h>

#include <iostream>
#include <iterator>

#include "command.h"

namespace pewter::cli {
namespace {

struct Options {
  Common common;
  std::string model, prompt, adapter;
  bool chat = false;
  GenerateOptions generate;
};

void print_piece(std::string_view piece) {
  if (std::fwrite(piece.data(), 1, piece.size(), stdout) != piece.size() ||
      std::fflush(stdout) != 0) {
    throw_error(ErrorCode::io, "[generate] stdout cannot be written");
  }
}

void print_statistics(const GenerateResult& r) {
  const auto tokens = static_cast<double>(r.ids.size());
  tell("prompt {} tokens, {:.1f} tokens/s; answer {} tokens, {:.1f} tokens/s; ended by {}\n",
       r.prompt_tokens, static_cast<double>(r.prompt_tokens) / r.prompt_seconds, r.ids.size(),
       tokens / std::max(r.decode_seconds, 1e-9), r.finish);
}

nlohmann::json to_json(const GenerateResult& r) {
  return {{"text", r.text},
          {"finish", r.finish},
          {"prompt_tokens", r.prompt_tokens},
          {"tokens", r.ids.size()},
          {"ids", r.ids},
          {"prompt_seconds", r.prompt_seconds},
          {"decode_seconds", r.decode_seconds}};
}

GenerateResult answer(const Options& o, const Model& model, const std::string& prompt) {
  const auto stream = [&](std::string_view piece) {
    if (!o.common.json) print_piece(piece);
  };
  GenerateResult r = model.generate(prompt, o.generate, stream);
  if (o.common.json) {
    print_json(to_json(r));
  } else {
    // Into a file or a pipe goes the continuation alone; answers of a conversation are lines.
    if (o.chat || isatty(STDOUT_FILENO) != 0) print_piece("\n");
    print_statistics(r);
  }
  return r;
}

// Turns until the input ends; the whole conversation goes into every prompt.
int converse(const Options& o, const Model& model) {
  const bool ask = o.prompt.empty() && isatty(STDIN_FILENO) != 0;
  std::vector<ChatMessage> messages;
  std::string line = o.prompt;
  for (bool first = true; !interrupted(); first = false) {
    if (!first || o.prompt.empty()) {
      if (!first && !o.prompt.empty()) return 0;
      if (ask) tell("> ");
      if (!std::getline(std::cin, line)) {
        if (ask) tell("\n");  // Ctrl-D leaves the cursor behind the question
        return interrupted() ? kInterrupted : 0;
      }
      if (line.empty()) continue;
    }
    messages.push_back({"user", line});
    const GenerateResult r = answer(o, model, model.chat_prompt(messages));
    messages.push_back({"assistant", r.text});
  }
  return kInterrupted;
}

int run(Options& o) {
  Model model = Model::load(o.model, {.device = o.common.chosen_device()});
  if (!o.adapter.empty()) model.load_adapter(o.adapter);
  o.generate.seed = o.common.seed;
  o.generate.cancelled = interrupted;
  if (o.chat) return converse(o, model);
  if (o.prompt.empty()) {
    o.prompt.assign(std::istreambuf_iterator<char>(std::cin), {});
    if (o.prompt.ends_with('\n')) o.prompt.pop_back();
  }
  const GenerateResult r = answer(o, model, o.prompt);
  return r.finish == "cancelled" ? kInterrupted : 0;
}

}  // namespace

void add_generate(CLI::App& app) {
  static Options o;
  GenerateOptions& g = o.generate;
  CLI::App* c =
      add_command(app, "generate", "Continue a prompt, or chat", o.common, [] { return run(o); });
  add_model_option(*c, o.model);
  c->add_option("-p,--prompt", o.prompt, "The prompt (default: standard input)");
  c->add_option("--adapter", o.adapter, "A LoRA adapter folder in PEFT's format");
  c->add_flag("--chat", o.chat, "Use the model's chat template; keep the conversation");
  c->add_option("--max-tokens", g.max_tokens, "Longest answer")
      ->check(at_least(1))
      ->capture_default_str();
  c->add_option("--temperature", g.temperature, "0: always the most probable token")
      ->check(at_least(0))
      ->capture_default_str();
  c->add_option("--top-k", g.top_k, "Only the k most probable tokens (0: all)")->check(at_least(0));
  c->add_option("--top-p", g.top_p, "Only the most probable tokens that make up p")
      ->check(above(0))
      ->check(in_range(0, 1));
  c->add_option("--min-p", g.min_p, "Only tokens at least min-p times as probable as the best")
      ->check(in_range(0, 1));
  c->add_option("--repetition-penalty", g.repetition_penalty, "Above 1: fewer repetitions")
      ->check(above(0));
  c->add_option("--stop", g.stop, "End before this text (may be given several times)");
}

}  // namespace pewter::cli
