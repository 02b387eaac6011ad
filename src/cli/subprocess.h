// Running another program and waiting for it, without a shell in between.
#pragma once

#include <string>
#include <vector>

namespace pewter::cli {

struct Finished {
  int status = 0;      // exit status; 128 + n when signal n ended it, 127 if it was not found
  std::string output;  // stdout and stderr together, the last 64 KiB
};

// Throws ErrorCode::io when no process can be made. Ctrl-C reaches the program too.
Finished run_program(const std::vector<std::string>& arguments);

}  // namespace pewter::cli
