// The executor's own exception. It never crosses the seam (executor.h): executor.cpp turns it into
// a Failure. A message names the file or kernel, the field and the value.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

#include "../executor.h"

namespace metal_sim::air {

class Error : public std::runtime_error {
 public:
  Error(FailureKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  FailureKind kind() const { return kind_; }

 private:
  FailureKind kind_;
};

template <typename... Args>
[[noreturn]] void fail(FailureKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace metal_sim::air
