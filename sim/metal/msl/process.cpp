// Anonymous files stand for the streams, so nobody has to read while another writes.
#include "process.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "../air/error.h"

extern char** environ;

namespace metal_sim::msl {
namespace {

using air::fail;

class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : descriptor_(memfd_create(name, MFD_CLOEXEC)) {
    if (descriptor_ < 0) fail(FailureKind::internal, "memfd_create: {}", std::strerror(errno));
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }
  int descriptor() const { return descriptor_; }

  void fill(const std::string& bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t n = write(descriptor_, bytes.data() + at, bytes.size() - at);
      if (n <= 0) fail(FailureKind::internal, "source: {}", std::strerror(errno));
      at += size_t(n);
    }
    lseek(descriptor_, 0, SEEK_SET);
  }

  std::string contents() const {
    std::string bytes(size_t(lseek(descriptor_, 0, SEEK_END)), '\0');
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t n = pread(descriptor_, bytes.data() + at, bytes.size() - at, off_t(at));
      if (n <= 0) fail(FailureKind::internal, "output: {}", std::strerror(errno));
      at += size_t(n);
    }
    return bytes;
  }

 private:
  int descriptor_;
};

int wait_for(pid_t child) {
  int status = -1;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments, const std::string& input,
                          const std::string& directory) {
  MemoryFile in("in"), out("out"), errors("err");
  in.fill(input);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  posix_spawn_file_actions_adddup2(&actions, in.descriptor(), 0);
  posix_spawn_file_actions_adddup2(&actions, out.descriptor(), 1);
  posix_spawn_file_actions_adddup2(&actions, errors.descriptor(), 2);
  std::vector<char*> raw;
  for (const auto& a : arguments) raw.push_back(const_cast<char*>(a.c_str()));
  raw.push_back(nullptr);
  pid_t child = 0;
  const int problem = posix_spawn(&child, raw[0], &actions, nullptr, raw.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) {
    fail(FailureKind::internal, "{}: {}", arguments[0], std::strerror(problem));
  }
  ProcessResult result;
  result.status = wait_for(child);
  result.output = out.contents();
  result.errors = errors.contents();
  return result;
}

}  // namespace metal_sim::msl
