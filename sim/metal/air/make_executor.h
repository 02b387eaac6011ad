// The executor as an object of its own, for tests and for programs that keep no cache.
#pragma once

#include <memory>

#include "../executor.h"
#include "compile.h"

namespace metal_sim::air {

std::unique_ptr<KernelExecutor> make_executor(ObjectCache cache);

}  // namespace metal_sim::air
