// Runs a program with its streams in memory.
#pragma once

#include <string>
#include <vector>

namespace metal_sim::msl {

struct ProcessResult {
  int status = -1;  // as waitpid gives it
  std::string output, errors;
};

// In `directory`. Throws air::Error where the program cannot be started.
ProcessResult run_process(const std::vector<std::string>& arguments, const std::string& input,
                          const std::string& directory);

}  // namespace metal_sim::msl
