// pewter doctor: what this machine offers, and whether every op computes here what its definition
// says.
#include <hwy/highway.h>
#include <hwy/targets.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "command.h"
#include "pewter/ops.h"
#include "self_test.h"

namespace pewter::cli {
namespace {

struct Options {
  Common common;
};

// Those that the kernels were compiled for and that this processor has.
std::string instruction_sets() {
  const int64_t supported = hwy::SupportedTargets() & HWY_TARGETS;
  std::string names;
  for (int64_t bits = supported; bits != 0; bits &= bits - 1) {
    names += (names.empty() ? "" : " ") + std::string(hwy::TargetName(bits & -bits));
  }
#if defined(__x86_64__)
  const bool has_avx512 = (supported & HWY_AVX3) != 0;
  if (has_avx512 && __builtin_cpu_supports("avx512bf16")) names += " AVX512_BF16";
#endif
  return names;
}

std::string libraries() {
  return fmt::format("Highway {}.{}.{}, fmt {}, nlohmann-json {}.{}.{}, CLI11 {}, PCRE2 {}.{}",
                     HWY_MAJOR, HWY_MINOR, HWY_PATCH, FMT_VERSION, NLOHMANN_JSON_VERSION_MAJOR,
                     NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH, CLI11_VERSION,
                     PCRE2_MAJOR, PCRE2_MINOR);
}

nlohmann::json facts(const std::vector<SelfTestOutcome>& outcomes) {
  utsname system{};
  uname(&system);
  const MemoryUse memory = memory_use("cpu");
  nlohmann::json devices_json = nlohmann::json::array(), ops = nlohmann::json::array();
  for (Device d : devices()) devices_json.push_back(d.name());
  for (const SelfTestOutcome& o : outcomes) {
    ops.push_back({{"op", o.op},
                   {"relative_error", o.error},
                   {"backward", o.backward},
                   {"passed", o.passed()}});
    if (!o.problem.empty()) ops.back()["problem"] = o.problem;
  }
  return {{"version", PEWTER_VERSION},
          {"compiler", __VERSION__},
          {"libraries", libraries()},
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
  for (const char* key :
       {"version", "compiler", "libraries", "system", "instruction_sets", "model_folder"}) {
    fmt::print("{:<18}{}\n", key, f[key].get<std::string>());
  }
  fmt::print("{:<18}{}\n", "devices", f["devices"].dump());
  fmt::print("{:<18}{} of {} cores\n", "threads", f["threads"].get<int>(), f["cores"].get<int>());
  fmt::print("{:<18}{:.1f} GiB, of which pewter takes at most {:.1f}\n", "memory",
             f["memory_bytes"].get<double>() / 0x1p30,
             f["memory_budget_bytes"].get<double>() / 0x1p30);
  fmt::print("\nself-test against the double-precision reference\n");
  for (const auto& op : f["self_test"]) {
    fmt::print("  {:<22}{:<18}{:<8}relative error {:.1e}{}\n", op["op"].get<std::string>(),
               op["backward"].get<bool>() ? "and its gradients" : "",
               op["passed"].get<bool>() ? "right" : "WRONG", op["relative_error"].get<double>(),
               op.contains("problem") ? "  " + op["problem"].get<std::string>() : "");
  }
}

int run(const Options& o) {
  const Device device = o.common.chosen_device();
  const std::vector<SelfTestOutcome> outcomes = run_self_tests(device);
  const nlohmann::json f = facts(outcomes);
  if (o.common.json) {
    print_json(f);
  } else {
    print_facts(f);
  }
  for (const SelfTestOutcome& outcome : outcomes) {
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
