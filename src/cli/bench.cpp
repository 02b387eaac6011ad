// pewter bench: how fast this machine is with pewter, against its own roofs. Comparisons with other
// libraries are bench/run's.
#include "bench_model.h"
#include "bench_ops.h"

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
  if (r.contains("note")) fmt::print("   {}", r["note"].get<std::string>());
  fmt::print("\n");
  std::fflush(stdout);
}

int run(const Options& o) {
  const auto print = [&](const nlohmann::json& r) { print_row(r, o.common.json); };
  if (o.model.empty()) {
    bench_ops(o.only, o.common.chosen_device(), print);
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
