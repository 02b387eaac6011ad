// Loads Metal, once, and says why where it cannot.
#pragma once

#include <mps/mps.h>

#include <string>

namespace pewter::metal {

struct Found {
  apple::mtl::Device device;  // nil: there is none
  std::string problem;        // why
};
Found find_device();

}  // namespace pewter::metal
