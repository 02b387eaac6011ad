// Spreads a dispatch's threadgroups over OS threads. They are started per dispatch, and only for
// work that is worth their start (about 20 us each).
#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>

#include "scheduler.h"

namespace metal_sim::air {
namespace {

constexpr uint64_t kThreadsWorthAStart = 16384;

class Run {
 public:
  Run(const Program& program, const Dispatch& dispatch)
      : program_(program), dispatch_(dispatch), count_(GroupRunner::groups(dispatch).count()) {
    // An odd stride without a common factor with `count` visits every group once.
    if (dispatch.seed != 0 && count_ > 2) {
      stride_ = dispatch.seed % count_ | 1;
      while (std::gcd(stride_, count_) != 1) stride_ += 2;
    }
  }

  RunResult run() {
    const uint64_t threads = count_ * dispatch_.threadgroup.count();
    const uint64_t worth = std::min<uint64_t>(count_, threads / kThreadsWorthAStart + 1);
    const uint64_t workers =
        std::min<uint64_t>(worth, std::max(1u, std::thread::hardware_concurrency()));
    std::vector<std::thread> others;
    for (uint64_t i = 1; i < workers; ++i) others.emplace_back([this] { work(); });
    work();
    for (auto& other : others) other.join();
    if (problem_) std::rethrow_exception(problem_);
    return std::move(result_);
  }

 private:
  void work() {
    try {
      GroupRunner runner(program_, dispatch_);
      while (!stop_) {
        const uint64_t group = next_++;
        if (group >= count_) break;
        if (!runner.run(group * stride_ % count_)) stop_ = true;
      }
      if (runner.checker()) add(*runner.checker());
    } catch (...) {
      const std::lock_guard lock(mutex_);
      problem_ = std::current_exception();
      stop_ = true;
    }
  }

  void add(const Checker& checker) {
    const std::lock_guard lock(mutex_);
    result_.out_of_bounds = result_.out_of_bounds || checker.out_of_bounds();
    result_.findings.insert(result_.findings.end(), checker.findings().begin(),
                            checker.findings().end());
  }

  const Program& program_;
  const Dispatch& dispatch_;
  uint64_t count_, stride_ = 1;
  std::atomic<uint64_t> next_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::exception_ptr problem_;
  RunResult result_;
};

}  // namespace

RunResult run_dispatch(const Program& program, const Dispatch& dispatch) {
  return Run(program, dispatch).run();
}

}  // namespace metal_sim::air
