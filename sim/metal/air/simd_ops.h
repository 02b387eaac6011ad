// The operations of a simdgroup or quad, carried out at once for all lanes that take part.
#pragma once

#include <array>

#include "abi.h"

namespace metal_sim::air {

// By lane; null where the lane is not there or takes no part. All requests are of one operation.
using Requests = std::array<SimdRequest*, kLanes>;

void execute(const Requests& requests);

}  // namespace metal_sim::air
