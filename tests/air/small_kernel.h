// A kernel in LLVM's text form with parameters that suit every small test:
//   %in  buffer 0, int, read    %out buffer 1, int    %i thread in grid    %t thread in threadgroup
//   %lane in simdgroup          %group simdgroup      %g threadgroup
#pragma once

#include <string>

#include "support.h"

namespace metal_sim::air::test {

inline std::string small_kernel(const std::string& body, const std::string& globals = "") {
  const auto builtin = [](int number, const std::string& name) {
    return "!" + std::to_string(10 + number) + " = !{i32 " + std::to_string(number) + ", !\"air." +
           name + "\", !\"air.arg_type_name\", !\"uint\", !\"air.arg_name\", !\"x\"}\n";
  };
  const auto buffer = [](int number, const std::string& access, const std::string& name) {
    const std::string n = std::to_string(number);
    return "!" + std::to_string(10 + number) + " = !{i32 " + n +
           ", !\"air.buffer\", !\"air.location_index\", i32 " + n + ", i32 1, !\"air." + access +
           "\", !\"air.address_space\", i32 1, !\"air.arg_type_size\", i32 4, "
           "!\"air.arg_type_align_size\", i32 4, "
           "!\"air.arg_type_name\", !\"int\", !\"air.arg_name\", !\"" +
           name + "\"}\n";
  };
  const std::string head =
      "declare void @air.wg.barrier(i32, i32) #1\ndeclare void @air.simdgroup.barrier(i32, i32) "
      "#1\n"
      "define void @small(ptr addrspace(1) %in, ptr addrspace(1) %out, i32 %i, i32 %t, i32 %lane, "
      "i32 %group, i32 %g) {\n";
  return air_module(
      globals + head + body + "  ret void\n}\nattributes #1 = { convergent nounwind }\n",
      "!air.kernel = !{!0}\n!0 = !{ptr @small, !1, !2}\n!1 = !{}\n!2 = !{!10, !11, !12, !13, !14, "
      "!15, !16}\n" +
          buffer(0, "read", "in") + buffer(1, "read_write", "out") +
          builtin(2, "thread_position_in_grid") + builtin(3, "thread_position_in_threadgroup") +
          builtin(4, "thread_index_in_simdgroup") + builtin(5, "simdgroup_index_in_threadgroup") +
          builtin(6, "threadgroup_position_in_grid"));
}

// out[i] = the i32 %value that `body` computes from the i32 %x = in[i].
inline std::string mapping_kernel(const std::string& body, const std::string& globals = "") {
  return small_kernel(
      "  %px = getelementptr i32, ptr addrspace(1) %in, i32 %i\n  %x = load i32, ptr addrspace(1) "
      "%px, align 4\n" +
          body +
          "  %py = getelementptr i32, ptr addrspace(1) %out, i32 %i\n  store i32 %value, ptr "
          "addrspace(1) %py, align 4\n",
      globals);
}

// What a mapping kernel makes of `in`.
inline std::vector<int32_t> map_all(Kernel& kernel, std::vector<int32_t> in, uint64_t group,
                                    uint64_t seed = 0) {
  std::vector<int32_t> out(in.size(), -1);
  value_of(
      Call().buffer(0, in).buffer(1, out).threads({in.size()}, {group}).seed(seed).run(kernel));
  return out;
}

}  // namespace metal_sim::air::test
