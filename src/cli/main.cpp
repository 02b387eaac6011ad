// pewter: the command. Exit status 0 for success, 1 for failure, 2 for bad usage, 130 after Ctrl-C.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>

#include "command.h"

namespace pewter::cli {
namespace {

std::string cache_folder() {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg && *xdg) return std::string(xdg) + "/pewter";
  const char* home = std::getenv("HOME");
  return std::string(home && *home ? home : ".") + "/.cache/pewter";
}

// An unset variable in a script must not mean "none": a path or a name that is given is not empty.
void refuse_empty_names(CLI::App& app) {
  const CLI::Validator not_empty(
      [](const std::string& text) { return text.empty() ? "must not be empty" : std::string(); },
      "");
  for (CLI::App* command : app.get_subcommands(nullptr)) {
    for (const char* name :
         {"--model", "--data", "--eval-data", "--out", "--adapter", "--device"}) {
      if (CLI::Option* option = command->get_option_no_throw(name)) option->check(not_empty);
    }
  }
}

int run(int argc, char** argv) {
  CLI::App app{"Fine-tune a transformer language model with LoRA, and run it with its adapters."};
  app.name("pewter");
  app.set_version_flag("--version", std::string("pewter ") + PEWTER_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(32);
  add_fetch(app);
  add_generate(app);
  add_train(app);
  add_eval(app);
  add_merge(app);
  add_bench(app);
  add_doctor(app);
  refuse_empty_names(app);
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::RuntimeError& e) {  // a command's own exit status
    return e.get_exit_code();
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
}

// What a buffer held back until now must arrive too, before success is told.
int run_and_flush(int argc, char** argv) {
  const int status = run(argc, argv);
  if (status == 0 && (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)) {
    throw_error(ErrorCode::io, "[output] stdout cannot be written");
  }
  return status;
}

// Where stdin, stdout or stderr is closed, no output file may take its number: what is printed
// would go into that file. Opened for reading alone, printing to it is an error as before.
void hold_standard_files() {
  int fd = 0;
  while (fd >= 0 && fd <= 2) fd = open("/dev/null", O_RDONLY);
  if (fd > 2) close(fd);
}

}  // namespace
}  // namespace pewter::cli

int main(int argc, char** argv) {
  // A closed pipe and a file that grows too large are write errors, not the end of the process.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  pewter::cli::hold_standard_files();
  pewter::set_model_folder(pewter::cli::cache_folder());
  try {
    return pewter::cli::run_and_flush(argc, argv);
  } catch (const pewter::Error& e) {
    pewter::cli::tell("pewter: {}\n", e.what());
    return e.code() == pewter::ErrorCode::argument ? 2 : 1;
  } catch (const std::exception& e) {
    pewter::cli::tell("pewter: {}\n", e.what());
  }
  return 1;
}
