// Outputs appear whole or not at all: they are written under a temporary name in the same folder,
// flushed to the disk, then renamed over the target. Whatever fails (full disk, read-only or
// missing folder) throws ErrorCode::io with path and reason, removes the temporary file and leaves
// the earlier output as it was.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pewter::io {

// write()*, then commit(). Without commit() the destructor removes the temporary file. A process
// killed in between leaves one file named "<target>.tmp-<random>", never a partial target.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void flush();   // everything on the disk, under the temporary name
  void commit();  // flush() if needed, then the rename

 private:
  [[noreturn]] void fail(std::string_view what, int error);
  void discard();

  std::filesystem::path target_;
  std::filesystem::path temporary_;
  std::vector<std::byte> buffer_;
  int fd_ = -1;
};

void write_file_atomically(const std::filesystem::path& path, std::string_view text);

// A folder of files replaced as one (a checkpoint). The new folder is written as "<target>.new";
// commit() exchanges it with the target in one system call where the file system can, and otherwise
// renames target to "<target>.old", "<target>.new" to target. After SIGKILL at any moment
// whole_directory() finds a complete folder if there ever was one, and the next AtomicDirectory
// tidies up. One writer at a time.
class AtomicDirectory {
 public:
  explicit AtomicDirectory(const std::filesystem::path& target);
  ~AtomicDirectory();
  AtomicDirectory(const AtomicDirectory&) = delete;
  AtomicDirectory& operator=(const AtomicDirectory&) = delete;

  // Where to write the files (with AtomicFile, so that they are flushed).
  const std::filesystem::path& path() const { return new_; }
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path new_;
  std::filesystem::path old_;
  bool committed_ = false;
};

// The complete folder that stands for `target`: target itself, or what a killed AtomicDirectory
// left of it; an empty path if there is none. Changes nothing on the disk.
std::filesystem::path whole_directory(const std::filesystem::path& target);

}  // namespace pewter::io
