// Loss and exact match from one forward over packed rows. Greedy generation gives the expected
// answer just if, at every token of it, the most probable next token is the expected one; all those
// tokens are known beforehand, so they go through the model together, at the speed of a prompt.
// Where the model leaves the expected tokens the answer is wrong, unless the text can still come
// out the same (other tokens for the same text): those few are generated from there on. What is
// decided is what generate() would give, because a row's bits do not depend on how a sequence was
// cut. Beside quantised weights generate() rounds activations and the loss does not, so there the
// rows with answers go through the model once more.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "model/finite.h"
#include "model/model_impl.h"
#include "model/sampling.h"
#include "train/batch_generate.h"
#include "train/packing.h"

namespace pewter {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr int64_t kLogitRows = 128;  // rows of logits held at a time

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Whether an answer that begins with `text` can still be `expected`, outer blanks aside.
bool can_match(std::string_view text, std::string_view expected) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return true;
  text.remove_prefix(first);
  const std::string_view want = trimmed(expected);
  if (text.size() <= want.size()) return want.starts_with(text);
  return text.starts_with(want) &&
         text.find_first_not_of(kBlanks, want.size()) == std::string_view::npos;
}

bool has_quantised(Decoder& decoder) {
  const auto all = decoder.parameters();
  return std::any_of(all.begin(), all.end(),
                     [](const auto& p) { return is_quantised(p.second->dtype()); });
}

struct Item {
  Document document;
  std::optional<Question> question;
  size_t answer = 0;      // in EvalResult::answers
  bool foreseen = false;  // the document is prompt_ids and the answer, uncut
};

class Evaluation {
 public:
  Evaluation(const Model& model, const DatasetImpl& data, const EvalOptions& options)
      : model_(model),
        decoder_(model.impl().decoder),
        tokenizer_(model.impl().files.tokenizer()),
        options_(options),
        seq_len_(std::min<int64_t>(options.seq_len, decoder_.config().max_context)),
        quantised_(has_quantised(model.impl().decoder)) {
    if (options.seq_len < 2 || options.max_tokens < 1 || options.batch < 1) {
      throw_error(ErrorCode::argument,
                  "[evaluate] seq_len {}, max_tokens {}, batch {}: at least 2, 1 and 1 are needed",
                  options.seq_len, options.max_tokens, options.batch);
    }
    prepare(data);
  }

  EvalResult run() {
    const auto start = std::chrono::steady_clock::now();
    NoGrad off;
    std::vector<const Document*> documents;
    for (const Item& item : items_) documents.push_back(&item.document);
    // All at once, so that the most is shared; a row at a time goes through the model.
    const std::vector<PackedRow> rows = pack(documents, {seq_len_, 1});
    for (const PackedRow& row : rows) {
      if (stop()) break;
      measure(row);
      done_ += static_cast<int64_t>(row.pieces.size());
      if (options_.on_progress) options_.on_progress(done_, static_cast<int64_t>(items_.size()));
    }
    if (options_.exact_match && !tasks_.empty() && !stop()) generate_rest();
    finish(std::chrono::steady_clock::now() - start);
    return std::move(result_);
  }

 private:
  // Remembers: what was left undone stays undone, whatever the next question is answered.
  bool stop() {
    if (!result_.cancelled && options_.cancelled) result_.cancelled = options_.cancelled();
    return result_.cancelled;
  }

  void prepare(const DatasetImpl& data) {
    const Tokeniser tokeniser(model_, options_.raw);
    items_.reserve(data.examples.size());
    for (const Example& example : data.examples) {
      Item item{tokeniser.document(data, example), std::nullopt, 0, false};
      if (options_.exact_match) item.question = tokeniser.question(data, example);
      if (item.question) add_answer(&item);
      if (item.document.size() > seq_len_) {
        ++result_.cut;
        item.document.ids.resize(static_cast<size_t>(seq_len_));
        item.document.counted.resize(static_cast<size_t>(seq_len_));
      }
      item.document.example = static_cast<int64_t>(items_.size());
      items_.push_back(std::move(item));
    }
  }

  void add_answer(Item* item) {
    const Question& q = *item->question;
    const std::vector<int32_t>& ids = item->document.ids;
    item->answer = result_.answers.size();
    result_.answers.push_back({q.prompt, q.expected, "", false});
    item->foreseen = !q.prompt_ids.empty() && item->document.size() <= seq_len_ &&
                     ids.size() > q.prompt_ids.size() &&
                     std::equal(q.prompt_ids.begin(), q.prompt_ids.end(), ids.begin());
    if (!item->foreseen) ask(item->answer, q.prompt_ids, {}, options_.max_tokens);
  }

  Tensor hidden_of(const RowTensors& row, Activations activations) const {
    return decoder_.hidden(row.ids, row.where, {.activations = activations})
        .reshape({row.ids.numel(), decoder_.config().width});
  }

  void measure(const PackedRow& row) {
    const Device device = decoder_.device();
    const RowTensors tensors = to_tensors(row, device);
    const int64_t tokens = row.tokens();
    if (tokens == 0) return;
    const Tensor hidden = hidden_of(tensors, Activations::f32);
    const Tensor loss = linear_cross_entropy(hidden, decoder_.head(),
                                             from_values(row.targets, {tokens}, {i32, device}),
                                             from_values(row.weights, {tokens}, {f32, device}));
    const double sum = double{loss.item<float>()};
    if (!std::isfinite(sum)) {
      fail_not_finite(model_, fmt::format("[evaluate] the loss is {}; the weights in the model's "
                                          "file are finite",
                                          sum));
    }
    loss_sum_ += sum;
    result_.tokens += row.counted;
    const bool asks = std::any_of(row.pieces.begin(), row.pieces.end(), [&](const auto& piece) {
      return items_[static_cast<size_t>(piece.document->example)].foreseen;
    });
    if (!asks) return;
    const std::vector<int32_t> best =
        greedy_tokens(quantised_ ? hidden_of(tensors, kGeneration) : hidden, row);
    for (const PackedRow::Piece& piece : row.pieces) {
      const Item& item = items_[static_cast<size_t>(piece.document->example)];
      if (item.foreseen) follow(item, row, piece, best);
    }
  }

