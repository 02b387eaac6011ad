// mmap behind a shared_ptr: whoever holds a view into the file keeps the mapping.
#include "io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "pewter/error.h"

namespace pewter::io {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what, int error) {
  throw_error(ErrorCode::io, "[read] {}: {}: {}", path.string(), what, std::strerror(error));
}

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

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
  std::shared_ptr<const void> owner(
      address, [size](const void* mapped) { ::munmap(const_cast<void*>(mapped), size); });
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
