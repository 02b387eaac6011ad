// Two runs in one folder would write over each other's log and checkpoints. The lock is the
// kernel's (flock), on a file in the folder, so it ends with the process however that ends; what a
// killed run leaves is an empty file, which locks nobody out.
#pragma once

#include <filesystem>

namespace pewter {

class FolderLock {
 public:
  // Throws ErrorCode::io naming the folder where another run holds it, and where the file system
  // has no locks.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();  // removes the file
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace pewter
