#include "thread_pool.h"

#include <atomic>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "pewter/device.h"
#include "pewter/error.h"

namespace pewter {
namespace cpu {
namespace {

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// About half a millisecond: longer than the serial code between two kernels, and than it takes a
// virtual machine to wake a thread that sleeps.
constexpr int kSpins = 20000;

class Pool {
 public:
  explicit Pool(int threads) {
    try {
      for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
    } catch (const std::exception& e) {
      const size_t started = workers_.size();
      stop();
      throw_error(ErrorCode::device_failure, "[threads] only {} of {} threads could be started: {}",
                  started + 1, threads, e.what());
    }
  }
  ~Pool() { stop(); }

  // Only workers that came in time are waited for: one that the system has put aside finds the door
  // closed when it arrives, and the caller has done its share.
  void run(int64_t tasks, TaskRef task) {
    task_ = &task;
    tasks_ = tasks;
    next_.store(0, std::memory_order_relaxed);
    open_.store(true, std::memory_order_seq_cst);
    generation_.fetch_add(1, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) > 0) generation_.notify_all();
    take_tasks();
    open_.store(false, std::memory_order_seq_cst);
    for (int spins = 0; inside_.load(std::memory_order_seq_cst) > 0; ++spins) {
      if (spins < kSpins)
        pause();
      else
        std::this_thread::yield();
    }
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  void stop() {
    stop_ = true;
    generation_.fetch_add(1);
    generation_.notify_all();
    for (std::thread& w : workers_) w.join();
    workers_.clear();
  }

  void take_tasks() {
    try {
      for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < tasks_;) (*task_)(i);
    } catch (...) {
      next_.store(tasks_, std::memory_order_relaxed);
      std::lock_guard lock(failure_mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }

  void work() {
    uint32_t seen = 0;
    for (;;) {
      wait_for_next(seen);
      seen = generation_.load(std::memory_order_acquire);
      if (stop_) return;
      inside_.fetch_add(1, std::memory_order_seq_cst);
      if (open_.load(std::memory_order_seq_cst)) take_tasks();
      inside_.fetch_sub(1, std::memory_order_seq_cst);
    }
  }

  void wait_for_next(uint32_t seen) {
    for (int i = 0; i < kSpins; ++i) {
      if (generation_.load(std::memory_order_acquire) != seen) return;
      pause();
    }
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    while (generation_.load(std::memory_order_seq_cst) == seen) generation_.wait(seen);
    sleepers_.fetch_sub(1, std::memory_order_relaxed);
  }

  std::vector<std::thread> workers_;
  const TaskRef* task_ = nullptr;
  int64_t tasks_ = 0;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> open_{false};
  std::atomic<int> inside_{0}, sleepers_{0};
  std::atomic<uint32_t> generation_{0};
  std::atomic<bool> stop_{false};
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
};

struct State {
  std::mutex busy;  // held for the length of a fork; whoever finds it held runs alone
  std::unique_ptr<Pool> pool;
  std::atomic<int> threads{static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))};
  int built = 0;
};

State& state() {
  static auto* s = new State;  // never destroyed: kernels may run from static destructors
  return *s;
}

thread_local bool inside = false;

void run_alone(int64_t tasks, TaskRef task) {
  for (int64_t i = 0; i < tasks; ++i) task(i);
}

}  // namespace

int thread_count() { return state().threads.load(std::memory_order_relaxed); }

void run_tasks(int64_t tasks, TaskRef task) {
  State& s = state();
  if (tasks <= 1 || inside || thread_count() == 1) return run_alone(tasks, task);
  std::unique_lock lock(s.busy, std::try_to_lock);
  if (!lock) return run_alone(tasks, task);
  if (s.built != thread_count()) {
    s.pool.reset();
    s.built = 0;
    const int threads = thread_count();
    s.pool = std::make_unique<Pool>(threads);
    s.built = threads;
  }
  struct Inside {
    Inside() { inside = true; }
    ~Inside() { inside = false; }
  } scope;
  s.pool->run(tasks, task);
}

// A thread's memory, freed when the thread ends. Kernels run after that too, on the main thread,
// from static destructors that finish queued work: then there is a new one, which the system frees.
struct ThreadMemory {
  void* block = nullptr;
  int64_t size = 0;

  void* of(int64_t bytes) {
    if (bytes <= size) return block;
    release();
    const int64_t rounded = (bytes + 4095) / 4096 * 4096;
    block = std::aligned_alloc(4096, static_cast<size_t>(rounded));
    if (!block) {
      throw_error(ErrorCode::out_of_memory, "[memory] no {} bytes for a kernel's scratch", bytes);
    }
    size = rounded;
    return block;
  }
  void release() {
    std::free(block);
    block = nullptr;
    size = 0;
  }
};
struct ReleaseAtEnd {
  ThreadMemory* memory;
  ~ReleaseAtEnd() { memory->release(); }
};

template <int kWhich>
void* own_memory(int64_t bytes) {
  static thread_local ThreadMemory memory;
  [[maybe_unused]] static thread_local const ReleaseAtEnd at_end{&memory};
  return memory.of(bytes);
}

void* thread_scratch(int64_t bytes) { return own_memory<0>(bytes); }
void* caller_scratch(int64_t bytes) { return own_memory<1>(bytes); }

}  // namespace cpu

void set_num_threads(int threads) {
  if (threads < 1 || threads > 1024) {
    throw_error(ErrorCode::argument, "[set_num_threads] {} is not between 1 and 1024", threads);
  }
  cpu::state().threads = threads;
}
int num_threads() { return cpu::thread_count(); }

}  // namespace pewter
