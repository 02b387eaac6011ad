// The parts of the Metal device, for those that belong to it.
#pragma once

#include "buffers.h"
#include "queue.h"

namespace pewter::metal {

Buffers& buffers();
Queue& queue();

}  // namespace pewter::metal