  // The most probable next token at each row that has a loss term; -1 elsewhere.
  std::vector<int32_t> greedy_tokens(const Tensor& hidden, const PackedRow& row) const {
    std::vector<int32_t> wanted;
    for (size_t i = 0; i < row.weights.size(); ++i) {
      if (row.weights[i] > 0) wanted.push_back(static_cast<int32_t>(i));
    }
    std::vector<int32_t> best(row.weights.size(), -1);
    const auto count = static_cast<int64_t>(wanted.size());
    for (int64_t at = 0; at < count; at += kLogitRows) {
      const auto block = std::span(wanted).subspan(
          static_cast<size_t>(at), static_cast<size_t>(std::min(kLogitRows, count - at)));
      const auto n = static_cast<int64_t>(block.size());
      const Tensor rows = embedding(
          hidden, from_values(std::span<const int32_t>(block), {n}, {i32, decoder_.device()}));
      const std::vector<float> logits = decoder_.logits(rows, kGeneration).to_vector<float>();
      const size_t vocabulary = logits.size() / block.size();
      for (size_t i = 0; i < block.size(); ++i) {
        best[static_cast<size_t>(block[i])] =
            sample(std::span(logits).subspan(i * vocabulary, vocabulary), {}, {}, 0);
      }
    }
    return best;
  }

  // Walks along the expected answer as long as the model does.
  void follow(const Item& item, const PackedRow& row, const PackedRow::Piece& piece,
              const std::vector<int32_t>& best) {
    const std::vector<int32_t>& ids = item.document.ids;
    const size_t from = item.question->prompt_ids.size();
    EvalResult::Answer& answer = result_.answers[item.answer];
    for (size_t i = from; i < ids.size(); ++i) {
      const size_t key = static_cast<size_t>(piece.first_key) + i - 1;
      const int32_t id = best[static_cast<size_t>(row.key_rows[key])];
      const auto& ends = tokenizer_.end_of_generation();
      if (static_cast<int64_t>(i - from) == options_.max_tokens ||
          std::find(ends.begin(), ends.end(), id) != ends.end()) {
        answer.right = trimmed(answer.given) == trimmed(answer.expected);
        return;
      }
      answer.given += tokenizer_.token_bytes(id);
      if (id == ids[i]) continue;
      if (can_match(answer.given, answer.expected) || is_complete(item.answer)) {
        std::vector<int32_t> context(ids.begin(), ids.begin() + static_cast<int64_t>(i));
        context.push_back(id);
        ask(item.answer, std::move(context), answer.given,
            options_.max_tokens - static_cast<int64_t>(i - from) - 1);
      }
      return;
    }
    // The expected tokens ran out without one that ends a turn.
    ask(item.answer, ids, answer.given,
        options_.max_tokens - static_cast<int64_t>(ids.size() - from));
  }

  bool is_complete(size_t answer) const { return static_cast<int64_t>(answer) < options_.complete; }

  struct Rest {
    size_t answer;
    std::string before;
  };

  void ask(size_t answer, std::vector<int32_t> context, std::string before, int64_t max_tokens) {
    AnswerTask task;
    task.prompt = std::move(context);
    task.max_tokens = max_tokens;
    rest_.push_back({answer, std::move(before)});
    tasks_.push_back(std::move(task));
  }

  void generate_rest() {
    for (size_t i = 0; i < tasks_.size(); ++i) {
      if (is_complete(rest_[i].answer)) continue;
      tasks_[i].enough = [this, i](std::string_view text) {
        return !can_match(rest_[i].before + std::string(text),
                          result_.answers[rest_[i].answer].expected);
      };
    }
    generate_batch(model_, tasks_, options_.batch, [this] { return stop(); });
    for (size_t i = 0; i < tasks_.size(); ++i) {
      EvalResult::Answer& answer = result_.answers[rest_[i].answer];
      answer.given = rest_[i].before + tasks_[i].text;
      answer.right = trimmed(answer.given) == trimmed(answer.expected);
    }
  }

  void finish(std::chrono::duration<double> time) {
    result_.examples = done_;
    result_.all = static_cast<int64_t>(items_.size());
    result_.loss = result_.tokens > 0 ? loss_sum_ / static_cast<double>(result_.tokens) : 0;
    result_.perplexity = std::exp(result_.loss);
    const auto right = std::count_if(result_.answers.begin(), result_.answers.end(),
                                     [](const auto& a) { return a.right; });
    if (result_.cancelled) {
      result_.answers.clear();  // most were not asked yet
    } else if (!result_.answers.empty()) {
      result_.exact_match =
          static_cast<double>(right) / static_cast<double>(result_.answers.size());
    }
    result_.seconds = time.count();
  }

  const Model& model_;
  const Decoder& decoder_;
  const io::Tokenizer& tokenizer_;
  const EvalOptions& options_;
  const int64_t seq_len_;
  const bool quantised_;
  std::vector<Item> items_;
  std::vector<AnswerTask> tasks_;  // answers to generate, and
  std::vector<Rest> rest_;         // where each belongs
  EvalResult result_;
  double loss_sum_ = 0;
  int64_t done_ = 0;
};

}  // namespace

EvalResult evaluate(const Model& model, const Dataset& data, const EvalOptions& options) {
  return Evaluation(model, data.impl(), options).run();
}

}  // namespace pewter
