// simdgroup_matrix of half and float: load (also transposed and from an origin), product, store.
#include "small_kernel.h"

namespace metal_sim::air::test {
namespace {

constexpr char kDeclarations[] =
    "declare <64 x half> @air.simdgroup_matrix_8x8_load.v64f16.p1f16(ptr addrspace(1), i64, <2 x "
    "i64>, i1) #1\n"
    "declare <64 x float> @air.simdgroup_matrix_8x8_init_filled.v64f32.f32(float) #1\n"
    "declare <64 x float> "
    "@air.simdgroup_matrix_8x8_multiply_accumulate.v64f32.v64f16.v64f16.v64f32(<64 x half>, <64 x "
    "half>, <64 x float>) #1\n"
    "declare void @air.simdgroup_matrix_8x8_store.v64f32.p1f32(<64 x float>, ptr addrspace(1), "
    "i64, <2 x i64>, i1) #1\n";

// out = A op(B) + 3, A and B from places in one 20 x 20 matrix.
std::string product(bool transpose) {
  const std::string load =
      "call <64 x half> @air.simdgroup_matrix_8x8_load.v64f16.p1f16(ptr addrspace(1) %in, i64 20, "
      "<2 x i64> ";
  return small_kernel(
      "  %a = " + load + "<i64 2, i64 1>, i1 false) #1\n  %b = " + load + "<i64 11, i64 9>, i1 " +
          (transpose ? "true" : "false") +
          ") #1\n  %c = call <64 x float> @air.simdgroup_matrix_8x8_init_filled.v64f32.f32(float "
          "3.0) #1\n"
          "  %d = call <64 x float> "
          "@air.simdgroup_matrix_8x8_multiply_accumulate.v64f32.v64f16.v64f16.v64f32(<64 x half> "
          "%a, <64 x half> %b, <64 x float> %c) #1\n"
          "  call void @air.simdgroup_matrix_8x8_store.v64f32.p1f32(<64 x float> %d, ptr "
          "addrspace(1) %out, i64 8, <2 x i64> zeroinitializer, i1 false) #1\n",
      kDeclarations);
}

TEST(AirMatrix, ProductOfHalvesIsExactInFloat) {
  std::vector<float> numbers(400);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = float(i * 37 % 101) - 50;
  auto in = to_half(numbers);
  for (const bool transpose : {false, true}) {
    const auto kernel = kernel_of("small", product(transpose));
    for (const uint64_t seed : {0, 9}) {
      std::vector<float> out(64);
      value_of(Call().buffer(0, in).buffer(1, out).threads({32}, {32}).seed(seed).run(*kernel));
      for (size_t i = 0; i < 64; ++i) {
        float wanted = 3;
        for (size_t k = 0; k < 8; ++k) {
          const size_t row = transpose ? i % 8 : k, column = transpose ? k : i % 8;
          wanted += numbers[(1 + i / 8) * 20 + 2 + k] * numbers[(9 + row) * 20 + 11 + column];
        }
        ASSERT_EQ(out[i], wanted) << "element " << i << " transposed " << transpose;
      }
    }
  }
}

TEST(AirMatrix, LoadsAndStoresAreChecked) {
  const auto kernel = kernel_of("small", product(false));
  std::vector<uint16_t> in(400);
  std::vector<float> out(63);
  EXPECT_NE(failure_of(Call().buffer(0, in).buffer(1, out).threads({32}, {32}).run(*kernel))
                .message.find("write of 4 bytes at offset 252"),
            std::string::npos);
}

// A kernel whose threadgroup memory the caller sizes.
std::string reversing_kernel() {
  const std::string tail = ", i32 1, !\"air.read_write\", !\"air.address_space\", i32 ";
  const std::string type =
      ", !\"air.arg_type_size\", i32 4, !\"air.arg_type_align_size\", i32 4, "
      "!\"air.arg_type_name\", !\"int\", !\"air.arg_name\", ";
  return air_module(
      "declare void @air.wg.barrier(i32, i32) #1\n"
      "define void @small(ptr addrspace(1) %data, ptr addrspace(3) %shared, i32 %t, i32 %n) {\n"
      "  %p = getelementptr i32, ptr addrspace(1) %data, i32 %t\n  %x = load i32, ptr addrspace(1) "
      "%p, align 4\n"
      "  %s = getelementptr i32, ptr addrspace(3) %shared, i32 %t\n  store i32 %x, ptr "
      "addrspace(3) %s, align 4\n"
      "  call void @air.wg.barrier(i32 2, i32 1) #1\n  %last = sub i32 %n, 1\n  %u = sub i32 "
      "%last, %t\n"
      "  %r = getelementptr i32, ptr addrspace(3) %shared, i32 %u\n  %y = load i32, ptr "
      "addrspace(3) %r, align 4\n"
      "  store i32 %y, ptr addrspace(1) %p, align 4\n  ret void\n}\nattributes #1 = { convergent "
      "nounwind }\n",
      "!air.kernel = !{!0}\n!0 = !{ptr @small, !1, !2}\n!1 = !{}\n!2 = !{!3, !4, !5, !6}\n"
      "!3 = !{i32 0, !\"air.buffer\", !\"air.location_index\", i32 0" +
          tail + "1" + type +
          "!\"data\"}\n"
          "!4 = !{i32 1, !\"air.buffer\", !\"air.location_index\", i32 0" +
          tail + "3" + type +
          "!\"shared\"}\n"
          "!5 = !{i32 2, !\"air.thread_position_in_threadgroup\", !\"air.arg_type_name\", "
          "!\"uint\"}\n"
          "!6 = !{i32 3, !\"air.threads_per_threadgroup\", !\"air.arg_type_name\", !\"uint\"}\n");
}

TEST(AirThreadgroupMemory, IsSizedByTheCaller) {
  const auto kernel = kernel_of("small", reversing_kernel());
  EXPECT_EQ(kernel->info().arguments.at(1).kind, BindingKind::threadgroup_memory);
  std::vector<int32_t> data(100);
  for (int i = 0; i < 100; ++i) data[size_t(i)] = i;
  value_of(Call().buffer(0, data).threadgroup_memory(0, 400).threads({100}, {100}).run(*kernel));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(data[size_t(i)], 99 - i);
  EXPECT_NE(
      failure_of(
          Call().buffer(0, data).threadgroup_memory(0, 396).threads({100}, {100}).run(*kernel))
          .message.find("write of 4 bytes at offset 396 of threadgroup memory 0 'shared', which "
                        "has 396 bytes"),
      std::string::npos);
}

}  // namespace
}  // namespace metal_sim::air::test
