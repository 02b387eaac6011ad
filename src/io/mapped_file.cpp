// mmap behind a shared_ptr: whoever holds a view into the file keeps the mapping.
#include "io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <vector>

#include "pewter/error.h"

namespace pewter::io {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what, int error) {
  throw_error(ErrorCode::io, "[read] {}: {}: {}", path.empty() ? "an empty path" : path.string(),
              what, std::strerror(error));
}

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// Open mappings. A signal may come between any two lines, so a slot is taken and published with
// atomics alone; where all slots are taken a mapping goes without a name.
struct Mapping {
  std::atomic<bool> taken{false};
  std::atomic<const std::byte*> begin{nullptr};
  size_t size = 0;
  const char* path = nullptr;
};
constinit std::array<Mapping, 1024> mappings;

class Named {
 public:
  Named(const void* begin, size_t size, std::string path)
      : begin_(begin), size_(size), path_(std::move(path)) {
    for (Mapping& m : mappings) {
      if (m.taken.exchange(true)) continue;
      m.size = size_;
      m.path = path_.c_str();
      m.begin.store(static_cast<const std::byte*>(begin_));
      slot_ = &m;
      return;
    }
  }
  ~Named() {
    if (slot_) {
      slot_->begin.store(nullptr);
      slot_->taken.store(false);
    }
    ::munmap(const_cast<void*>(begin_), size_);
  }
  Named(const Named&) = delete;
  Named& operator=(const Named&) = delete;

 private:
  const void* begin_;
  size_t size_;
  std::string path_;
  Mapping* slot_ = nullptr;
};

}  // namespace

const char* mapped_path(const void* address) {
  const auto* at = static_cast<const std::byte*>(address);
  const std::less_equal<> not_after;
  for (const Mapping& m : mappings) {
    const std::byte* begin = m.begin.load();
    if (begin && not_after(begin, at) && at - begin < static_cast<ptrdiff_t>(m.size)) return m.path;
  }
  return nullptr;
}

FileBytes map_file(const std::filesystem::path& path) {
  // O_NONBLOCK: a FIFO with no writer must not hang us before fstat can refuse it.
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) fail(path, "cannot open", errno);
  struct stat status {};
  if (::fstat(file.fd, &status) != 0) fail(path, "cannot stat", errno);
  if (S_ISDIR(status.st_mode)) fail(path, "cannot read", EISDIR);
  if (!S_ISREG(status.st_mode))
    throw_error(ErrorCode::io, "[read] {}: not a regular file", path.string());
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return {path.string(), {}, nullptr};
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (address == MAP_FAILED) fail(path, "cannot map", errno);
  std::shared_ptr<const void> owner;
  try {
    owner = std::make_shared<const Named>(address, size, path.string());
  } catch (...) {
    ::munmap(address, size);
    throw;
  }
  return {path.string(), {static_cast<const std::byte*>(address), size}, std::move(owner)};
}

bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  const bool found = std::filesystem::exists(path, error);
  if (error) fail(path, "cannot look", error.value());
  return found;
}

FileBytes copy_bytes(std::string name, std::span<const std::byte> bytes) {
  auto owner = std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
  const std::span<const std::byte> data = *owner;
  return {std::move(name), data, std::move(owner)};
}

FileBytes copy_bytes(std::string name, std::string_view bytes) {
  return copy_bytes(std::move(name), std::as_bytes(std::span(bytes.data(), bytes.size())));
}

}  // namespace pewter::io
