// One test body, every device: DEVICE_TEST(Softmax, OddSizes) { ... device ... } registers
// Softmax.OddSizes/cpu and one entry for each further kind of device; where a device is absent the
// entry reports itself skipped. The reference device is what bodies compare with, so it is not run.
// METAL_TEST(Mps, Transposes) is the same for what only a Metal device can do.
#pragma once

#include <gtest/gtest.h>

#include "pewter/device.h"

namespace pewter::test {

inline std::string device_test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) {
    if (c == '-' || c == ':') c = '_';
  }
  return name;
}

}  // namespace pewter::test

// The devices an op test runs on; those of later backends join this list.
#define PEWTER_TEST_DEVICES ::testing::Values(std::string("cpu"))
#define PEWTER_METAL_DEVICES ::testing::Values(std::string("metal-sim"), std::string("metal"))

#define PEWTER_TEST_ON(devices, suite, name)                                             \
  class suite##_##name : public ::testing::TestWithParam<std::string> {                  \
   protected:                                                                            \
    void body(::pewter::Device device);                                                  \
  };                                                                                     \
  TEST_P(suite##_##name, on) {                                                           \
    const ::pewter::Device device(GetParam());                                           \
    if (!::pewter::is_present(device)) GTEST_SKIP() << GetParam() << " is not present";  \
    body(device);                                                                        \
  }                                                                                      \
  INSTANTIATE_TEST_SUITE_P(, suite##_##name, devices, ::pewter::test::device_test_name); \
  void suite##_##name::body([[maybe_unused]] ::pewter::Device device)

// The same body on Metal as well, for ops that are there already.
#define ALSO_ON_METAL(suite, name)                                      \
  INSTANTIATE_TEST_SUITE_P(metal, suite##_##name, PEWTER_METAL_DEVICES, \
                           ::pewter::test::device_test_name)

#define DEVICE_TEST(suite, name) PEWTER_TEST_ON(PEWTER_TEST_DEVICES, suite, name)
#define METAL_TEST(suite, name) PEWTER_TEST_ON(PEWTER_METAL_DEVICES, suite, name)
