// Tests of kernels in mlx.metallib. They are skipped, and say so, where the library is not there.
#pragma once

#include <cmath>

#include "support.h"

namespace metal_sim::air::test {

constexpr char kNoLibrary[] = "mlx.metallib is not here; tools/fetch-mlx-metal gets it";

inline std::shared_ptr<Kernel> mlx_kernel(const std::string& name,
                                          std::span<const ConstantValue> constants = {}) {
  KernelLibrary* library = mlx_library();
  return library ? value_of(library->make_kernel(name, constants, {})) : nullptr;
}

}  // namespace metal_sim::air::test
