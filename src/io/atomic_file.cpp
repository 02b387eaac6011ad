// Written with system calls, because streams swallow the errno that tells a full disk from a
// read-only one, and because rename without fsync can leave an empty file after a power failure.
#include "io/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>

#include "pewter/error.h"

namespace pewter::io {
namespace fs = std::filesystem;
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

[[noreturn]] void fail_at(const fs::path& path, std::string_view what, int error) {
  throw_error(ErrorCode::io, "[write] {}: {}: {}", path.string(), what, std::strerror(error));
}

fs::path folder_of(const fs::path& path) {
  return path.parent_path().empty() ? fs::path(".") : path.parent_path();
}

// The rename itself must reach the disk. Some file systems cannot sync a folder: not an error.
void sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

// Opens a new file beside `target` and gives its name. Not mkstemp: that makes files only the owner
// can read, and an output follows the umask like any other file.
int open_beside(const fs::path& target, fs::path* name) {
  std::random_device random;
  for (int attempt = 0; attempt < 100; ++attempt) {
    *name = fmt::format("{}.tmp-{:08x}", target.string(), random());
    const int fd = ::open(name->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

void rename_path(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    fail_at(to, fmt::format("cannot rename {} to it", from.string()), errno);
}

// Swaps two folders atomically; false where the system or the file system cannot.
bool exchange(const fs::path& a, const fs::path& b) {
#if defined(__linux__) && defined(RENAME_EXCHANGE)
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#elif defined(__APPLE__) && defined(RENAME_SWAP)
  return ::renamex_np(a.c_str(), b.c_str(), RENAME_SWAP) == 0;
#else
  (void)a, (void)b;
  return false;
#endif
}

void remove_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) fail_at(folder, "cannot remove", error.value());
}

fs::path with_suffix(fs::path path, const char* suffix) {
  if (!path.has_filename()) path = path.parent_path();  // "out/" means "out"
  path += suffix;
  return path;
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& target) : target_(target) {
  std::error_code ignored;
  if (fs::is_directory(target, ignored)) fail_at(target, "cannot write", EISDIR);
  fd_ = open_beside(target, &temporary_);
  if (fd_ < 0) {
    const int error = errno;
    temporary_.clear();
    fail_at(target, "cannot create a file beside it", error);
  }
  buffer_.reserve(kBufferBytes);
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

void AtomicFile::fail(std::string_view what, int error) {
  discard();
  fail_at(target_, what, error);
}

namespace {

// 0, or the errno of the write that failed.
int write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return 0;
}

}  // namespace

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (fd_ < 0) throw_error(ErrorCode::argument, "[write] {}: already closed", target_.string());
  if (buffer_.size() + bytes.size() > kBufferBytes) {
    if (const int error = write_all(fd_, buffer_)) fail("cannot write", error);
    buffer_.clear();
  }
  if (bytes.size() > kBufferBytes) {
    if (const int error = write_all(fd_, bytes)) fail("cannot write", error);
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

void AtomicFile::flush() {
  if (fd_ < 0) return;
  if (const int error = write_all(fd_, buffer_)) fail("cannot write", error);
  buffer_.clear();
  if (::fsync(fd_) != 0 && errno != EINVAL) fail("cannot flush", errno);
  const int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0) fail("cannot close", errno);
}

void AtomicFile::commit() {
  flush();
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("cannot rename to it", errno);
  temporary_.clear();
  sync_folder(folder_of(target_));
}

void write_file_atomically(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

fs::path whole_directory(const fs::path& target) {
  std::error_code ignored;
  if (fs::is_directory(target, ignored)) return target;
  const fs::path new_path = with_suffix(target, ".new"), old_path = with_suffix(target, ".old");
  if (!fs::is_directory(old_path, ignored)) return {};
  // target was renamed aside, which happens only once the new folder is complete.
  return fs::is_directory(new_path, ignored) ? new_path : old_path;
}

AtomicDirectory::AtomicDirectory(const fs::path& target)
    : target_(with_suffix(target, "")),
      new_(with_suffix(target, ".new")),
      old_(with_suffix(target, ".old")) {
  const fs::path whole = whole_directory(target_);
  if (!whole.empty() && whole != target_) rename_path(whole, target_);
  remove_folder(old_);
  remove_folder(new_);
  if (::mkdir(new_.c_str(), 0777) != 0) fail_at(new_, "cannot create", errno);
}

AtomicDirectory::~AtomicDirectory() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(new_, ignored);
}

void AtomicDirectory::commit() {
  sync_folder(new_);
  std::error_code ignored;
  if (!fs::exists(target_, ignored)) {
    rename_path(new_, target_);
  } else if (exchange(new_, target_)) {
    // What is now called new_ is the folder that was replaced.
    rename_path(new_, old_);
  } else {
    rename_path(target_, old_);
    rename_path(new_, target_);
  }
  committed_ = true;
  sync_folder(folder_of(target_));
  remove_folder(old_);
}

}  // namespace pewter::io
