// Fork and join for kernels. A decode step runs some 300 small kernels a token, so workers spin a
// little before they sleep: a fork must cost well under a microsecond while work keeps coming.
// Which thread runs which task never shows in a result; tasks are taken from a counter.
#pragma once

#include <cstdint>
#include <type_traits>

namespace pewter::cpu {

// A callable by reference, so that forking allocates nothing.
class TaskRef {
 public:
  template <typename F>
  TaskRef(F& f) : object_(&f), call_([](void* o, int64_t task) { (*static_cast<F*>(o))(task); }) {}
  void operator()(int64_t task) const { call_(object_, task); }

 private:
  void* object_;
  void (*call_)(void*, int64_t);
};

void run_tasks(int64_t tasks, TaskRef task);  // an exception in a task is rethrown here

// task(i) for every i in [0, tasks), on all threads, returning when all are done. Nested and
// concurrent calls run on the calling thread alone.
template <typename F>
void parallel_for(int64_t tasks, F&& task) {
  run_tasks(tasks, TaskRef(task));
}

// fn(begin, end) over [0, n) in pieces of at least `grain`.
template <typename F>
void parallel_ranges(int64_t n, int64_t grain, F&& fn);

// Memory of this thread for the length of one kernel, 64-byte aligned; grows, and is reused.
void* thread_scratch(int64_t bytes);
// Another such block, for what the calling thread prepares and all threads of its forks read.
void* caller_scratch(int64_t bytes);

int thread_count();

template <typename F>
void parallel_ranges(int64_t n, int64_t grain, F&& fn) {
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  // Four pieces a thread even out threads that were held up.
  const int64_t wanted = static_cast<int64_t>(thread_count()) * 4;
  const int64_t pieces = n / grain < wanted ? (n / grain < 1 ? 1 : n / grain) : wanted;
  parallel_for(pieces, [&](int64_t i) { fn(n * i / pieces, n * (i + 1) / pieces); });
}

}  // namespace pewter::cpu
