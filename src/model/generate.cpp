// Text from a model. Tokens become text when whole UTF-8 characters are there, and text is handed
// out only once it can no longer be the beginning of a stop string.
#include <algorithm>
#include <chrono>

#include "finite.h"
#include "model_impl.h"
#include "sampling.h"
#include "session.h"

namespace pewter {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Passes text on, but holds back what may turn out to be a stop string.
class StopFilter {
 public:
  StopFilter(const std::vector<std::string>& stops, std::string& text,
             const std::function<void(std::string_view)>& on_piece)
      : stops_(stops), text_(text), on_piece_(on_piece) {}

  // Returns true when a stop string was met; nothing from it on is passed.
  bool push(std::string_view piece) {
    held_ += piece;
    size_t cut = std::string::npos;
    for (const std::string& stop : stops_) {
      if (!stop.empty()) cut = std::min(cut, held_.find(stop));
    }
    if (cut != std::string::npos) {
      pass(cut);
      held_.clear();
      return true;
    }
    pass(held_.size() - held_back());
    return false;
  }
  void finish() { pass(held_.size()); }

 private:
  // Length of the longest end of `held_` that begins a stop string.
  size_t held_back() const {
    size_t longest = 0;
    for (const std::string& stop : stops_) {
      for (size_t n = std::min(stop.size(), held_.size()); n > longest; --n) {
        if (held_.ends_with(std::string_view(stop).substr(0, n))) longest = n;
      }
    }
    return longest;
  }
  void pass(size_t n) {
    if (n == 0) return;
    text_.append(held_, 0, n);
    if (on_piece_) on_piece_(std::string_view(held_).substr(0, n));
    held_.erase(0, n);
  }

  const std::vector<std::string>& stops_;
  std::string& text_;
  const std::function<void(std::string_view)>& on_piece_;
  std::string held_;
};

}  // namespace

GenerateResult Model::generate(std::string_view prompt, const GenerateOptions& options,
                               const std::function<void(std::string_view)>& on_piece) const {
  check_sampling(options);
  const io::Tokenizer& tokenizer = impl_->files.tokenizer();
  std::vector<int32_t> all = encode(prompt, !options.raw);
  if (all.empty()) throw_error(ErrorCode::argument, "[generate] the prompt is empty");
  GenerateResult result;
  result.prompt_tokens = static_cast<int64_t>(all.size());

  auto start = std::chrono::steady_clock::now();
  const int64_t context = impl_->decoder.config().max_context;
  if (result.prompt_tokens >= context) {
    throw_error(ErrorCode::argument,
                "[generate] the prompt has {} tokens; the model's context "
                "holds {}, the answer included",
                result.prompt_tokens, context);
  }
  const int64_t most = std::min<int64_t>(options.max_tokens, context - result.prompt_tokens);
  Session session(impl_->decoder, result.prompt_tokens + most);
  std::vector<float> logits = session.feed(all);
  result.prompt_seconds = seconds_since(start);

  start = std::chrono::steady_clock::now();
  StopFilter out(options.stop, result.text, on_piece);
  io::Utf8Stream utf8;
  const auto& ends = tokenizer.end_of_generation();
  result.finish = "length";
  for (int64_t n = 0; n < most; ++n) {
    if (options.cancelled && options.cancelled()) {
      result.finish = "cancelled";
      break;
    }
    if (!all_finite(logits)) {
      fail_not_finite(*this, "[generate] the logits are not finite; the weights in the file are");
    }
    const int32_t id = sample(logits, all, options, session.length());
    if (std::find(ends.begin(), ends.end(), id) != ends.end()) {
      result.finish = "stop";
      break;
    }
    result.ids.push_back(id);
    all.push_back(id);
    if (out.push(utf8.push(tokenizer.token_bytes(id)))) {
      result.finish = "stop";
      result.decode_seconds = seconds_since(start);
      return result;
    }
    if (n + 1 < most) logits = session.feed(std::span(&all.back(), 1));
  }
  out.push(utf8.finish());
  out.finish();
  result.decode_seconds = seconds_since(start);
  return result;
}

}  // namespace pewter
