#include "finite.h"

#include <algorithm>
#include <cstring>

#include "model_impl.h"

namespace pewter {

// By the bits, which compilers turn into SIMD: every token of an answer is looked at.
bool all_finite(std::span<const float> values) {
  uint32_t largest = 0;
  for (const float& value : values) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    largest = std::max(largest, bits & 0x7fffffffu);
  }
  return largest < 0x7f800000u;
}

void check_weights_are_finite(const Model& model) {
  const std::string name = io::first_not_finite(model.impl().files);
  if (name.empty()) return;
  throw_error(ErrorCode::format, "[model] {}: tensor '{}' holds a value that is not finite",
              model.impl().files.name(), name);
}

void fail_not_finite(const Model& model, std::string_view what) {
  check_weights_are_finite(model);
  throw_error(ErrorCode::device_failure, "{}", what);
}

}  // namespace pewter
