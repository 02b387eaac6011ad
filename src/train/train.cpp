// The loop. What a step does is step.h and optimizer.h; here is the order of things around it,
// which is what makes a killed run resumable: a step's lines go to the log first, then the
// checkpoint that covers them, so the log is never behind a checkpoint and is cut back to it on
// resuming.
#include "pewter/train.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <filesystem>

#include "io/weights.h"
#include "model/finite.h"
#include "model/model_impl.h"
#include "train/batch_generate.h"
#include "train/checkpoint.h"
#include "train/folder_lock.h"
#include "train/log.h"
#include "train/report.h"
#include "train/sampler.h"
#include "train/schedule.h"
#include "train/step.h"

namespace pewter {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr size_t kRateSteps = 10;                    // tokens per second are over so many steps
constexpr size_t kFinalLossSteps = 20;               // final_loss is the mean of so many
constexpr int64_t kSampleTokens = 64;                // of an answer in the report
constexpr int64_t kMostExamples = int64_t{1} << 53;  // a run takes; more and a double cannot count

void need(bool fine, const char* name, double value, const char* range) {
  if (!fine)
    throw_error(ErrorCode::argument, "[train] {} is {}; it must be {}", name, value, range);
}

void check_numbers(const TrainOptions& o) {
  const auto at_least = [](double least, const char* name, double value) {
    need(std::isfinite(value) && value >= least, name, value,
         least == 0   ? "0 or more"
         : least == 1 ? "1 or more"
                      : "2 or more");
  };
  at_least(0, "steps", static_cast<double>(o.steps));
  at_least(1, "batch", o.batch);
  at_least(2, "seq_len", o.seq_len);
  at_least(1, "accumulate", o.accumulate);
  at_least(0, "learning_rate", o.learning_rate);
  at_least(0, "warmup", static_cast<double>(o.warmup));
  at_least(0, "weight_decay", o.weight_decay);
  at_least(0, "clip", o.clip);
  at_least(0, "loraplus", o.loraplus);
  at_least(0, "checkpoint_every", static_cast<double>(o.checkpoint_every));
  at_least(0, "eval_every", static_cast<double>(o.eval_every));
  need(o.beta1 >= 0 && o.beta1 < 1, "beta1", o.beta1, "in [0, 1)");
  need(o.beta2 >= 0 && o.beta2 < 1, "beta2", o.beta2, "in [0, 1)");
  need(std::isfinite(o.eps) && o.eps > 0, "eps", o.eps, "above 0");
  need(o.steps > 0 || (std::isfinite(o.epochs) && o.epochs > 0), "epochs", o.epochs, "above 0");
}

// Exact match of data without answers would be a figure about nothing.
void check_answers(const TrainOptions& o) {
  if (!o.eval_exact_match) return;
  if (!o.eval_data) {
    throw_error(ErrorCode::argument, "[train] eval_exact_match needs eval_data");
  }
  const DatasetImpl& data = o.eval_data->impl();
  if (std::ranges::any_of(data.examples, has_answer)) return;
  throw_error(ErrorCode::argument,
              "[train] eval_exact_match: none of the {} examples of {} has an answer to compare",
              data.examples.size(), data.name);
}

void check_options(const Model& model, const TrainOptions& o) {
  check_numbers(o);
  check_answers(o);
  const int64_t context = model.impl().decoder.config().max_context;
  if (o.seq_len > context) {
    throw_error(ErrorCode::argument, "[train] seq_len {} is more than the model's context of {}",
                o.seq_len, context);
  }
  if (o.resume && o.out.empty()) {
    throw_error(ErrorCode::argument, "[train] resume needs a folder in 'out'");
  }
}

float dropout_of(const Model& model) {
  float most = 0;
  for (const Linear* linear : adapted(model.impl().decoder)) {
    most = std::max(most, linear->lora->dropout);
  }
  return most;
}

// How many of the stream's examples the run takes.
int64_t examples_taken(const TrainOptions& o, int64_t per_step, int64_t documents) {
  if (o.steps > 0) {
    if (o.steps <= kMostExamples / per_step) return o.steps * per_step;
    throw_error(ErrorCode::argument, "[train] {} steps of {} examples; a run takes at most {}",
                o.steps, per_step, kMostExamples);
  }
  const double taken = o.epochs * static_cast<double>(documents);
  if (taken <= static_cast<double>(kMostExamples)) return std::max<int64_t>(1, std::llround(taken));
  throw_error(ErrorCode::argument, "[train] {} epochs of {} examples; a run takes at most {}",
              o.epochs, documents, kMostExamples);
}

class Training {
 public:
  Training(Model& model, const Dataset& data, const TrainOptions& options)
      : model_(model),
        data_(data.impl()),
        options_(options),
        optimizer_((check_options(model, options), model), options),
        documents_(tokenise(model, data_, options.seq_len, options.raw)),
        sampler_(usable_documents(), options.seed),
        step_options_{options.batch, options.seq_len, dropout_of(model), options.seed,
                      options.cancelled} {
    const int64_t per_step = int64_t{options.batch} * options.accumulate;
    stream_end_ = examples_taken(options, per_step, usable_documents());
    steps_ = (stream_end_ + per_step - 1) / per_step;
  }

