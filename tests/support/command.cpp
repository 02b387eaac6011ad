#include "command.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

extern char** environ;

namespace pewter::test {
namespace {

// `arguments` are the program's path and its own.
pid_t spawn(std::vector<std::string> arguments, const std::string& in, const std::string& out,
            const std::string& err) {
  std::vector<char*> argv;
  for (std::string& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, in.c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t child = -1;
  if (posix_spawn(&child, argv[0], &files, nullptr, argv.data(), environ) != 0) child = -1;
  posix_spawn_file_actions_destroy(&files);
  return child;
}

std::vector<std::string> pewter_with(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), PEWTER_COMMAND);
  return arguments;
}

Ran run(std::vector<std::string> arguments, const std::string& input) {
  const TempFolder folder;
  std::ofstream(folder.path / "in", std::ios::binary) << input;
  Ran r;
  r.status = wait_for(
      spawn(std::move(arguments), folder.path / "in", folder.path / "out", folder.path / "err"));
  r.out = read_file(folder.path / "out");
  r.err = read_file(folder.path / "err");
  return r;
}

}  // namespace

TempFolder::TempFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "pewter-test-XXXXXX").string();
  path = mkdtemp(name.data());
}
TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string small_model() { return std::string(PEWTER_DATA_DIR) + "/small"; }

int wait_for(pid_t child) {
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

pid_t start_pewter(std::vector<std::string> arguments, const std::filesystem::path& folder) {
  return spawn(pewter_with(std::move(arguments)), "/dev/null", folder / "out", folder / "err");
}

Ran run_pewter(std::vector<std::string> arguments, const std::string& input) {
  return run(pewter_with(std::move(arguments)), input);
}

Ran run_pewter_in_shell(const std::string& before, const std::vector<std::string>& arguments,
                        const std::string& redirect) {
  std::vector<std::string> all = {"/bin/sh", "-c", before + "; exec \"$0\" \"$@\" " + redirect};
  for (const std::string& a : pewter_with(arguments)) all.push_back(a);
  return run(all, "");
}

}  // namespace pewter::test
