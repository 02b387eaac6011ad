// Fine-tuning: data, the loop, and its measurements.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pewter/model.h"

namespace pewter {

struct DatasetImpl;

// Training or evaluation examples, from JSONL: one object a line with `text`, or
// `prompt` and `completion`, or `messages` ([{"role", "content"}, ...]). With prompt/completion and
// a model that has a chat template the prompt becomes the user's turn and the completion the
// assistant's; loss counts completion and assistant tokens (with the end-of-turn token) only.
class Dataset {
 public:
  // Throws ErrorCode::io or ErrorCode::format naming file, line and field.
  static Dataset jsonl(const std::string& path);
  int64_t size() const;
  const DatasetImpl& impl() const { return *impl_; }

 private:
  explicit Dataset(std::shared_ptr<DatasetImpl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<DatasetImpl> impl_;
};

enum class Schedule { constant, linear, cosine };

// One line of the log: a step, or an evaluation.
struct TrainProgress {
  int64_t step = 0, steps = 0;
  double loss = 0;  // mean over the step's counted tokens
  double learning_rate = 0, gradient_norm = 0;
  // Of the examples trained on so far, each with its prompt, and of those the ones that went
  // through the model: beginnings that examples of a batch share are computed once.
  int64_t tokens = 0, tokens_computed = 0;
  double tokens_per_second = 0;  // computed, over the last steps (up to 10)
  double seconds = 0, seconds_left = 0;
  int64_t dropped = 0, cut = 0;  // as in TrainResult
  std::optional<double> eval_loss, eval_exact_match;
};

struct TrainOptions {
  int64_t steps = 0;  // 0: from epochs
  double epochs = 1;
  int batch = 8;       // examples a step takes, packed into rows of at most seq_len tokens
  int seq_len = 512;   // an example longer than this is cut
  int accumulate = 1;  // a step takes batch * accumulate examples, weighted by tokens
  double learning_rate = 2e-3;
  Schedule schedule = Schedule::cosine;
  int64_t warmup = 0;  // steps
  double weight_decay = 0, clip = 1, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double loraplus = 0;  // learning rate of B over that of A; 0: the same (arXiv 2402.12354)
  uint64_t seed = 0;
  std::string out = {};  // folder of the adapter (or model, when all parameters train)
  int64_t checkpoint_every = 0, eval_every = 0;  // steps; 0: only at the end
  bool resume = false;  // continue from the checkpoint in `out`; the result has the same bits
  const Dataset* eval_data = nullptr;
  bool eval_exact_match = false;  // ErrorCode::argument if no example of eval_data has an answer
  // So many prompts (of eval_data, else of the data) are answered before and after, for the report.
  int samples = 5;
  bool raw = false;  // prompt and completion as they are, without the chat template
  std::function<void(const TrainProgress&)> on_progress = {};
  // Asked before every row of tokens. What was not a whole step is forgotten, and a checkpoint left
  // of what was; before the first step nothing is.
  std::function<bool()> cancelled = {};
};

struct TrainResult {
  int64_t steps = 0;
  int64_t tokens = 0, tokens_computed = 0;     // as in TrainProgress
  int64_t examples = 0, dropped = 0, cut = 0;  // trained on; without a counted token; over seq_len
  double seconds = 0;                          // in all, with evaluations and checkpoints
  double tokens_per_second = 0;                // computed, while in steps
  double example_tokens_per_second = 0;        // the examples' tokens over the same time
  double final_loss = 0;                       // mean of the last steps (up to 20)
  bool cancelled = false;                      // with steps == 0: nothing was left behind
};

// Trains what is trainable (add_lora or make_trainable) and leaves in `out`: the adapter in PEFT's
// format (or a Hugging Face folder in f32), log.jsonl, report.html and checkpoint/, which is an
// adapter folder too. AdamW (arXiv 1711.05101), norms and biases without weight decay; gradients
// clipped by global norm. Loss and gradients are sums over counted tokens divided by their number
// over the whole step, however it is cut into rows. Examples come in an order that (seed, epoch)
// fixes; without `steps`, epochs * examples of them are used, rounded.
//
// One run at a time trains into a folder: another is ErrorCode::io.
//
// resume: goes on from out/checkpoint, or begins if there is none yet. A run that was killed at any
// moment and resumed ends in the same bits as one that was not. A setting, data file, model (by
// names, shapes and the first 4 KiB of each weight), device or CPU instruction set other than the
// checkpoint's is ErrorCode::argument naming the field.
// Throws ErrorCode::argument naming an option out of range, or when the model trains nothing;
// ErrorCode::format when no example has a counted token; ErrorCode::device_failure naming the step
// when loss or gradient is not finite (the last checkpoint stays); ErrorCode::io for what cannot be
// written. An empty `out` leaves nothing on the disk.
TrainResult train(Model& model, const Dataset& data, const TrainOptions& options);

struct EvalOptions {
  int batch = 16;  // answers generated at a time
  // Tokens that go through the model at a time, at most its context; longer examples are cut.
  int seq_len = 1024;
  int max_tokens = 128;     // of an answer, for exact match
  bool exact_match = true;  // greedy answers compared with the completions, outer blanks aside
  int64_t complete = 0;     // so many of the first answers are generated to their end, right or not
  bool raw = false;
  std::function<void(int64_t done, int64_t all)> on_progress = {};
  std::function<bool()> cancelled = {};
};
struct EvalResult {
  double loss = 0, perplexity = 0;
  double exact_match = 0;  // share of the answers that are right; 0 if there is none to give
  int64_t examples = 0, tokens = 0;
  int64_t all = 0, cut = 0;  // examples there are; of them, longer than seq_len
  bool cancelled = false;    // then loss is of `examples` of `all`, and exact_match is not known
  double seconds = 0;
  struct Answer {
    // given ends with the first token that cannot match, unless the answer is a complete one.
    std::string prompt, expected, given;
    bool right = false;
  };
  std::vector<Answer> answers;
};
// Loss over counted tokens, as in training. A greedy answer is the one that generate() gives for
// the same prompt; examples of plain text have none and count for the loss alone.
EvalResult evaluate(const Model& model, const Dataset& data, const EvalOptions& options = {});

}  // namespace pewter
