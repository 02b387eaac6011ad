// Greedy answers to many prompts: up to `batch` sequences share each decode step, and a row whose
// answer is done goes to the next prompt at once, so that steps stay full. Every answer has the
// same tokens as when it is generated alone, because a row's bits do not depend on the other rows.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "pewter/model.h"

namespace pewter {

struct AnswerTask {
  std::vector<int32_t> prompt;
  int64_t max_tokens = 0;
  // Asked after every token with the bytes so far; true ends this answer.
  std::function<bool(std::string_view text)> enough = {};

  std::string text;          // out: bytes of the answer, without the token that ended it
  std::vector<int32_t> ids;  // out
  bool ended = false;        // out: by a token that ends generation
};

// Returns early when `cancelled` says so. A task whose prompt leaves less room in the model's
// context than max_tokens gets what room there is.
void generate_batch(const Model& model, std::span<AnswerTask> tasks, int64_t batch,
                    const std::function<bool()>& cancelled = {});

}  // namespace pewter
