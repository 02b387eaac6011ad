#include "measure.h"

#include <algorithm>
#include <chrono>

#include "command.h"

namespace pewter::cli {

Timing time_work(const std::function<void()>& work, double seconds, int least) {
  using Clock = std::chrono::steady_clock;
  work();
  std::vector<double> times;
  double total = 0;
  while ((total < seconds || static_cast<int>(times.size()) < least) && times.size() < 100000) {
    const auto start = Clock::now();
    work();
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    total += times.back();
    if (interrupted()) break;
  }
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<size_t>(share * static_cast<double>(times.size() - 1) + 0.5)];
  };
  return {at(0.5), (at(0.75) - at(0.25)) / at(0.5)};
}

nlohmann::json row(const std::string& work, Device device, const Timing& t, double amount,
                   const std::string& unit, double roof) {
  const double value = amount / t.median;
  // The roof is the best of a few runs on a noisy machine; a twentieth above it can be noise.
  if (roof > 0 && value > roof * 1.05) {
    throw_error(ErrorCode::device_failure, "[bench] {}: {:.4g} {} is above the roof of {:.4g}",
                work, value, unit, roof);
  }
  nlohmann::json out = {
      {"work", work}, {"threads", num_threads()}, {"device", device.name()}, {"value", value},
      {"unit", unit}, {"spread", t.spread},       {"seconds", t.median}};
  if (roof > 0) {
    out["roof"] = roof;
    out["of_roof"] = value / roof;
  }
  return out;
}

}  // namespace pewter::cli
