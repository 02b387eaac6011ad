// Timing that can be believed: the work is waited for, inputs are random, the result is a median
// with its spread, and a rate above the roof measured in the same run is an error.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "pewter/device.h"

namespace pewter::cli {

struct Timing {
  double median = 0;  // seconds
  double spread = 0;  // (third quartile - first quartile) / median
};

// Runs `work` once to warm up, then until `seconds` have passed, at least `least` times.
Timing time_work(const std::function<void()>& work, double seconds = 0.5, int least = 5);

// One line of a benchmark on `device`: `amount` of `unit` a piece of work, against `roof` in the
// same unit.
// Throws ErrorCode::device_failure when the rate is above the roof: then something was not waited
// for, or the roof is wrong.
nlohmann::json row(const std::string& work, Device device, const Timing& timing, double amount,
                   const std::string& unit, double roof);

}  // namespace pewter::cli
