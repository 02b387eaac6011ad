// What it costs to hand work to a Metal device, in four figures that are never mixed: the host's
// time to encode one op more, the device's time for it in a chain, a blocking round trip, and
// throughput. The opponent is the pattern of the integration that pewter succeeds: a new queue, new
// descriptors, commit and wait for every product.
//
//     bench_dispatch [TEXT] [--json]      rows whose name holds TEXT
//
// On software Metal "encode" is measured with execution switched off, so that only the host's work
// counts; the other figures are with real kernels, which the CPU computes there. They say how much
// dispatch adds, not how fast a GPU is.
#include <fmt/format.h>
#include <metal_sim/metal_sim.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/roof.h"
#include "device/metal/encoder.h"
#include "device/metal/metal_backend.h"
#include "pewter/mps.h"
#include "sim/metal/executor.h"

namespace pewter {
namespace {

namespace mtl = apple::mtl;
using apple::objc::UInt;

constexpr int kProducts = 1000;
constexpr UInt kSize = 64;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <typename Function>
Function* sim_function(const char* name) {
  return reinterpret_cast<Function*>(apple::objc::Runtime::symbol(name));
}

// Kernels that do nothing, where nothing else compiles them.
class NothingKernel final : public metal_sim::Kernel {
 public:
  const metal_sim::KernelInfo& info() const override { return info_; }
  metal_sim::Outcome<std::monostate> run(const metal_sim::Dispatch&) override {
    return std::monostate{};
  }

 private:
  metal_sim::KernelInfo info_;
};
class NothingLibrary final : public metal_sim::KernelLibrary {
 public:
  std::vector<std::string> function_names() const override { return {"nothing"}; }
  metal_sim::Outcome<metal_sim::FunctionInfo> describe(std::string_view name) const override {
    metal_sim::FunctionInfo info;
    info.name = name;
    return info;
  }
  metal_sim::Outcome<std::shared_ptr<metal_sim::Kernel>> make_kernel(
      std::string_view, std::span<const metal_sim::ConstantValue>,
      const metal_sim::PipelineOptions&) override {
    return std::shared_ptr<metal_sim::Kernel>(std::make_shared<NothingKernel>());
  }
};
class NothingExecutor final : public metal_sim::KernelExecutor {
 public:
  metal_sim::Outcome<std::shared_ptr<metal_sim::KernelLibrary>> load_metallib(
      std::span<const std::byte>) override {
    return std::shared_ptr<metal_sim::KernelLibrary>(std::make_shared<NothingLibrary>());
  }
  metal_sim::Outcome<std::shared_ptr<metal_sim::KernelLibrary>> compile_source(
      std::string_view, const metal_sim::CompileOptions&) override {
    return std::shared_ptr<metal_sim::KernelLibrary>(std::make_shared<NothingLibrary>());
  }
};

// The pattern, one product.
class NewEverything {
 public:
  NewEverything() : device_(mtl::system_default_device()) {
    for (mtl::Buffer& b : buffers_) {
      b = device_.new_buffer(kSize * kSize * 4, mtl::ResourceOptions::storage_mode_shared);
      const auto values = randn({64, 64}, {f32, "cpu"}).to_vector<float>();
      std::copy(values.begin(), values.end(), static_cast<float*>(b.contents()));
    }
  }
  void product() {
    const mtl::CommandQueue queue = device_.new_command_queue();
    const auto matrix = [&](const mtl::Buffer& buffer) {
      return apple::mps::Matrix(
          buffer,
          apple::mps::MatrixDescriptor(kSize, kSize, kSize * 4, apple::mps::DataType::float32));
    };
    const apple::mps::MatrixMultiplication kernel(device_, kSize, kSize, kSize);
    const mtl::CommandBuffer commands = queue.command_buffer();
    kernel.encode(commands, matrix(buffers_[0]), matrix(buffers_[1]), matrix(buffers_[2]));
    finish(commands);
  }
  void kernel(const metal::Pipeline& pipeline) {
    const mtl::CommandQueue queue = device_.new_command_queue();
    const mtl::CommandBuffer commands = queue.command_buffer();
    const mtl::ComputeCommandEncoder encoder = commands.compute_command_encoder();
    encoder.set_compute_pipeline_state(pipeline.state);
    for (UInt i = 0; i < 3; ++i) encoder.set_buffer(buffers_[i], 0, i);
    encoder.set_bytes(&kSize, sizeof kSize, 3);
    encoder.dispatch_threads({kSize * kSize, 1, 1}, {256, 1, 1});
    encoder.end_encoding();
    finish(commands);
  }
  double gpu_seconds = 0;

