// NumPy's .npy files: one array. Versions 1.0 and 2.0, little-endian f2, f4, i4, i8, C order.
// Specification: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/mapped_file.h"

namespace pewter::io {

enum class NpyType { f2, f4, i4, i8 };

struct NpyArray {
  NpyType type = NpyType::f4;
  std::vector<int64_t> shape;       // empty: one value
  std::span<const std::byte> data;  // as many bytes as type and shape say; may lie unaligned
  std::shared_ptr<const void> keep_alive;

  int64_t values() const;
  std::vector<float> to_f32() const;    // from f2 and f4; ErrorCode::dtype from integers
  std::vector<int64_t> to_i64() const;  // from i4 and i8; ErrorCode::dtype from floats
};

// Anything that does not hold is ErrorCode::format with file and field.
NpyArray parse_npy(FileBytes file);
NpyArray read_npy(const std::filesystem::path& path);

// Writes atomically; `data` must have the bytes that `shape` takes (ErrorCode::argument).
void write_npy(const std::filesystem::path& path, NpyType type, std::span<const int64_t> shape,
               std::span<const std::byte> data);

}  // namespace pewter::io
