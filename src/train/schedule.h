// The learning rate's factor by step, with the values of transformers' get_constant_, get_linear_
// and get_cosine_schedule_with_warmup (num_cycles = 0.5): `step` counts the steps already taken, so
// with a warmup the first step has factor 0.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "pewter/train.h"

namespace pewter {

inline double schedule_factor(Schedule schedule, int64_t step, int64_t warmup, int64_t steps) {
  const auto ratio = [](int64_t a, int64_t b) {
    return static_cast<double>(a) / static_cast<double>(std::max<int64_t>(1, b));
  };
  if (step < warmup) return ratio(step, warmup);
  switch (schedule) {
    case Schedule::constant:
      return 1;
    case Schedule::linear:
      return std::max(0.0, ratio(steps - step, steps - warmup));
    case Schedule::cosine:
      break;
  }
  const double progress = ratio(step - warmup, steps - warmup);
  return std::max(0.0, 0.5 * (1 + std::cos(std::numbers::pi * progress)));
}

}  // namespace pewter
