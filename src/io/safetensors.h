// safetensors, Hugging Face's tensor file: a JSON header and one byte buffer.
// Specification: https://github.com/huggingface/safetensors#format. Read through a mapping and
// checked in full before use: header size and depth, names, dtypes, offsets that overlap, leave
// holes or do not fit. Errors are ErrorCode::format with file, tensor and value.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "io/host_tensor.h"
#include "io/mapped_file.h"

namespace pewter::io {

struct Safetensors {
  std::map<std::string, HostTensor, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;
};

// Element types read: F32, F16, BF16, I32, U8. A tensor whose data lies unaligned in the file is
// copied, all others stay in the mapping.
Safetensors parse_safetensors(FileBytes file);
Safetensors read_safetensors(const std::filesystem::path& path);

// A model folder's weights: model.safetensors, or the shards model.safetensors.index.json names.
Safetensors read_safetensors_folder(const std::filesystem::path& folder);

// Writes atomically (see AtomicFile). Names must be distinct and dtypes plain
// (ErrorCode::argument). Tensors are laid out by element size, then name, so that all of them are
// aligned.
void write_safetensors(const std::filesystem::path& path, std::span<const HostTensor> tensors,
                       const std::map<std::string, std::string, std::less<>>& metadata = {});

class AtomicFile;
// The same into a file that the caller commits.
void write_safetensors(AtomicFile* file, std::span<const HostTensor> tensors,
                       const std::map<std::string, std::string, std::less<>>& metadata = {});

}  // namespace pewter::io
