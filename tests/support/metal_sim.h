// Software Metal's own functions, looked up in the library that the Metal device loaded: what a
// test asks beyond Apple's API. Where the device is a real one there is none of it.
#pragma once

#include <metal_sim/metal_sim.h>
#include <mps/mps.h>

#include <cstdlib>

#include "pewter/device.h"

namespace pewter::test {

inline bool is_metal_sim(Device device) { return device.kind() == DeviceKind::metal_sim; }

template <typename Function>
Function* sim_function(const char* name) {
  void* found = apple::objc::Runtime::symbol(name);
  if (!found) throw std::runtime_error(std::string("software Metal has no ") + name);
  return reinterpret_cast<Function*>(found);
}

inline metal_sim_counters sim_counters() {
  metal_sim_counters counters;
  sim_function<decltype(metal_sim_get_counters)>("metal_sim_get_counters")(&counters);
  return counters;
}
inline void reset_sim_counters() {
  sim_function<decltype(metal_sim_reset_counters)>("metal_sim_reset_counters")();
}
inline void fail_next_command_buffer(int code) {
  sim_function<decltype(metal_sim_fail_next_command_buffer)>("metal_sim_fail_next_command_buffer")(
      code);
}
inline void set_sim_memory_limit(uint64_t bytes) {
  sim_function<decltype(metal_sim_set_memory_limit)>("metal_sim_set_memory_limit")(bytes);
}

// Work runs when somebody waits, or some milliseconds late, while one of these lives.
class Deferred {
 public:
  explicit Deferred(uint64_t seed = 0) { set(METAL_SIM_DEFERRED, seed); }
  ~Deferred() {  // back to what the environment says
    const char *mode = std::getenv("METAL_SIM_MODE"), *seed = std::getenv("METAL_SIM_SEED");
    const bool late = mode && std::string(mode) == "deferred";
    set(late ? METAL_SIM_DEFERRED : METAL_SIM_SYNCHRONOUS, seed ? std::stoull(seed) : 0);
  }
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;

 private:
  static void set(int mode, uint64_t seed) {
    sim_function<decltype(metal_sim_set_mode)>("metal_sim_set_mode")(mode, seed);
  }
};

}  // namespace pewter::test

// Leaves a test of what only software Metal can count or provoke.
#define NEEDS_METAL_SIM(device) \
  if (!::pewter::test::is_metal_sim(device)) GTEST_SKIP() << "counted by software Metal only"
