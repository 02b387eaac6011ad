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

// To be called while an exception is handled: throws it again, as an Error that names `op` if it is
// none yet: out_of_memory for std::bad_alloc, device_failure for all others.
[[noreturn]] void rethrow_naming(const char* op);

template <typename Run>
void run_checked(const char* op, Run&& run) {
  try {
    run();
  } catch (...) {
    rethrow_naming(op);
  }
}

template <typename Run>
void submit(const char* op, Run&& run) {
  if (auto* list = capturing()) {
    list->push_back({op, run});
    run_checked(op, list->back().run);
  } else {
    run_checked(op, run);
  }
}

}  // namespace pewter::cpu
