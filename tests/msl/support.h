// Kernels from source, run by the executor with all checks on. What was compiled is kept in the
// folder that METAL_SIM_CACHE names; ctest names one of the build.
#pragma once

#include "tests/air/support.h"

namespace metal_sim::msl::test {

using air::test::Call;
using air::test::constant;
using air::test::failure_of;
using air::test::value_of;

inline KernelExecutor& executor() {
  static const auto made = air::make_executor(air::default_cache());
  return *made;
}

// Numbers as written: no fast mathematics.
inline CompileOptions precise() {
  CompileOptions options;
  options.math_mode = 0;
  options.math_functions = 1;
  return options;
}

inline std::shared_ptr<KernelLibrary> library_of(const std::string& source,
                                                 const CompileOptions& options = precise()) {
  return value_of(executor().compile_source(source, options));
}

inline std::shared_ptr<Kernel> kernel_of(const std::string& source, const std::string& name,
                                         std::span<const ConstantValue> constants = {},
                                         const CompileOptions& options = precise()) {
  return value_of(library_of(source, options)->make_kernel(name, constants, {}));
}

inline std::string messages_of(const std::string& source,
                               const CompileOptions& options = precise()) {
  const Failure failure = failure_of(executor().compile_source(source, options));
  EXPECT_EQ(failure.kind, FailureKind::compile);
  return failure.message;
}

constexpr char kHead[] = "#include <metal_stdlib>\nusing namespace metal;\n";

// out[i] = what `body` gives for x = in[i]; `before` stands in front of the kernel.
template <typename Out, typename In>
std::vector<Out> map(const std::string& in_type, const std::string& out_type,
                     const std::string& body, std::vector<In> in, const std::string& before = "") {
  const std::string source = kHead + before + "\nkernel void f(device const " + in_type +
                             "* in [[buffer(0)]], device " + out_type +
                             "* out [[buffer(1)]], uint i [[thread_position_in_grid]]) {\n  " +
                             in_type + " x = in[i];\n  out[i] = " + body + ";\n}\n";
  std::vector<Out> out(in.size());
  value_of(
      Call().buffer(0, in).buffer(1, out).threads({in.size()}, {32}).run(*kernel_of(source, "f")));
  return out;
}

}  // namespace metal_sim::msl::test