 private:
  void finish(const mtl::CommandBuffer& commands) {
    commands.commit();
    commands.wait_until_completed();
    commands.check();
    gpu_seconds += commands.gpu_end_time() - commands.gpu_start_time();
  }
  mtl::Device device_;
  mtl::Buffer buffers_[3];
};

struct Figure {
  double median = 0, spread = 0;
};

// `once` gives a figure; the median of many, after a warm-up.
Figure median_of(const std::function<double()>& once, int rounds = 31) {
  once();
  std::vector<double> all;
  for (int i = 0; i < rounds; ++i) all.push_back(once());
  std::sort(all.begin(), all.end());
  const auto at = [&](size_t share) { return all[share * (all.size() - 1) / 4]; };
  return {at(2), (at(3) - at(1)) / at(2)};
}

class Bench {
 public:
  Bench(std::string only, bool json)
      : device_(metal::this_device()), only_(std::move(only)), json_(json) {
    for (uint64_t seed : {1, 2}) {
      operands_.push_back(randn({64, 64}, {f32, device_}, seed));
    }
    auto values = operands_[1].to_vector<float>();
    for (float& v : values) v /= 8;
    small_ = from_values(values, {64, 64}, {f32, device_});
  }
  void run();

 private:
  void print(nlohmann::json row, double bar);
  // Microseconds each, against those of the pattern; no more than `bar` is wanted, 0: no bar.
  void time_row(const std::string& work, const std::function<double()>& ours,
                const std::function<double()>& theirs, double bar = 0);
  void encode_rows();
  void device_rows();
  void throughput_row();
  void count_rows();

  Tensor product() { return mps::matmul(operands_[0], operands_[1]); }
  void wait() { default_stream(device_).wait(); }
  double queue_products(int count) {  // seconds, the wait not counted
    const double start = now();
    for (int i = 0; i < count; ++i) product();
    return now() - start;
  }
  static void execute(bool on) {
    if (auto* set =
            sim_function<decltype(metal_sim_set_null_execution)>("metal_sim_set_null_execution")) {
      set(!on);
    }
  }

