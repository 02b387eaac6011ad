// The one exception type. Callers branch on the code; people read the message, which names the
// operation or the file, the field and the value: "[matmul] inner dimensions differ: a is [4, 8],
// b is [7, 3]". Checks happen once, in public functions and readers; kernels assume valid input.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace pewter {

enum class ErrorCode {
  shape,           // sizes do not fit together
  dtype,           // element type not accepted here
  device,          // no such device, or operands on different devices, or no kernel for it
  argument,        // a value outside its range
  out_of_memory,   // the budget or the device said no; the next call that fits works
  device_failure,  // work that was queued failed; names the operation
  format,          // a file's contents are wrong
  io,              // a file could not be read or written
};

std::string_view to_string(ErrorCode code);

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// throw_error(ErrorCode::shape, "[softmax] expected last dimension > 0, got {}", n)
template <typename... Args>
[[noreturn]] void throw_error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace pewter
