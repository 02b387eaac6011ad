// The CPU's stream. Work runs inside the call that queues it: starting a thread's sleep and wake
// costs more than most kernels here, and what a caller can observe is the same. While a capture is
// under way on this thread the work is also kept, to be replayed.
#pragma once

#include "device/backend.h"
#include "device/graph.h"

namespace pewter::cpu {

template <typename Run>
void run_checked(const char* op, Run&& run) {
  try {
    run();
  } catch (...) {
    rethrow_naming(op, "cpu");
  }
}

template <typename Run>
void submit(const char* op, Run&& run) {
  if (Graph::Impl* graph = recording(cpu_backend())) {
    graph->work.push_back({op, [op, run] { run_checked(op, run); }});
  }
  run_checked(op, run);
}

}  // namespace pewter::cpu
