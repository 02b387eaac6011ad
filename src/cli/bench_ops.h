// What the ops do a second, against this machine's roofs.
#pragma once

#include "command.h"

namespace pewter::cli {

// One row for each op whose name holds `only`, forward and, where an op has one, forward with
// backward. Operands are larger than the caches where the roof is the memory's. Calls `print` with
// each row.
void bench_ops(const std::string& only, Device device,
               const std::function<void(nlohmann::json)>& print);

}  // namespace pewter::cli
