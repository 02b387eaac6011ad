// What the commands share: the options each of them takes, JSON on request, errors and Ctrl-C.
// A command is one file with one function that adds its subcommand to the parser; main.cpp lists
// them. This is the only part of pewter that prints and that reads the environment.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "pewter/model.h"

namespace pewter::cli {

// --json --device --seed --threads, which every command has.
struct Common {
  bool json = false;
  std::string device;  // empty: default_device()
  uint64_t seed = 0;
  int threads = 0;  // 0: all cores

  // Throws ErrorCode::device, before a model is read, for a device that is not here.
  Device chosen_device() const;
};

// A subcommand with the common options, whose callback runs `body` after they are applied.
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      Common& common, std::function<int()> body);
void add_model_option(CLI::App& command, std::string& model);

// What an option's number must be; a message of these names the option as the user typed it.
CLI::Validator finite();
CLI::Validator at_least(double least);
CLI::Validator above(double bound);
CLI::Validator in_range(double least, double most);
CLI::Validator share();  // [0, 1)
CLI::Validator not_empty();

// The library calls an option by its field; whoever typed a command knows it by its flag.
std::string in_flags(const std::string& message);

// True once Ctrl-C (SIGINT) or SIGTERM came; a second one ends the program with status 130.
bool interrupted();
constexpr int kInterrupted = 130;  // exit status then, as shells have it

// Something for a person to read, on stderr. That nobody can read it is no reason to stop.
template <typename... Args>
void tell(fmt::format_string<Args...> format, Args&&... args) {
  const std::string text = fmt::format(format, std::forward<Args>(args)...);
  [[maybe_unused]] const size_t written = std::fwrite(text.data(), 1, text.size(), stderr);
}

// One line of JSON on stdout.
void print_json(const nlohmann::json& value);

bool stderr_is_terminal();

// "12.3 s", "4 min 05 s"
std::string duration(double seconds);

// A line on stderr that a terminal shows in place and a file gets every `every_seconds`.
class ProgressLine {
 public:
  explicit ProgressLine(double every_seconds = 10) : every_(every_seconds) {}
  ~ProgressLine() { finish(); }
  void show(const std::string& line, bool always = false);
  void finish();  // ends the line, if one is open

 private:
  double every_, last_ = -1e9;
  size_t width_ = 0;
};

void add_fetch(CLI::App& app);
void add_generate(CLI::App& app);
void add_train(CLI::App& app);
void add_eval(CLI::App& app);
void add_merge(CLI::App& app);
void add_bench(CLI::App& app);
void add_doctor(CLI::App& app);

}  // namespace pewter::cli
