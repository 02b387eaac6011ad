#include "train/batch_generate.h"

#include <algorithm>

#include "model/finite.h"
#include "model/model_impl.h"
#include "model/sampling.h"
#include "model/session.h"

namespace pewter {
namespace {

class BatchGenerator {
 public:
  BatchGenerator(const Model& model, std::span<AnswerTask> tasks, int64_t batch)
      : model_(model),
        decoder_(model.impl().decoder),
        tokenizer_(model.impl().files.tokenizer()),
        tasks_(tasks),
        cache_(decoder_.config(), std::min(batch, static_cast<int64_t>(tasks.size())),
               capacity_for(tasks), decoder_.device()) {}

  void run(const std::function<bool()>& cancelled) {
    NoGrad off;
    while (fill()) {
      if (cancelled && cancelled()) return;
      step();
    }
  }

 private:
  struct Row {
    AnswerTask* task;
    int64_t length;  // tokens in the cache
  };

  int64_t room(const AnswerTask& task) const {
    return std::min(task.max_tokens,
                    decoder_.config().max_context - static_cast<int64_t>(task.prompt.size()));
  }

  int64_t capacity_for(std::span<const AnswerTask> tasks) const {
    int64_t most = 1;
    for (const AnswerTask& task : tasks) {
      most = std::max(most,
                      static_cast<int64_t>(task.prompt.size()) + std::max<int64_t>(0, room(task)));
    }
    return most;
  }

  // Starts prompts in the free rows; false when nothing is left to do.
  bool fill() {
    while (static_cast<int64_t>(rows_.size()) < cache_.batch && next_ < tasks_.size()) {
      AnswerTask& task = tasks_[next_++];
      if (task.prompt.empty() || room(task) < 1) continue;
      rows_.push_back({&task, 0});
      const std::vector<float> logits = prompt(rows_.back());
      if (take(rows_.back(), logits)) rows_.pop_back();
    }
    return !rows_.empty();
  }

  // The last row's prompt through the model, into that row of the cache.
  std::vector<float> prompt(Row& row) {
    const auto at = static_cast<int64_t>(rows_.size()) - 1;
    KvCache cache = rows_of_cache(at, at + 1);
    return feed_prompt(decoder_, &cache, row.task->prompt, &row.length);
  }

  void step() {
    const auto n = static_cast<int64_t>(rows_.size());
    std::vector<int32_t> ids, lengths, begin(rows_.size()), end;
    for (const Row& row : rows_) {
      ids.push_back(row.task->ids.back());
      lengths.push_back(static_cast<int32_t>(row.length));
      end.push_back(static_cast<int32_t>(row.length) + 1);
    }
    const TensorOptions integer{i32, decoder_.device()};
    const Placement where{from_values(lengths, {n, 1}, integer),
                          from_values(begin, {n, 1}, integer), from_values(end, {n, 1}, integer),
                          from_values(lengths, {n}, integer)};
    KvCache cache = rows_of_cache(0, n);
    const Tensor hidden = decoder_.hidden(from_values(ids, {n, 1}, integer), where,
                                          {.cache = &cache, .activations = kGeneration});
    const std::vector<float> logits = decoder_.logits(hidden, kGeneration).to_vector<float>();
    const size_t vocabulary = logits.size() / rows_.size();
    // Backwards, so that a row moved into a gap has had its turn.
    for (size_t i = rows_.size(); i-- > 0;) {
      ++rows_[i].length;
      if (take(rows_[i], std::span(logits).subspan(i * vocabulary, vocabulary))) leave(i);
    }
  }

  // Picks the next token; true when this answer is done.
  bool take(Row& row, std::span<const float> logits) {
    AnswerTask& task = *row.task;
    if (!all_finite(logits)) {
      fail_not_finite(model_, "[generate] the logits are not finite; the weights in the file are");
    }
    const int32_t id = sample(logits, {}, {}, 0);
    const auto& ends = tokenizer_.end_of_generation();
    if (std::find(ends.begin(), ends.end(), id) != ends.end()) {
      task.ended = true;
      return true;
    }
    task.ids.push_back(id);
    task.text += tokenizer_.token_bytes(id);
    return static_cast<int64_t>(task.ids.size()) >= room(task) ||
           (task.enough && task.enough(task.text));
  }

  // Rows in use stay at the front: the last one moves into the gap.
  void leave(size_t gap) {
    const size_t last = rows_.size() - 1;
    if (gap != last) {
      const int64_t tokens = rows_[last].length;
      const auto part = [&](const Tensor& all, size_t row) {
        const auto at = static_cast<int64_t>(row);
        return all.slice(0, at, at + 1).slice(1, 0, tokens);
      };
      for (size_t layer = 0; layer < cache_.keys.size(); ++layer) {
        copy_(part(cache_.keys[layer], gap), part(cache_.keys[layer], last));
        copy_(part(cache_.values[layer], gap), part(cache_.values[layer], last));
      }
      rows_[gap] = rows_[last];
    }
    rows_.pop_back();
  }

  KvCache rows_of_cache(int64_t from, int64_t to) const {
    KvCache view = cache_;
    view.batch = to - from;
    for (Tensor& t : view.keys) t = t.slice(0, from, to);
    for (Tensor& t : view.values) t = t.slice(0, from, to);
    return view;
  }

  const Model& model_;
  const Decoder& decoder_;
  const io::Tokenizer& tokenizer_;
  std::span<AnswerTask> tasks_;
  KvCache cache_;
  std::vector<Row> rows_;
  size_t next_ = 0;
};

}  // namespace

void generate_batch(const Model& model, std::span<AnswerTask> tasks, int64_t batch,
                    const std::function<bool()>& cancelled) {
  if (batch < 1) throw_error(ErrorCode::argument, "[generate] batch {} is below 1", batch);
  if (!tasks.empty()) BatchGenerator(model, tasks, batch).run(cancelled);
}

}  // namespace pewter
