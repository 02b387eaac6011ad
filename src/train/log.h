// log.jsonl: one JSON object a line, appended as training goes. Kinds of line, told apart by a
// field:
//   "settings"       the first line: what was asked for
//   "loss"           a step          "eval_loss"  an evaluation          "samples"  answers
// A killed run may leave lines later than its last checkpoint, and half a line at the end; opening
// the log for a resumed run cuts it back, so that no step occurs twice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "io/json_file.h"

namespace pewter {

class Log {
 public:
  // Keeps the lines of steps up to `keep` (all lines have a step); a negative number begins anew.
  // Throws ErrorCode::io.
  Log(std::filesystem::path path, int64_t keep);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(const io::Json& line);
  void flush();  // onto the disk

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

// The lines that are whole; an empty list if there is no file.
std::vector<io::Json> read_log(const std::filesystem::path& path);

}  // namespace pewter
