// The executor behind executor.h's seam: libraries hold a metallib, kernels hold compiled programs,
// one with checks and one without, each made when first wanted. Exceptions end here.
#include <algorithm>
#include <exception>
#include <mutex>

#include "../msl/compiler.h"
#include "compile.h"
#include "error.h"
#include "make_executor.h"
#include "metallib.h"
#include "scheduler.h"

namespace metal_sim::air {
namespace {

template <typename T, typename F>
Outcome<T> guarded(F work) {
  try {
    return work();
  } catch (const Error& error) {
    return Failure{error.kind(), error.what()};
  } catch (const std::bad_alloc&) {
    return Failure{FailureKind::out_of_memory, "out of memory"};
  } catch (const std::exception& error) {
    return Failure{FailureKind::internal, error.what()};
  }
}

class AirKernel final : public Kernel {
 public:
  AirKernel(std::shared_ptr<const Metallib> library, std::string name,
            std::span<const ConstantValue> constants, ObjectCache cache)
      : library_(std::move(library)),
        name_(std::move(name)),
        constants_(constants.begin(), constants.end()),
        cache_(std::move(cache)) {
    info_ = program(false)->info;
  }

  void limit_threads(uint32_t threads) {
    info_.max_total_threads = std::min(info_.max_total_threads, threads);
  }
  const KernelInfo& info() const override { return info_; }

  Outcome<std::monostate> run(const Dispatch& dispatch) override {
    return guarded<std::monostate>([&]() -> Outcome<std::monostate> {
      if (dispatch.grid.count() == 0) return std::monostate();
      check(dispatch);
      const auto code = program(dispatch.checks);
      const RunResult result = run_dispatch(*code, dispatch);
      if (result.findings.empty()) return std::monostate();
      std::string message;
      for (const auto& finding : result.findings) {
        message += fmt::format("{}[{}] {}", message.empty() ? "" : "\n", name_, finding);
      }
      return Failure{result.out_of_bounds ? FailureKind::page_fault : FailureKind::run_internal,
                     message};
    });
  }

 private:
  void check(const Dispatch& d) const {
    const uint64_t threads = d.threadgroup.count();
    if (threads == 0 || threads > info_.max_total_threads) {
      fail(FailureKind::invalid_resource,
           "[{}] threadgroup of {} x {} x {} threads, the kernel's limit is {}", name_,
           d.threadgroup.x, d.threadgroup.y, d.threadgroup.z, info_.max_total_threads);
    }
  }

  std::shared_ptr<const Program> program(bool checks) {
    const std::lock_guard lock(mutex_);
    auto& place = checks ? checked_ : plain_;
    if (!place)
      place = compile_kernel({name_, library_->bitcode(name_), constants_, checks}, cache_);
    return place;
  }

  std::shared_ptr<const Metallib> library_;
  std::string name_;
  std::vector<ConstantValue> constants_;
  ObjectCache cache_;
  std::mutex mutex_;
  std::shared_ptr<const Program> plain_, checked_;
  KernelInfo info_;
};

class AirLibrary final : public KernelLibrary {
 public:
  AirLibrary(std::shared_ptr<const Metallib> library, ObjectCache cache, std::string warnings = {})
      : library_(std::move(library)), cache_(std::move(cache)), warnings_(std::move(warnings)) {}

  std::vector<std::string> function_names() const override { return library_->kernel_names(); }
  std::string warnings() const override { return warnings_; }

  Outcome<FunctionInfo> describe(std::string_view function) const override {
    return guarded<FunctionInfo>([&]() -> Outcome<FunctionInfo> {
      return describe_kernel(std::string(function), library_->bitcode(function));
    });
  }

  Outcome<std::shared_ptr<Kernel>> make_kernel(std::string_view function,
                                               std::span<const ConstantValue> constants,
                                               const PipelineOptions& options) override {
    return guarded<std::shared_ptr<Kernel>>([&]() -> Outcome<std::shared_ptr<Kernel>> {
      auto kernel = std::make_shared<AirKernel>(library_, std::string(function), constants, cache_);
      if (options.max_total_threads != 0) kernel->limit_threads(options.max_total_threads);
      return std::shared_ptr<Kernel>(std::move(kernel));
    });
  }

 private:
  std::shared_ptr<const Metallib> library_;
  ObjectCache cache_;
  std::string warnings_;
};

class AirExecutor final : public KernelExecutor {
 public:
  explicit AirExecutor(ObjectCache cache) : cache_(std::move(cache)) {}

  Outcome<std::shared_ptr<KernelLibrary>> load_metallib(std::span<const std::byte> bytes) override {
    return guarded<std::shared_ptr<KernelLibrary>>(
        [&]() -> Outcome<std::shared_ptr<KernelLibrary>> {
          auto library = std::make_shared<const Metallib>(bytes, "metallib");
          return std::shared_ptr<KernelLibrary>(
              std::make_shared<AirLibrary>(std::move(library), cache_));
        });
  }

  Outcome<std::shared_ptr<KernelLibrary>> compile_source(std::string_view source,
                                                         const CompileOptions& options) override {
    return guarded<std::shared_ptr<KernelLibrary>>(
        [&]() -> Outcome<std::shared_ptr<KernelLibrary>> {
          const msl::Compiled made = msl::compile(source, options, cache_);
          const auto bytes = std::as_bytes(std::span(made.metallib));
          auto library = std::make_shared<const Metallib>(bytes, "program_source");
          return std::shared_ptr<KernelLibrary>(
              std::make_shared<AirLibrary>(std::move(library), cache_, made.warnings));
        });
  }

 private:
  ObjectCache cache_;
};

}  // namespace

std::unique_ptr<KernelExecutor> make_executor(ObjectCache cache) {
  return std::make_unique<AirExecutor>(std::move(cache));
}

}  // namespace metal_sim::air