  Device device_;
  std::string only_;
  bool json_;
  std::vector<Tensor> operands_;
  Tensor small_;  // of norm about 1: a chain of products with it stays in range
  NewEverything pattern_;
};

void Bench::print(nlohmann::json row, double bar) {
  row["device"] = device_.name();
  row["threads"] = num_threads();
  row["opponent"] = "a new queue, commit and wait each";
  if (bar > 0) row["bar"] = bar;
  if (json_) {
    fmt::print("{}\n", row.dump());
  } else {
    fmt::print("{:<34}{:>10.4g} {:<10}", row["work"].get<std::string>(), row["value"].get<double>(),
               row["unit"].get<std::string>());
    if (bar > 0) fmt::print(" at most {:<5g}", bar);
    fmt::print("  {}: {:.4g}, {:.2f} x\n", row["opponent"].get<std::string>(),
               row["opponent_value"].get<double>(), row["ratio"].get<double>());
  }
  std::fflush(stdout);
}

void Bench::time_row(const std::string& work, const std::function<double()>& ours,
                     const std::function<double()>& theirs, double bar) {
  if (work.find(only_) == work.npos) return;
  const Figure a = median_of(ours), b = median_of(theirs);
  print({{"work", work},
         {"value", a.median},
         {"unit", "us"},
         {"spread", a.spread},
         {"opponent_value", b.median},
         {"ratio", b.median / a.median}},
        bar);
}

void Bench::encode_rows() {
  execute(false);
  time_row(
      "dispatch/host_encode/mps",
      [&] {
        const double seconds = queue_products(kProducts);
        wait();
        return seconds / kProducts * 1e6;
      },
      [&] {
        const double start = now();
        for (int i = 0; i < 200; ++i) pattern_.product();
        return (now() - start) / 200 * 1e6;
      },
      1.0);
  static constexpr metal::KernelSource kSource{"nothing", "kernel void nothing() {}"};
  const auto encode_one = [&](const Tensor& out) {
    metal::submit("nothing", [a = operands_[0].data(), b = operands_[1].data(),
                              y = out.data()](metal::Encoder& e) {
      const metal::Pipeline& p = e.pipeline(kSource, "nothing");
      e.dispatch(p, {kSize * kSize, 1, 1}, {256, 1, 1}, e.reads(a), e.reads(b), e.writes(y), kSize);
    });
  };
  const Tensor out = empty({64, 64}, {f32, device_});
  metal::Pipeline pipeline;
  metal::submit("nothing", [&](metal::Encoder& e) { pipeline = e.pipeline(kSource, "nothing"); });
  time_row(
      "dispatch/host_encode/own_kernel",
      [&] {
        const double start = now();
        for (int i = 0; i < kProducts; ++i) encode_one(out);
        const double seconds = now() - start;
        wait();
        return seconds / kProducts * 1e6;
      },
      [&] {
        const double start = now();
        for (int i = 0; i < 200; ++i) pattern_.kernel(pipeline);
        return (now() - start) / 200 * 1e6;
      },
      0.5);
  execute(true);
}

void Bench::device_rows() {
  time_row(
      "dispatch/chain/mps/f32/64",
      [&] {
        const double before = metal::queue().gpu_seconds();
        Tensor x = operands_[0];
        for (int i = 0; i < 200; ++i) x = mps::matmul(x, small_);
        wait();
        return (metal::queue().gpu_seconds() - before) / 200 * 1e6;
      },
      [&] {
        pattern_.gpu_seconds = 0;
        for (int i = 0; i < 200; ++i) pattern_.product();
        return pattern_.gpu_seconds / 200 * 1e6;
      });
  time_row(
      "dispatch/round_trip/mps/f32/64",
      [&] {
        const double start = now();
        product();
        wait();
        return (now() - start) * 1e6;
      },
      [&] {
        const double start = now();
        pattern_.product();
        return (now() - start) * 1e6;
      });
}

void Bench::throughput_row() {
  const std::string work = "dispatch/throughput/mps/f32/64";
  if (work.find(only_) == work.npos) return;
  const double flops = 2.0 * kSize * kSize * kSize, roof = cli::measured_fma_peak(num_threads());
  const auto rate = [&](const std::function<void()>& products) {
    return median_of([&] {
      const double start = now();
      products();
      return 500 * flops / (now() - start) / 1e9;
    });
  };
  const Figure ours = rate([&] {
    queue_products(500);
    wait();
  });
  const Figure theirs = rate([&] {
    for (int i = 0; i < 500; ++i) pattern_.product();
  });
  if (metal::is_metal(device_) && device_.kind() == DeviceKind::metal_sim &&
      ours.median * 1e9 > roof * 1.05) {
    throw_error(ErrorCode::device_failure, "[bench] {:.4g} GFLOP/s are above the roof of {:.4g}",
                ours.median, roof / 1e9);
  }
  print({{"work", work},
         {"value", ours.median},
         {"unit", "GFLOP/s"},
         {"spread", ours.spread},
         {"opponent_value", theirs.median},
         {"ratio", ours.median / theirs.median},
         {"roof", roof / 1e9},
         {"of_roof", ours.median * 1e9 / roof}},
        0);
}

// Counted, not timed: of 1,000 products queued and read once.
void Bench::count_rows() {
  if (only_.find("host_encode") != only_.npos) return;
  auto* reset = sim_function<decltype(metal_sim_reset_counters)>("metal_sim_reset_counters");
  auto* get = sim_function<decltype(metal_sim_get_counters)>("metal_sim_get_counters");
  if (!reset || !get) return;
  const auto counted = [&](const std::function<void()>& products) {
    reset();
    products();
    metal_sim_counters c;
    get(&c);
    return c;
  };
  wait();
  const auto ours = counted([&] {
    queue_products(kProducts - 1);
    product().to_vector<float>();
  });
  const auto theirs = counted([&] {
    for (int i = 0; i < kProducts; ++i) pattern_.product();
  });
  const auto row = [&](const std::string& what, uint64_t a, uint64_t b, double bar) {
    const std::string work = "dispatch/" + what + "_per_1000/mps";
    if (work.find(only_) == work.npos) return;
    print({{"work", work},
           {"value", a},
           {"unit", what},
           {"spread", 0.0},
           {"opponent_value", b},
           {"ratio", static_cast<double>(b) / static_cast<double>(std::max<uint64_t>(a, 1))}},
          bar);
  };
  row("commits", ours.commits, theirs.commits, 25);
  row("waits", ours.waits, theirs.waits, 1);
}

void Bench::run() {
  encode_rows();
  device_rows();
  throughput_row();
  count_rows();
}

// Own kernels of any source do nothing, whether or not software Metal has a compiler.
void use_kernels_that_do_nothing() {
  static NothingExecutor nothing;
  if (auto* set = sim_function<void(metal_sim::KernelExecutor*)>(
          "_ZN9metal_sim12set_executorEPNS_14KernelExecutorE")) {
    set(&nothing);
  }
}

}  // namespace
}  // namespace pewter

int main(int count, char** arguments) {
  std::string only;
  bool json = false;
  for (int i = 1; i < count; ++i) {
    if (std::string(arguments[i]) == "--json")
      json = true;
    else
      only = arguments[i];
  }
  try {
    if (!pewter::is_present(pewter::metal::this_device())) {
      throw pewter::Error(pewter::ErrorCode::device, pewter::metal::problem());
    }
    pewter::use_kernels_that_do_nothing();
    pewter::Bench(only, json).run();
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_dispatch: {}\n", e.what());
    return 1;
  }
}