  TrainResult run() {
    begin();
    while (state_.step < steps_) {
      std::optional<TrainProgress> taken = step();
      if (!taken) return finish(true);
      TrainProgress& progress = *taken;
      log_step(progress);
      const bool last = state_.step == steps_;
      if (options_.eval_data && (last || due(options_.eval_every))) evaluate_now(&progress);
      if (options_.on_progress) options_.on_progress(progress);
      if (!last && due(options_.checkpoint_every)) checkpoint();
    }
    return finish(options_.cancelled && options_.cancelled());  // or in the last evaluation
  }

 private:
  int64_t usable_documents() const {
    if (documents_.documents.empty()) {
      throw_error(ErrorCode::format,
                  "[train] {}: none of its {} examples has a token that the loss counts within "
                  "the first {} tokens",
                  data_.name, data_.examples.size(), options_.seq_len);
    }
    return static_cast<int64_t>(documents_.documents.size());
  }

  bool due(int64_t every) const { return every > 0 && state_.step % every == 0; }
  bool writes() const { return !options_.out.empty(); }
  fs::path out(const char* name) const { return fs::path(options_.out) / name; }
  double seconds() const {
    return seconds_before_ + std::chrono::duration<double>(Clock::now() - start_).count();
  }

  // The checkpoint put back, or a fresh start.
  void begin() {
    fingerprint_ = fingerprint(model_, options_, steps_, data_.hash, documents_.hash);
    start_ = Clock::now();
    bool resumed = false;
    if (writes()) {
      make_folder();
      lock_.emplace(options_.out);
      if (!model_.has_adapter()) io::check_model_folder(options_.out);
      if (options_.resume) {
        if (const auto state = read_checkpoint(out("checkpoint"), &optimizer_, fingerprint_)) {
          state_ = *state;
          checkpointed_ = state_.step;
          resumed = true;
        }
      } else {
        earlier_.emplace(options_.out);
      }
      log_.emplace(out("log.jsonl"), resumed ? state_.step : -1);
    }
    seconds_before_ = state_.seconds;
    if (resumed) {
      recall_losses();
    } else {
      first_lines();
    }
  }

  void make_folder() const {
    std::error_code error;
    fs::create_directories(options_.out, error);
    if (error) {
      throw_error(ErrorCode::io, "[train] {}: cannot create the folder: {}", options_.out,
                  error.message());
    }
  }

  void recall_losses() {
    for (const io::Json& line : read_log(out("log.jsonl"))) {
      if (line.contains("loss") && line["loss"].is_number()) {
        keep(&losses_, line["loss"].get<double>(), kFinalLossSteps);
      }
    }
  }

  void first_lines() {
    if (log_) {
      log_->write({{"step", 0}, {"settings", settings()}});
      log_samples();
    }
    if (options_.eval_data && options_.eval_every > 0) {
      TrainProgress progress;
      evaluate_now(&progress);
    }
  }

