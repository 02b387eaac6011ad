#include "train/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "io/atomic_file.h"
#include "io/mapped_file.h"
#include "pewter/error.h"

namespace pewter {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what, int error) {
  throw_error(ErrorCode::io, "[train] {}: {}: {}", path.string(), what, std::strerror(error));
}

}  // namespace

std::vector<io::Json> read_log(const std::filesystem::path& path) {
  std::vector<io::Json> lines;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return lines;
  const io::FileBytes file = io::map_file(path);
  std::string_view rest = file.text();
  for (size_t end; (end = rest.find('\n')) != std::string_view::npos; rest = rest.substr(end + 1)) {
    io::Json line = io::Json::parse(rest.substr(0, end), nullptr, false);
    if (line.is_object() && line.contains("step") && line["step"].is_number_integer()) {
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

Log::Log(std::filesystem::path path, int64_t keep) : path_(std::move(path)) {
  std::string kept;
  if (keep >= 0) {
    for (const io::Json& line : read_log(path_)) {
      if (line["step"].get<int64_t>() <= keep) kept += io::to_json_text(line) + "\n";
    }
  }
  io::write_file_atomically(path_, kept);
  fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd_ < 0) fail(path_, "cannot open", errno);
}

Log::~Log() { ::close(fd_); }

void Log::write(const io::Json& line) {
  const std::string text = io::to_json_text(line) + "\n";
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = ::write(fd_, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path_, "cannot write", errno);
    at += static_cast<size_t>(n);
  }
}

void Log::flush() {
  if (::fsync(fd_) != 0 && errno != EINVAL) fail(path_, "cannot flush", errno);
}

}  // namespace pewter
