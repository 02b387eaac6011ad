// Each check of the executor with a kernel that must be reported and one that must not.
#include "small_kernel.h"

namespace metal_sim::air::test {
namespace {

constexpr char kArray[] = "@shared = internal addrspace(3) global [64 x i32] undef, align 4\n";
constexpr char kBarrier[] = "  call void @air.wg.barrier(i32 2, i32 1) #1\n";
constexpr char kStoreOwn[] =
    "  %ps = getelementptr [64 x i32], ptr addrspace(3) @shared, i32 0, i32 %t\n"
    "  store i32 %x, ptr addrspace(3) %ps, align 4\n";
constexpr char kLoadNext[] =
    "  %u = xor i32 %t, 1\n  %pl = getelementptr [64 x i32], ptr addrspace(3) @shared, i32 0, i32 "
    "%u\n"
    "  %value = load i32, ptr addrspace(3) %pl, align 4\n";

std::vector<int32_t> counted(size_t n) {
  std::vector<int32_t> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = int32_t(i * 3 + 1);
  return values;
}

Outcome<std::monostate> run(const std::string& text, size_t in_size = 128, size_t out_size = 128,
                            uint64_t seed = 0) {
  auto kernel = kernel_of("small", text);
  auto in = counted(in_size);
  std::vector<int32_t> out(out_size);
  return Call().buffer(0, in).buffer(1, out).threads({128}, {64}).seed(seed).run(*kernel);
}

std::string finding(const std::string& text, size_t in_size = 128, size_t out_size = 128,
                    uint64_t seed = 0) {
  return failure_of(run(text, in_size, out_size, seed)).message;
}

bool passes(const std::string& text) { return std::holds_alternative<std::monostate>(run(text)); }

TEST(AirChecks, BoundsOfABuffer) {
  const std::string copy = mapping_kernel("  %value = add i32 %x, 0\n");
  EXPECT_TRUE(passes(copy));
  EXPECT_EQ(finding(copy, 128, 100),
            "[small] out of bounds: write of 4 bytes at offset 400 of buffer 1 'out', which has "
            "400 bytes, "
            "thread (36, 0, 0) of threadgroup (1, 0, 0)");
  EXPECT_NE(finding(copy, 20).find("read of 4 bytes at offset 80 of buffer 0 'in'"),
            std::string::npos);
}

TEST(AirChecks, BufferThatIsNotBound) {
  auto kernel = kernel_of("small", mapping_kernel("  %value = add i32 %x, 0\n"));
  std::vector<int32_t> out(64);
  const Failure failure = failure_of(Call().buffer(1, out).threads({64}, {64}).run(*kernel));
  EXPECT_EQ(failure.kind, FailureKind::page_fault);
  EXPECT_NE(failure.message.find("buffer 0 'in', which is not bound"), std::string::npos);
}

TEST(AirChecks, WriteToReadOnlyMemory) {
  auto kernel = kernel_of("small", mapping_kernel("  %value = add i32 %x, 0\n"));
  auto in = counted(64);
  const Failure failure = failure_of(
      Call().buffer(0, in).bytes(1, std::span<const int32_t>(in)).threads({64}, {64}).run(*kernel));
  EXPECT_NE(failure.message.find("write to buffer 1 'out', which is read-only"), std::string::npos);
}

TEST(AirChecks, BoundsOfAThreadgroupArray) {
  const std::string far =
      "  %u = add i32 %t, 1\n  %ps = getelementptr [64 x i32], ptr addrspace(3) @shared, i32 0, "
      "i32 %u\n"
      "  store i32 %x, ptr addrspace(3) %ps, align 4\n  %value = add i32 %x, 0\n";
  EXPECT_NE(finding(mapping_kernel(far, kArray))
                .find("offset 256 of threadgroup array 'shared', which has 256 bytes"),
            std::string::npos);
  EXPECT_TRUE(
      passes(mapping_kernel(std::string(kStoreOwn) + "  %value = add i32 %x, 0\n", kArray)));
}

TEST(AirChecks, BoundsOfAThreadsOwnArray) {
  const auto text = [](const char* limit) {
    return mapping_kernel(std::string("  %own = alloca [16 x i32], align 4\n  %u = and i32 %x, ") +
                          limit +
                          "\n  %po = getelementptr [16 x i32], ptr %own, i32 0, i32 %u\n"
                          "  store volatile i32 %x, ptr %po, align 4\n  %value = load volatile "
                          "i32, ptr %po, align 4\n");
  };
  EXPECT_TRUE(passes(text("15")));
  EXPECT_NE(finding(text("31")).find("of a thread's own array of 64 bytes"), std::string::npos);
}

TEST(AirChecks, ReadBeforeWritten) {
  EXPECT_NE(finding(mapping_kernel(kLoadNext, kArray))
                .find("read before written: offset 4 of threadgroup array 'shared'"),
            std::string::npos);
  EXPECT_TRUE(passes(mapping_kernel(std::string(kStoreOwn) + kBarrier + kLoadNext, kArray)));
}

TEST(AirChecks, RaceInThreadgroupMemory) {
  const std::string racy = mapping_kernel(std::string(kStoreOwn) + kLoadNext, kArray);
  for (const uint64_t seed : {0, 1, 2, 3}) {
    EXPECT_NE(finding(racy, 128, 128, seed).find("of threadgroup array 'shared'"),
              std::string::npos);
  }
  EXPECT_NE(finding(racy).find("data race"), std::string::npos);
  EXPECT_TRUE(passes(mapping_kernel(std::string(kStoreOwn) + kBarrier + kLoadNext, kArray)));
}

TEST(AirChecks, WriteAfterReadIsARaceToo) {
  const std::string again =
      "  %pn = getelementptr [64 x i32], ptr addrspace(3) @shared, i32 0, i32 %t\n"
      "  store i32 %value, ptr addrspace(3) %pn, align 4\n";
  const std::string start = std::string(kStoreOwn) + kBarrier + kLoadNext;
  EXPECT_NE(finding(mapping_kernel(start + again, kArray)).find("data race"), std::string::npos);
  EXPECT_TRUE(passes(mapping_kernel(start + kBarrier + again, kArray)));
}

TEST(AirChecks, SimdgroupBarrierOrdersItsOwnThreads) {
  const std::string barrier = "  call void @air.simdgroup.barrier(i32 2, i32 1) #1\n";
  EXPECT_TRUE(passes(mapping_kernel(kStoreOwn + barrier + kLoadNext, kArray)));
  std::string far = kLoadNext;
  far.replace(far.find("xor i32 %t, 1"), 13, "xor i32 %t,32");
  // The other simdgroup may have written already or not; either way it is an error.
  EXPECT_FALSE(passes(mapping_kernel(kStoreOwn + barrier + far, kArray)));
}

TEST(AirChecks, RaceInABuffer) {
  const auto text = [](const char* place) {
    return small_kernel(std::string("  %k = ") + place +
                        "\n  %p = getelementptr i32, ptr addrspace(1) %out, i32 %k\n  store i32 "
                        "%i, ptr addrspace(1) %p, align 4\n");
  };
  EXPECT_TRUE(passes(text("add i32 %i, 0")));
  EXPECT_NE(finding(text("lshr i32 %i, 1")).find("data race at offset 0 of buffer 1 'out'"),
            std::string::npos);
}

TEST(AirChecks, AtomicsDoNotRaceWithEachOther) {
  const std::string declare =
      "declare i32 @air.atomic.global.add.u.i32(ptr addrspace(1), i32, i32, i32, i1)\n";
  auto kernel =
      kernel_of("small", small_kernel("  %old = call i32 @air.atomic.global.add.u.i32(ptr "
                                      "addrspace(1) %out, i32 2, i32 0, i32 2, i1 true)\n",
                                      declare));
  std::vector<int32_t> in(1), out(1);
  value_of(Call().buffer(0, in).buffer(1, out).threads({100000}, {64}).run(*kernel));
  EXPECT_EQ(out[0], 200000);
}

TEST(AirChecks, DifferentBarriers) {
  const std::string body = "  %odd = trunc i32 %t to i1\n  br i1 %odd, label %a, label %b\na:\n" +
                           std::string(kBarrier) +
                           "  store i32 1, ptr addrspace(1) %out, align 4\n  br label %c\nb:\n" +
                           kBarrier + "  br label %c\nc:\n";
  EXPECT_NE(finding(small_kernel(body)).find("wait at different barriers"), std::string::npos);
}

TEST(AirChecks, WithoutChecksNothingIsWatched) {
  auto kernel = kernel_of("small", mapping_kernel(std::string(kStoreOwn) + kLoadNext, kArray));
  auto in = counted(128);
  std::vector<int32_t> out(128);
  value_of(Call().checks(false).buffer(0, in).buffer(1, out).threads({128}, {64}).run(*kernel));
}

}  // namespace
}  // namespace metal_sim::air::test
