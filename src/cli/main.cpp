// pewter: the command. Exit status 0 for success, 1 for failure, 2 for bad usage, 130 after Ctrl-C.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <exception>

#include "command.h"
#include "io/mapped_file.h"

namespace pewter::cli {
namespace {

// Empty where neither variable has an absolute path: a relative one would mean another folder
// wherever the command is called (and XDG's specification has it ignored).
std::string cache_folder() {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg && *xdg == '/') return std::string(xdg) + "/pewter";
  const char* home = std::getenv("HOME");
  return home && *home == '/' ? std::string(home) + "/.cache/pewter" : std::string();
}

// A mapped file that another program shortens, or a disk that fails under it, is met in the middle
// of a kernel. Nothing but the end is left to do; it should say why. Other bus errors stay what
// they are.
extern "C" void on_bus_error(int, siginfo_t* fault, void*) {
  // Only the processor's own report has an address; kill() has none.
  const char* path = fault->si_code > 0 ? io::mapped_path(fault->si_addr) : nullptr;
  if (!path) {
    signal(SIGBUS, SIG_DFL);
    raise(SIGBUS);
    return;
  }
  for (const char* text :
       {"pewter: ", path, ": the file changed, or could not be read, while it was in use\n"}) {
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, std::strlen(text));
  }
  _exit(1);
}

void name_bus_errors() {
  struct sigaction action = {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}

// CLI11 would only ask for some subcommand.
bool refuse_unknown_command(const CLI::App& app, const char* name) {
  std::string known;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (command->get_name() == name) return false;
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  tell("pewter: '{}' is not a command; commands are {}\n", name, known);
  return true;
}

// An unset variable in a script must not mean "none": a path or a name that is given is not empty.
void refuse_empty_names(CLI::App& app) {
  for (CLI::App* command : app.get_subcommands(nullptr)) {
    for (const char* name : {"--model", "--data", "--eval-data", "--out", "--adapter", "--stop"}) {
      if (CLI::Option* option = command->get_option_no_throw(name)) option->check(not_empty());
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
  if (argc > 1 && *argv[1] != '-' && refuse_unknown_command(app, argv[1])) return 2;
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
  pewter::cli::name_bus_errors();
  pewter::set_model_folder(pewter::cli::cache_folder());
  try {
    return pewter::cli::run_and_flush(argc, argv);
  } catch (const pewter::Error& e) {
    const bool usage = e.code() == pewter::ErrorCode::argument;
    pewter::cli::tell("pewter: {}\n", usage ? pewter::cli::in_flags(e.what()) : e.what());
    return usage ? 2 : 1;
  } catch (const std::exception& e) {
    pewter::cli::tell("pewter: {}\n", e.what());
  }
  return 1;
}
