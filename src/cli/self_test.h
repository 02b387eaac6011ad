// Does every op compute on this machine what its definition says?
#pragma once

#include <string>
#include <vector>

#include "pewter/device.h"

namespace pewter::cli {

struct SelfTestOutcome {
  std::string op;
  double error = 0;  // of the result, or of a gradient, relative to the largest value there
  bool backward = false;
  std::string problem;  // what the op threw
  bool passed() const;
};

// Each op on `device` and on `ref`, from the same numbers, and its gradients where it has them.
std::vector<SelfTestOutcome> run_self_tests(Device device);

}  // namespace pewter::cli
