#include "command.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>

namespace pewter::cli {
namespace {

std::atomic<int> signals{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_signal(int) {
  if (signals.fetch_add(1) > 0) _exit(kInterrupted);
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string device_fault(const std::string& name) {
  try {
    Device{name};
    return {};
  } catch (const Error& e) {
    return e.what();
  }
}

}  // namespace

bool interrupted() {
  [[maybe_unused]] static const bool installed = [] {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    return true;
  }();
  return signals.load(std::memory_order_relaxed) > 0;
}

Device Common::chosen_device() const {
  const Device chosen = device.empty() ? Device() : Device(device);
  default_stream(chosen);
  return chosen;
}

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      Common& common, std::function<int()> body) {
  CLI::App* command = app.add_subcommand(name, description);
  command->add_flag("--json", common.json, "Print results as JSON on stdout");
  command
      ->add_option("--device", common.device,
                   "Where to compute: cpu, ref, metal or metal-sim (default: cpu)")
      ->check(not_empty())
      ->check(CLI::Validator(device_fault, ""));
  command->add_option("--seed", common.seed, "Seed of all randomness")
      ->check([](const std::string& text) {
        const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
        return digits && text.size() < 20 ? std::string() : "a seed is 0 to 9999999999999999999";
      })
      ->capture_default_str();
  command->add_option("--threads", common.threads, "CPU threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command->callback([&common, body = std::move(body)] {
    interrupted();
    if (common.threads > 0) set_num_threads(common.threads);
    const int status = body();
    if (status != 0) throw CLI::RuntimeError(status);
  });
  return command;
}

void add_model_option(CLI::App& command, std::string& model) {
  command
      .add_option("-m,--model", model,
                  "A GGUF file, a Hugging Face folder, or a name that fetch knows (smollm2-135m)")
      ->required();
}

void print_json(const nlohmann::json& value) {
  // Model output may hold broken UTF-8; JSON may not.
  const std::string line =
      value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fflush(stdout) != 0) {
    throw_error(ErrorCode::io, "[output] stdout cannot be written");
  }
}

bool stderr_is_terminal() { return isatty(STDERR_FILENO) != 0; }

std::string duration(double seconds) {
  if (!(seconds < 1e7)) return "unknown";
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

void ProgressLine::show(const std::string& line, bool always) {
  const double t = now();
  if (stderr_is_terminal()) {
    if (!always && t - last_ < 0.1) return;
    const std::string blanks(width_ > line.size() ? width_ - line.size() : 0, ' ');
    tell("\r{}{}", line, blanks);
    width_ = line.size();
  } else {
    if (!always && t - last_ < every_) return;
    tell("{}\n", line);
  }
  std::fflush(stderr);
  last_ = t;
}

void ProgressLine::finish() {
  if (width_ > 0) tell("\n");
  width_ = 0;
}

}  // namespace pewter::cli
