// Files are read through a mapping: opening a model costs no copy, and pages that nobody touches
// are never read. A parser takes FileBytes, so that tests and fuzzers can hand it bytes from
// memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pewter::io {

struct FileBytes {
  std::string name;                        // for messages: the path
  std::span<const std::byte> data;         // aligned to 16 bytes at least
  std::shared_ptr<const void> keep_alive;  // owns the bytes

  std::string_view text() const {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
  }
};

// Maps a regular file for reading. ErrorCode::io names the path and the system's reason. Another
// process that shortens the file while it is mapped makes reads fail with SIGBUS, as with any
// mapping; pewter's own writers replace files by renaming and never shorten one.
FileBytes map_file(const std::filesystem::path& path);

// The path of the mapping that `address` lies in, or nullptr: for a handler of SIGBUS, so it takes
// no lock and allocates nothing. The first 1024 mappings that are open have a name.
const char* mapped_path(const void* address);

// Throws ErrorCode::io where the system does not say (no permission, a loop of links).
bool is_there(const std::filesystem::path& path);

// A copy of `bytes` in memory, under `name`.
FileBytes copy_bytes(std::string name, std::span<const std::byte> bytes);
FileBytes copy_bytes(std::string name, std::string_view bytes);

}  // namespace pewter::io
