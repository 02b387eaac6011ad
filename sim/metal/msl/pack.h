// Writes what air/metallib.h reads: kernels from source take the same way as Apple's.
#pragma once

#include <string>
#include <vector>

#include "lower.h"

namespace metal_sim::msl {

std::string pack_metallib(const std::vector<KernelCode>& kernels);

}  // namespace metal_sim::msl
