// Every hundred-and-first of MLX's kernels goes through the whole compiler; nothing is run.
#include "arrays.h"

namespace metal_sim::air::test {
namespace {

TEST_F(Mlx, OneKernelInAHundredCompiles) {
  const auto names = mlx_library()->function_names();
  ASSERT_EQ(names.size(), 17248u);
  size_t compiled = 0;
  for (size_t i = 0; i < names.size(); i += 101) {
    std::vector<ConstantValue> constants;
    for (const auto& slot : value_of(mlx_library()->describe(names[i])).constants) {
      ConstantValue value;
      value.index = slot.index;
      value.type = slot.type;
      value.bytes[0] = std::byte(1);
      constants.push_back(value);
    }
    const auto made = mlx_library()->make_kernel(names[i], constants, {});
    const auto* failure = std::get_if<Failure>(&made);
    EXPECT_EQ(failure, nullptr) << names[i] << ": " << (failure ? failure->message : "");
    compiled += failure == nullptr;
  }
  EXPECT_EQ(compiled, 171u);
}

}  // namespace
}  // namespace metal_sim::air::test
