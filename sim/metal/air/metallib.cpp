// Reads .metallib containers; every size and offset is compared with what is left before it is
// used.
#include "metallib.h"

#include <algorithm>
#include <cstring>

#include "error.h"

namespace metal_sim::air {
namespace {

constexpr uint64_t kHeaderSize = 88;
constexpr uint64_t kKernelType = 2;
constexpr uint64_t kMaxFunctions = 1 << 20;

}  // namespace

Metallib::Metallib(std::span<const std::byte> bytes, std::string name)
    : bytes_(bytes.begin(), bytes.end()), name_(std::move(name)) {
  read_header();
  read_functions();
}

std::vector<std::string> Metallib::kernel_names() const {
  std::vector<std::string> names;
  names.reserve(kernels_.size());
  for (const auto& [name, range] : kernels_) names.push_back(name);
  return names;
}

std::span<const std::byte> Metallib::bitcode(std::string_view kernel) const {
  const auto found = kernels_.find(kernel);
  if (found == kernels_.end()) {
    fail(FailureKind::function_not_found, "{}: no kernel named '{}'", name_, kernel);
  }
  const Range range = found->second;
  return std::span(bytes_).subspan(code_.offset + range.offset, range.size);
}

uint64_t Metallib::integer(uint64_t at, size_t width, std::string_view field) const {
  if (at > bytes_.size() || width > bytes_.size() - at) {
    fail(FailureKind::file, "{}: {} lies at byte {}, the file has {}", name_, field, at,
         bytes_.size());
  }
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) value |= std::to_integer<uint64_t>(bytes_[at + i]) << (8 * i);
  return value;
}

void Metallib::read_header() {
  if (bytes_.size() < kHeaderSize || std::memcmp(bytes_.data(), "MTLB", 4) != 0) {
    fail(FailureKind::file, "{}: not a metallib ({} bytes, magic is not MTLB)", name_,
         bytes_.size());
  }
  const uint64_t size = integer(16, 8, "file size");
  if (size != bytes_.size()) {
    fail(FailureKind::file, "{}: file size says {}, the file has {}", name_, size, bytes_.size());
  }
  const auto section = [&](uint64_t at, std::string_view what) {
    const Range range{integer(at, 8, what), integer(at + 8, 8, what)};
    if (range.offset > size || range.size > size - range.offset) {
      fail(FailureKind::file, "{}: {} is {} bytes at {}, the file has {}", name_, what, range.size,
           range.offset, size);
    }
    return range;
  };
  functions_ = section(24, "function list");
  code_ = section(72, "bitcode section");
}

void Metallib::read_functions() {
  // The section's size leaves out the count in some files, so entries are held to the file's end.
  const uint64_t count = integer(functions_.offset, 4, "function count");
  if (count > kMaxFunctions) {
    fail(FailureKind::file, "{}: function count is {}", name_, count);
  }
  uint64_t at = functions_.offset + 4;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t size = integer(at, 4, "size of a function's entry");
    if (size < 8 || size > bytes_.size() - at) {
      fail(FailureKind::file, "{}: entry of function {} has {} bytes", name_, i, size);
    }
    Range code;
    std::string name = read_function(at + 4, at + size, &code);
    if (!name.empty()) kernels_.emplace(std::move(name), code);
    at += size;
  }
}

// The name, empty for what is no kernel.
std::string Metallib::read_function(uint64_t at, uint64_t end, Range* code) const {
  std::string name;
  uint64_t type = kKernelType;
  while (true) {
    if (end - at < 4) fail(FailureKind::file, "{}: entry at byte {} has no ENDT", name_, at);
    const std::string_view tag(reinterpret_cast<const char*>(bytes_.data() + at), 4);
    if (tag == "ENDT") break;
    if (end - at < 6 || integer(at + 4, 2, tag) > end - at - 6) {
      fail(FailureKind::file, "{}: tag {} at byte {} ends behind its entry", name_, tag, at);
    }
    const uint64_t length = integer(at + 4, 2, tag), value = at + 6;
    const auto expect = [&](uint64_t wanted) {
      if (length != wanted) {
        fail(FailureKind::file, "{}: tag {} has {} bytes, not {}", name_, tag, length, wanted);
      }
    };
    if (tag == "NAME") {
      name.assign(reinterpret_cast<const char*>(bytes_.data() + value), length);
      name.resize(std::min(name.size(), name.find('\0')));
    } else if (tag == "TYPE") {
      expect(1);
      type = integer(value, 1, tag);
    } else if (tag == "MDSZ") {
      expect(8);
      code->size = integer(value, 8, tag);
    } else if (tag == "OFFT") {
      expect(24);
      code->offset = integer(value + 16, 8, tag);
    }
    at = value + length;
  }
  if (name.empty()) fail(FailureKind::file, "{}: a function's entry has no NAME", name_);
  if (code->offset > code_.size || code->size > code_.size - code->offset) {
    fail(FailureKind::file, "{}: bitcode of {} is {} bytes at {}, the section has {}", name_, name,
         code->size, code->offset, code_.size);
  }
  return type == kKernelType ? name : std::string();
}

}  // namespace metal_sim::air
