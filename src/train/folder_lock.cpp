#include "train/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "pewter/error.h"

namespace pewter {
namespace {

// Whoever held the lock before removed the file: a lock on what has no name excludes nobody.
bool is_named(int fd, const std::filesystem::path& path) {
  struct stat opened {
  }, named{};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder) : path_(folder / ".train.lock") {
  while (fd_ < 0) {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) {
      throw_error(ErrorCode::io, "[train] {}: cannot open: {}", path_.string(),
                  std::strerror(errno));
    }
    if (::flock(fd_, LOCK_EX | LOCK_NB) == 0 && is_named(fd_, path_)) return;
    const int error = errno;
    const bool gone = !is_named(fd_, path_);
    ::close(fd_);
    fd_ = -1;
    if (gone) continue;
    if (error == EWOULDBLOCK) {
      throw_error(ErrorCode::io,
                  "[train] {}: another run is training into this folder; wait for it, or choose "
                  "another folder",
                  folder.string());
    }
    if (error != EINTR) {
      throw_error(ErrorCode::io, "[train] {}: cannot lock: {}", path_.string(),
                  std::strerror(error));
    }
  }
}

FolderLock::~FolderLock() {
  ::unlink(path_.c_str());  // first: once unlocked, it may be another run's
  ::close(fd_);
}

}  // namespace pewter
