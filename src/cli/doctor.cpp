// pewter doctor: what this machine offers, and whether every op computes here what its definition
// says: each runs on the chosen device and on `ref`, from the same numbers.
#include <hwy/targets.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmath>

#include "command.h"
#include "pewter/ops.h"

namespace pewter::cli {
namespace {

struct Options {
  Common common;
};

struct SelfTest {
  const char* op;
  std::function<Tensor(Device)> run;
};

Tensor ids_on(Device device) {
  return from_values(std::vector<int32_t>{3, 0, 39, 7}, {4}, {i32, device});
}

// One case an op, odd sizes, seeded numbers that are the same on every device.
std::vector<SelfTest> self_tests() {
  const auto r = [](Shape shape, Device d, uint64_t seed) { return randn(shape, {f32, d}, seed); };
  return {
      {"add", [=](Device d) { return add(r({5, 33}, d, 1), r({33}, d, 2)); }},
      {"mul", [=](Device d) { return mul(r({5, 33}, d, 1), r({5, 33}, d, 2)); }},
      {"silu_mul", [=](Device d) { return silu_mul(r({5, 33}, d, 1), r({5, 33}, d, 2)); }},
      {"gelu", [=](Device d) { return gelu(r({5, 33}, d, 1)); }},
      {"softmax", [=](Device d) { return softmax(r({5, 33}, d, 1)); }},
      {"rms_norm", [=](Device d) { return rms_norm(r({5, 33}, d, 1), r({33}, d, 2)); }},
      {"layer_norm",
       [=](Device d) { return layer_norm(r({5, 33}, d, 1), r({33}, d, 2), r({33}, d, 3)); }},
      {"rope",
       [=](Device d) {
         const RopeTables t = rope_tables(ids_on(d), full({8}, 0.3, {f32, d}));
         return rope(r({4, 3, 16}, d, 1), t.cos, t.sin);
       }},
      {"embedding", [=](Device d) { return embedding(r({40, 9}, d, 1), ids_on(d)); }},
      {"attention",
       [=](Device d) {
         const KeyRange keys = causal_range(1, 70, 0, d);
         return attention(r({1, 70, 4, 24}, d, 1), r({1, 70, 2, 24}, d, 2), r({1, 70, 2, 24}, d, 3),
                          keys.begin, keys.end);
       }},
      {"matmul", [=](Device d) { return matmul(r({37, 65}, d, 1), r({65, 41}, d, 2)); }},
      {"linear", [=](Device d) { return linear(r({37, 64}, d, 1), r({41, 64}, d, 2)); }},
      {"lora_linear",
       [=](Device d) {
         return lora_linear(r({37, 64}, d, 1), r({41, 64}, d, 2), {}, r({4, 64}, d, 3),
                            r({41, 4}, d, 4), {.scale = 2});
       }},
      {"linear_cross_entropy",
       [=](Device d) {
         return linear_cross_entropy(r({4, 9}, d, 1), r({40, 9}, d, 2), ids_on(d),
                                     full({4}, 0.25, {f32, d}));
       }},
  };
}

// Largest difference from `ref` over the largest value there. The cases sum at most 65 terms, so
// 2^-24 * 65 * 8 leaves room for cancellation in the randomly signed sums.
struct Outcome {
  std::string op;
  double error = 0;
  std::string problem;
  bool passed() const { return problem.empty() && error <= 65 * 8 * 0x1p-24; }
};

Outcome test(const SelfTest& t, Device device) {
  Outcome outcome{t.op, 0, ""};
  try {
    const auto actual = t.run(device).to_vector<double>();
    const auto expected = t.run(Device(DeviceKind::ref)).to_vector<double>();
    double largest = 0, difference = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      largest = std::max(largest, std::abs(expected[i]));
      const double d = std::abs(actual[i] - expected[i]);
      difference = std::isnan(d) ? INFINITY : std::max(difference, d);
    }
    outcome.error = difference / largest;
  } catch (const Error& e) {
    outcome.problem = e.what();
  }
  return outcome;
}

std::string instruction_sets() {
  const int64_t supported = hwy::SupportedTargets();
  std::string names;
  for (int64_t bits = supported; bits != 0; bits &= bits - 1) {
    names += (names.empty() ? "" : " ") + std::string(hwy::TargetName(bits & -bits));
  }
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) names += " AVX512_BF16";
#endif
  return names;
}

nlohmann::json facts(const std::vector<Outcome>& outcomes) {
  utsname system{};
  uname(&system);
  const MemoryUse memory = memory_use("cpu");
  nlohmann::json devices_json = nlohmann::json::array(), ops = nlohmann::json::array();
  for (Device d : devices()) devices_json.push_back(d.name());
  for (const Outcome& o : outcomes) {
    ops.push_back({{"op", o.op}, {"relative_error", o.error}, {"passed", o.passed()}});
    if (!o.problem.empty()) ops.back()["problem"] = o.problem;
  }
  return {{"version", PEWTER_VERSION},
          {"compiler", __VERSION__},
          {"system", fmt::format("{} {} {}", system.sysname, system.release, system.machine)},
          {"devices", devices_json},
          {"instruction_sets", instruction_sets()},
          {"threads", num_threads()},
          {"cores", sysconf(_SC_NPROCESSORS_ONLN)},
          {"memory_bytes", int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE)},
          {"memory_budget_bytes", memory.budget},
          {"model_folder", model_folder()},
          {"self_test", ops}};
}

void print_facts(const nlohmann::json& f) {
  for (const char* key : {"version", "compiler", "system", "instruction_sets", "model_folder"}) {
    fmt::print("{:<18}{}\n", key, f[key].get<std::string>());
  }
  fmt::print("{:<18}{}\n", "devices", f["devices"].dump());
  fmt::print("{:<18}{} of {} cores\n", "threads", f["threads"].get<int>(), f["cores"].get<int>());
  fmt::print("{:<18}{:.1f} GiB, of which pewter takes at most {:.1f}\n", "memory",
             f["memory_bytes"].get<double>() / 0x1p30,
             f["memory_budget_bytes"].get<double>() / 0x1p30);
  fmt::print("\nself-test against the double-precision reference\n");
  for (const auto& op : f["self_test"]) {
    fmt::print("  {:<22}{:<8}relative error {:.1e}{}\n", op["op"].get<std::string>(),
               op["passed"].get<bool>() ? "right" : "WRONG", op["relative_error"].get<double>(),
               op.contains("problem") ? "  " + op["problem"].get<std::string>() : "");
  }
}

int run(const Options& o) {
  const Device device = o.common.chosen_device();
  std::vector<Outcome> outcomes;
  for (const SelfTest& t : self_tests()) outcomes.push_back(test(t, device));
  const nlohmann::json f = facts(outcomes);
  if (o.common.json) {
    print_json(f);
  } else {
    print_facts(f);
  }
  for (const Outcome& outcome : outcomes) {
    if (!outcome.passed()) return 1;
  }
  return 0;
}

}  // namespace

void add_doctor(CLI::App& app) {
  static Options o;
  add_command(app, "doctor", "What this machine offers, and a self-test of every op", o.common,
              [] { return run(o); });
}

}  // namespace pewter::cli
