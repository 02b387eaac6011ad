// A kernel's text is a part of the program (pewter_embed_text), is compiled by Metal and runs
// through the bindings: the way of pewter's own kernels, on a Mac as on software Metal.
#include <gtest/gtest.h>
#include <mps/mps.h>

#include <cmath>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace msl_test {
std::span<const std::pair<std::string_view, std::string_view>> kernel_sources();
}

namespace {

using namespace apple;

const mtl::Device& device() {
  static const mtl::Device made = mtl::system_default_device();
  return made;
}

std::string source() {
  for (const auto& [name, text] : msl_test::kernel_sources()) {
    if (name == "vector_add.metal") return std::string(text);
  }
  throw std::runtime_error("vector_add.metal is not embedded");
}

mtl::Buffer buffer_of(const std::vector<float>& values) {
  return device().new_buffer(values.data(), values.size() * sizeof(float),
                             mtl::ResourceOptions::storage_mode_shared);
}

class Embedded : public testing::Test {
 protected:
  static void SetUpTestSuite() { objc::Runtime::load(PEWTER_METAL_SIM_LIBRARY); }
};

TEST_F(Embedded, TheTextIsTheFile) {
  EXPECT_EQ(msl_test::kernel_sources().size(), 1u);
  EXPECT_NE(source().find("kernel void vector_add(device const float* a [[buffer(0)]]"),
            std::string::npos);
}

TEST_F(Embedded, AKernelFromTheProgramsTextAdds) {
  const auto options = mtl::CompileOptions::make();
  options.set_fast_math_enabled(false);
  const mtl::Library library = device().new_library(ns::String(source()), options);
  const auto constants = mtl::FunctionConstantValues::make();
  const float scale = 3;
  constants.set_constant_value(&scale, mtl::DataType::float_, 0);
  const auto pipeline = device().new_compute_pipeline_state(
      library.new_function(ns::String("vector_add"), constants));
  std::vector<float> a(1000), b(1000);
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = float(i) / 7;
    b[i] = 5 - float(i);
  }
  const mtl::Buffer left = buffer_of(a), right = buffer_of(b), sum = buffer_of(a);
  const mtl::CommandBuffer commands = device().new_command_queue().command_buffer();
  const mtl::ComputeCommandEncoder encoder = commands.compute_command_encoder();
  encoder.set_compute_pipeline_state(pipeline);
  encoder.set_buffer(left, 0, 0);
  encoder.set_buffer(right, 0, 1);
  encoder.set_buffer(sum, 0, 2);
  encoder.dispatch_threads({1000, 1, 1}, {64, 1, 1});
  encoder.end_encoding();
  commands.commit();
  commands.wait_until_completed();
  commands.check();
  const auto* out = static_cast<const float*>(sum.contents());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(out[i], std::fma(scale, a[i], b[i])) << "element " << i;
  }
}

TEST_F(Embedded, AnErrorInTheTextIsAnNSErrorWithItsLine) {
  try {
    device().new_library(ns::String("kernel void f() {\n  nonsense;\n}\n"),
                         mtl::CompileOptions::make());
    FAIL() << "it compiled";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.domain(), "MTLLibraryErrorDomain");
    EXPECT_EQ(failure.code(), 3);
    EXPECT_NE(std::string(failure.what())
                  .find("program_source:2:3: error: use of undeclared "
                        "identifier 'nonsense'"),
              std::string::npos)
        << failure.what();
  }
}

}  // namespace