  io::Json settings() const {
    io::Json json = fingerprint_;
    for (const char* key : {"data file", "tokens of the data", "model"}) json.erase(key);
    constexpr const char* kSchedules[] = {"constant", "linear", "cosine"};
    json["schedule"] = kSchedules[static_cast<int>(options_.schedule)];
    json["model"] = model_.source();
    json["parameters"] = model_.parameter_count();
    json["data"] = data_.name;
    json["examples"] = documents_.documents.size();
    json["examples dropped"] = documents_.dropped;
    json["examples cut"] = documents_.cut;
    json["device"] = model_.device().name();
    json["threads"] = num_threads();
    if (options_.eval_data) json["eval data"] = options_.eval_data->impl().name;
    return json;
  }

  std::vector<const Document*> next_documents() {
    const int64_t per_step = int64_t{options_.batch} * options_.accumulate;
    const int64_t end = std::min(stream_end_, state_.data_position + per_step);
    std::vector<const Document*> chosen;
    for (; state_.data_position < end; ++state_.data_position) {
      const auto at = static_cast<size_t>(sampler_.at(state_.data_position));
      chosen.push_back(&documents_.documents[at]);
    }
    return chosen;
  }

  // Nothing where it was cancelled on the way: then the state is the one before.
  std::optional<TrainProgress> step() {
    const auto start = Clock::now();
    const TrainState before = state_;
    const StepResult result = forward_backward(model_.impl().decoder, next_documents(),
                                               step_options_, &state_.dropout_counter);
    if (result.cancelled) {
      optimizer_.clear_gradients();
      state_ = before;
      return std::nullopt;
    }
    const double norm = optimizer_.gradient_norm();
    if (!std::isfinite(result.loss) || !std::isfinite(norm)) fail_not_finite(result.loss, norm);
    const double rate = options_.learning_rate *
                        schedule_factor(options_.schedule, state_.step, options_.warmup, steps_);
    ++state_.step;
    optimizer_.step(state_.step, rate, norm);
    optimizer_.clear_gradients();
    const double took = std::chrono::duration<double>(Clock::now() - start).count();
    state_.tokens += result.tokens;
    state_.tokens_computed += result.computed;
    state_.step_seconds += took;
    keep(&losses_, result.loss, kFinalLossSteps);
    keep(&rates_, {result.computed, took}, kRateSteps);
    return progress(result.loss, rate, norm);
  }

  [[noreturn]] void fail_not_finite(double loss, double norm) {
    optimizer_.clear_gradients();
    check_weights_are_finite(model_);
    throw_error(ErrorCode::device_failure,
                "[train] step {}: the loss is {} and the gradient's norm {}; try a lower learning "
                "rate or more warmup{}",
                state_.step + 1, loss, norm,
                checkpointed_ ? fmt::format(" (the checkpoint of step {} is in {})", *checkpointed_,
                                            options_.out)
                              : std::string());
  }

  template <typename T>
  static void keep(std::deque<T>* last, T value, size_t count) {
    last->push_back(value);
    if (last->size() > count) last->pop_front();
  }

  TrainProgress progress(double loss, double rate, double norm) const {
    TrainProgress p;
    p.step = state_.step;
    p.steps = steps_;
    p.loss = loss;
    p.learning_rate = rate;
    p.gradient_norm = norm;
    p.tokens = state_.tokens;
    p.tokens_computed = state_.tokens_computed;
    p.dropped = documents_.dropped;
    p.cut = documents_.cut;
    double tokens = 0, time = 0;
    for (const auto& [n, took] : rates_) tokens += static_cast<double>(n), time += took;
    p.tokens_per_second = time > 0 ? tokens / time : 0;
    p.seconds = seconds();
    p.seconds_left =
        time / static_cast<double>(rates_.size()) * static_cast<double>(steps_ - state_.step);
    return p;
  }

  void log_step(const TrainProgress& p) {
    if (!log_) return;
    log_->write({{"step", p.step},
                 {"loss", p.loss},
                 {"learning_rate", p.learning_rate},
                 {"gradient_norm", p.gradient_norm},
                 {"tokens", p.tokens},
                 {"tokens_computed", p.tokens_computed},
                 {"tokens_per_second", p.tokens_per_second},
                 {"seconds", p.seconds}});
  }

