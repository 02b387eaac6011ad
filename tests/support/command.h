// Runs build/pewter as a user would: its exit status, stdout and stderr.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace pewter::test {

struct Ran {
  int status = -1;  // exit status, or 1000 + the signal that ended it
  std::string out, err;
};

// `input` goes to stdin.
Ran run_pewter(std::vector<std::string> arguments, const std::string& input = "");

// The same through a shell: `before` is run first (ulimit -f 8), and `redirect` is written after
// the command (>/dev/full, 2>&-).
Ran run_pewter_in_shell(const std::string& before, const std::vector<std::string>& arguments,
                        const std::string& redirect = "");

// Starts it without waiting; its output goes to files in `folder`.
pid_t start_pewter(std::vector<std::string> arguments, const std::filesystem::path& folder);
int wait_for(pid_t child);  // as Ran::status

// A folder that is gone when this is.
struct TempFolder {
  TempFolder();
  ~TempFolder();
  std::filesystem::path path;
};

std::string small_model();  // data/small
std::string read_file(const std::filesystem::path& path);

}  // namespace pewter::test
