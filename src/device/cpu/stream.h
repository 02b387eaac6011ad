// The CPU's stream. Work runs inside the call that queues it: starting a thread's sleep and wake
// costs more than most kernels here, and what a caller can observe is the same. While a capture is
// under way on this thread the work is also kept, to be replayed.
#pragma once

#include <functional>
#include <vector>

namespace pewter::cpu {

struct Captured {
  const char* op;
  std::function<void()> run;
};

// The list that this thread captures into, or null.
std::vector<Captured>*& capturing();

// A failure inside `run` that is not an Error already becomes one, code device_failure, naming
// `op`.
void run_checked(const char* op, const std::function<void()>& run);

template <typename Run>
void submit(const char* op, Run&& run) {
  if (auto* list = capturing()) {
    list->push_back({op, run});
    run_checked(op, list->back().run);
  } else {
    run();
  }
}

}  // namespace pewter::cpu
