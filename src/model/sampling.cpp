#include "sampling.h"

#include <algorithm>
#include <cmath>

#include "pewter/error.h"

namespace pewter {
namespace {

struct Candidate {
  double logit;  // less the best one's, over the temperature
  int32_t id;
};

void refuse(const char* option, double value, const char* range) {
  throw_error(ErrorCode::argument, "[generate] {} is {}; it must be {}", option, value, range);
}

// CTRL: a seen token's positive logit is divided, a negative one multiplied.
void penalise(std::vector<float>& logits, std::span<const int32_t> seen, float penalty) {
  std::vector<bool> done(logits.size());
  for (int32_t id : seen) {
    if (id < 0 || static_cast<size_t>(id) >= logits.size() || done[static_cast<size_t>(id)]) {
      continue;
    }
    done[static_cast<size_t>(id)] = true;
    float& logit = logits[static_cast<size_t>(id)];
    logit = logit > 0 ? logit / penalty : logit * penalty;
  }
}

int32_t argmax(std::span<const float> logits) {
  int32_t best = -1;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i])) continue;
    if (best < 0 || logits[i] > logits[static_cast<size_t>(best)]) best = static_cast<int32_t>(i);
  }
  if (best < 0) throw_error(ErrorCode::device_failure, "[generate] no logit is a number");
  return best;
}

// Differences first: over a tiny temperature they go to minus infinity, never to NaN. The best is 0
// also where it is infinite itself.
std::vector<Candidate> candidates(std::span<const float> logits, float temperature) {
  const float best = logits[static_cast<size_t>(argmax(logits))];
  std::vector<Candidate> all;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i])) continue;
    const double below = logits[i] == best ? 0 : double{logits[i]} - best;
    all.push_back({below / double{temperature}, static_cast<int32_t>(i)});
  }
  return all;
}

// Keeps the candidates, best first, that top-k, top-p and min-p leave; always at least one.
void filter(std::vector<Candidate>& all, const GenerateOptions& options) {
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.logit > b.logit; });
  if (options.top_k > 0 && all.size() > static_cast<size_t>(options.top_k)) {
    all.resize(static_cast<size_t>(options.top_k));
  }
  if (options.top_p < 1) {
    double total = 0, kept = 0;
    for (const Candidate& c : all) total += std::exp(c.logit);
    size_t n = 0;
    while (n < all.size() && (n == 0 || kept < options.top_p * total)) {
      kept += std::exp(all[n++].logit);
    }
    all.resize(n);
  }
  const double floor = options.min_p > 0 ? std::log(double{options.min_p}) : -INFINITY;
  std::erase_if(all, [&](const Candidate& c) { return c.logit < floor; });
}

// splitmix64 (Steele et al., OOPSLA 2014) of seed and position, as a number in [0, 1).
double random_number(uint64_t seed, int64_t position) {
  uint64_t z = seed + 0x9e3779b97f4a7c15u * (static_cast<uint64_t>(position) + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

}  // namespace

void check_sampling(const GenerateOptions& o) {
  if (!(o.temperature >= 0) || std::isinf(o.temperature)) {
    refuse("temperature", o.temperature, "0 or more");
  }
  if (o.top_k < 0) refuse("top_k", o.top_k, "0 or more");
  if (!(o.top_p > 0 && o.top_p <= 1)) refuse("top_p", o.top_p, "above 0 and at most 1");
  if (!(o.min_p >= 0 && o.min_p <= 1)) refuse("min_p", o.min_p, "between 0 and 1");
  if (!(o.repetition_penalty > 0) || std::isinf(o.repetition_penalty)) {
    refuse("repetition_penalty", o.repetition_penalty, "above 0");
  }
  if (o.max_tokens < 1) refuse("max_tokens", o.max_tokens, "1 or more");
}

int32_t sample(std::span<const float> given, std::span<const int32_t> seen,
               const GenerateOptions& options, int64_t position) {
  if (options.temperature == 0 && options.repetition_penalty == 1) return argmax(given);
  std::vector<float> logits(given.begin(), given.end());
  if (options.repetition_penalty != 1) penalise(logits, seen, options.repetition_penalty);
  if (options.temperature == 0) return argmax(logits);
  std::vector<Candidate> all = candidates(logits, options.temperature);
  filter(all, options);
  double total = 0;
  for (const Candidate& c : all) total += std::exp(c.logit);
  double left = random_number(options.seed, position) * total;
  for (const Candidate& c : all) {
    left -= std::exp(c.logit);
    if (left < 0) return c.id;
  }
  return all.back().id;
}

}  // namespace pewter
