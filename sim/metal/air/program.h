// A kernel after compilation: code, and what the scheduler and the checks must know of it. All but
// the two addresses is kept as JSON inside the object file, so a cached object is complete.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../executor.h"
#include "abi.h"

namespace metal_sim::air {

// Where one entry of GroupState::bases comes from.
struct Base {
  enum class Kind : uint8_t { none, buffer, threadgroup_argument, threadgroup_array };
  Kind kind = Kind::none;
  uint32_t index = 0;  // argument index
  uint32_t size = 0;   // of an array
  uint32_t alignment = 1;
  std::string name;
  bool written = false;  // some store goes there, or may
};

struct Program {
  std::string name;
  KernelInfo info;
  std::vector<Base> bases;
  bool synchronises = false;   // has barriers or simdgroup operations, so threads need stacks
  uint32_t private_bytes = 0;  // of a thread's own arrays
  uint32_t granule = 1;        // smallest unit that is read or written; the checks keep books in it
  ThreadFunction thread = nullptr;
  GroupFunction group = nullptr;  // all threads in one call; null with barriers
  std::shared_ptr<void> code;     // keeps the two functions alive
};

std::string to_json(const Program& program);
Program program_from_json(const std::string& text);

}  // namespace metal_sim::air
