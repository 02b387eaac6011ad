// main() of a test program that can be held to an older instruction set than the machine's best:
// PEWTER_TEST_ISA=avx2 or scalar. It must act before the first kernel runs, hence not in a test.
// Where the machine lacks the set the program ends with 77, which ctest reports as skipped.
#include "instruction_set.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdlib>
#include <cstring>
#include <iostream>

namespace pewter::test {

int64_t wanted_target() {
  const char* name = std::getenv("PEWTER_TEST_ISA");
  if (!name) return 0;
  if (std::strcmp(name, "avx2") == 0) return HWY_AVX2;
  if (std::strcmp(name, "scalar") == 0) return HWY_SCALAR;
  std::cerr << "PEWTER_TEST_ISA is " << name << "; avx2 and scalar are known\n";
  std::exit(2);
}

}  // namespace pewter::test

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (const int64_t target = pewter::test::wanted_target()) {
    if ((hwy::SupportedTargets() & target) == 0) return 77;
    hwy::SetSupportedTargetsForTest(target);
  }
  return RUN_ALL_TESTS();
}
