// From a kernel's bitcode and its function constants to code in memory. What was compiled is kept
// in a folder, keyed by everything it depends on, and found there by later processes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "../executor.h"
#include "program.h"

namespace metal_sim::air {

// A folder of compiled objects, bounded: the oldest go when it grows over the limit.
struct ObjectCache {
  std::filesystem::path folder;        // empty: nothing is kept
  uint64_t limit = uint64_t(1) << 30;  // bytes
};

// $METAL_SIM_CACHE, or pewter/air under $XDG_CACHE_HOME or ~/.cache.
ObjectCache default_cache();

struct CompileRequest {
  std::string kernel;
  std::span<const std::byte> bitcode;
  std::span<const ConstantValue> constants;
  bool checks = false;
};

// Throws air::Error.
std::shared_ptr<const Program> compile_kernel(const CompileRequest& request,
                                              const ObjectCache& cache);

// Function constants and such, without compiling.
FunctionInfo describe_kernel(const std::string& kernel, std::span<const std::byte> bitcode);

}  // namespace metal_sim::air