  void evaluate_now(TrainProgress* progress) {
    EvalOptions eval;
    eval.exact_match = options_.eval_exact_match;
    eval.raw = options_.raw;
    eval.cancelled = options_.cancelled;
    const EvalResult result = evaluate(model_, *options_.eval_data, eval);
    if (result.cancelled) return;  // of a part of the data: not a figure
    progress->eval_loss = result.loss;
    io::Json line = {{"step", state_.step}, {"eval_loss", result.loss}};
    if (!result.answers.empty()) {
      progress->eval_exact_match = result.exact_match;
      line["exact_match"] = result.exact_match;
    }
    if (log_) log_->write(line);
  }

  void log_samples() {
    const DatasetImpl& from = options_.eval_data ? options_.eval_data->impl() : data_;
    const Tokeniser tokeniser(model_, options_.raw);
    std::vector<Question> questions;
    std::vector<AnswerTask> tasks;
    for (const Example& example : from.examples) {
      if (static_cast<int>(questions.size()) >= options_.samples) break;
      auto question = tokeniser.question(from, example);
      if (!question) continue;
      AnswerTask task;
      task.prompt = question->prompt_ids;
      task.max_tokens = kSampleTokens;
      tasks.push_back(std::move(task));
      questions.push_back(std::move(*question));
    }
    if (tasks.empty()) return;
    generate_batch(model_, tasks, static_cast<int64_t>(tasks.size()), options_.cancelled);
    if (options_.cancelled && options_.cancelled()) return;  // half an answer is none
    io::Json samples = io::Json::array();
    for (size_t i = 0; i < tasks.size(); ++i) {
      samples.push_back({{"prompt", questions[i].prompt},
                         {"expected", questions[i].expected},
                         {"answer", tasks[i].text}});
    }
    log_->write({{"step", state_.step}, {"samples", samples}});
  }

  void checkpoint() {
    if (!writes()) return;
    log_->flush();
    state_.seconds = seconds();
    write_checkpoint(out("checkpoint"), model_, optimizer_, state_, fingerprint_);
    if (earlier_) earlier_->drop();
    checkpointed_ = state_.step;
  }

  TrainResult finish(bool cancelled) {
    // Before its first step a run has nothing that is worth the earlier one's place.
    if (writes() && !(cancelled && state_.step == 0)) {
      checkpoint();
      if (!cancelled) {
        if (!has_final_samples()) log_samples();
        save();
      }
      log_->flush();
      write_report(out("report.html"), read_log(out("log.jsonl")));
    }
    TrainResult result;
    result.steps = state_.step;
    result.tokens = state_.tokens;
    result.tokens_computed = state_.tokens_computed;
    result.examples = usable_documents();
    result.dropped = documents_.dropped;
    result.cut = documents_.cut;
    result.seconds = seconds();
    const auto rate_of = [&](int64_t tokens) {
      return state_.step_seconds > 0 ? static_cast<double>(tokens) / state_.step_seconds : 0;
    };
    result.tokens_per_second = rate_of(state_.tokens_computed);
    result.example_tokens_per_second = rate_of(state_.tokens);
    for (const double loss : losses_) {
      result.final_loss += loss / static_cast<double>(losses_.size());
    }
    result.cancelled = cancelled;
    return result;
  }

  // A finished run that is resumed again has them already.
  bool has_final_samples() const {
    for (const io::Json& line : read_log(out("log.jsonl"))) {
      if (line.contains("samples") && line["step"] == state_.step && state_.step > 0) return true;
    }
    return false;
  }

  void save() const {
    if (model_.has_adapter()) {
      model_.save_adapter(options_.out);
    } else {
      model_.save_merged(options_.out, f32);
    }
  }

  Model& model_;
  const DatasetImpl& data_;
  const TrainOptions& options_;
  Optimizer optimizer_;
  Documents documents_;
  Sampler sampler_;
  StepOptions step_options_;
  int64_t steps_ = 0, stream_end_ = 0;
  io::Json fingerprint_;
  TrainState state_;
  std::optional<FolderLock> lock_;     // outlives all that is written
  std::optional<EarlierRun> earlier_;  // outlives the log
  std::optional<Log> log_;
  std::optional<int64_t> checkpointed_;  // the last checkpoint's step
  Clock::time_point start_;
  double seconds_before_ = 0;
  std::deque<double> losses_;
  std::deque<std::pair<int64_t, double>> rates_;
};

}  // namespace

TrainResult train(Model& model, const Dataset& data, const TrainOptions& options) {
  return Training(model, data, options).run();
}

}  // namespace pewter
