// Numbers that stopped being numbers, and whose fault that is.
#pragma once

#include <span>
#include <string_view>

#include "pewter/model.h"

namespace pewter {

bool all_finite(std::span<const float> values);

// Throws ErrorCode::format naming file and tensor if a weight of the model's file is not finite.
void check_weights_are_finite(const Model& model);

// For a result that is not finite: that error, or else ErrorCode::device_failure with `what`.
[[noreturn]] void fail_not_finite(const Model& model, std::string_view what);

}  // namespace pewter
