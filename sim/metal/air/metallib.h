// The container that Apple's linker makes of compiled kernels (a .metallib). Its layout is known
// only from files, so the reader takes the parts it needs and checks each: a library may come from
// anywhere. Little-endian throughout:
//
//   header      "MTLB", 12 bytes of versions and platform, then u64: file size, and (offset, size)
//   of
//               the function list, public metadata, private metadata, bitcode
//   functions   u32 count; each: u32 size of the entry (itself included), then tags up to "ENDT":
//               4 letters, u16 length, bytes. NAME text; TYPE 2 is a kernel; MDSZ u64 size of the
//               bitcode; OFFT three u64 offsets into the three sections; HASH of the bitcode
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace metal_sim::air {

class Metallib {
 public:
  // Keeps its own copy of the bytes; `name` stands in errors.
  Metallib(std::span<const std::byte> bytes, std::string name);

  std::vector<std::string> kernel_names() const;
  bool has(std::string_view kernel) const { return kernels_.find(kernel) != kernels_.end(); }
  // The LLVM bitcode of one kernel; lives as long as the library.
  std::span<const std::byte> bitcode(std::string_view kernel) const;

 private:
  struct Range {
    uint64_t offset = 0, size = 0;
  };
  void read_header();
  void read_functions();
  std::string read_function(uint64_t at, uint64_t end, Range* code) const;
  uint64_t integer(uint64_t at, size_t width, std::string_view field) const;

  std::vector<std::byte> bytes_;
  std::string name_;
  Range functions_, code_;
  std::map<std::string, Range, std::less<>> kernels_;
};

}  // namespace metal_sim::air
