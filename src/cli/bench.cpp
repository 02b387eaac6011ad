// pewter bench: how fast this machine is with pewter, against its own roofs. Comparisons with other
// libraries are bench/run's.
#include "bench_model.h"
#include "measure.h"
#include "pewter/ops.h"

namespace pewter::cli {
namespace {

struct Options {
  Common common;
  std::string model, only;
};

void print_row(const nlohmann::json& r, bool json) {
  if (json) return print_json(r);
  fmt::print("{:<32}{:>12.4g} {:<9} spread {:4.1f} %", r["work"].get<std::string>(),
             r["value"].get<double>(), r["unit"].get<std::string>(),
             100 * r["spread"].get<double>());
  if (r.contains("of_roof")) {
    fmt::print("   {:5.1f} % of {:.4g}", 100 * r["of_roof"].get<double>(), r["roof"].get<double>());
  }
  fmt::print("\n");
  std::fflush(stdout);
}

void bench_kernels(const Options& o, const std::function<void(nlohmann::json)>& print) {
  const Device device = o.common.chosen_device();
  const int threads = num_threads();
  const auto wanted = [&](const std::string& name) { return name.find(o.only) != name.npos; };
  const double peak = measured_fma_peak(threads) / 1e9;
  for (int64_t n : {64, 256, 512, 1024, 2048}) {
    const std::string name = fmt::format("matmul/f32/{}", n);
    if (!wanted(name)) continue;
    const Tensor a = randn({n, n}, {f32, device}, 1), b = randn({n, n}, {f32, device}, 2);
    const double flops = 2.0 * static_cast<double>(n * n * n) / 1e9;
    print(row(name, time_work([&] { matmul(a, b); }), flops, "GFLOP/s", peak));
  }
  const double copy = measured_copy_bandwidth(threads) / 1e9;
  const Tensor x = randn({16384, 2048}, {f32, device}, 3), w = randn({2048}, {f32, device}, 4);
  const double gigabytes = 2.0 * 16384 * 2048 * 4 / 1e9;
  if (wanted("softmax/f32")) {
    print(row("softmax/f32", time_work([&] { softmax(x); }), gigabytes, "GB/s", copy));
  }
  if (wanted("rms_norm/f32")) {
    print(row("rms_norm/f32", time_work([&] { rms_norm(x, w); }), gigabytes, "GB/s", copy));
  }
}

int run(const Options& o) {
  const auto print = [&](const nlohmann::json& r) { print_row(r, o.common.json); };
  if (o.model.empty()) {
    bench_kernels(o, print);
  } else {
    bench_model(o.model, o.only, o.common.chosen_device(), print);
  }
  return interrupted() ? kInterrupted : 0;
}

}  // namespace

void add_bench(CLI::App& app) {
  static Options o;
  CLI::App* c = add_command(app, "bench", "Measure kernels, or a model, against this machine",
                            o.common, [] { return run(o); });
  c->add_option("-m,--model", o.model, "Measure prompt, decode and train with this model");
  c->add_option("name", o.only, "Only rows whose name holds this, e.g. matmul or decode");
}

}  // namespace pewter::cli
