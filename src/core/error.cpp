// Names of the error codes, for messages and for --json.
#include "pewter/error.h"

namespace pewter {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::shape:
      return "shape";
    case ErrorCode::dtype:
      return "dtype";
    case ErrorCode::device:
      return "device";
    case ErrorCode::argument:
      return "argument";
    case ErrorCode::out_of_memory:
      return "out_of_memory";
    case ErrorCode::device_failure:
      return "device_failure";
    case ErrorCode::format:
      return "format";
    case ErrorCode::io:
      return "io";
  }
  return "unknown";
}

}  // namespace pewter
