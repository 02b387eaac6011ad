// The executor's parts with small kernels: containers, constants, built-in values, functions that
// threads call together, mathematics, the cache.
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>

#include "sim/metal/air/metallib.h"
#include "sim/metal/air/numbers.h"
#include "small_kernel.h"

namespace metal_sim::air::test {
namespace {

std::vector<int32_t> iota(size_t n) {
  std::vector<int32_t> values(n);
  std::iota(values.begin(), values.end(), 0);
  return values;
}

const std::string kTwice = mapping_kernel("  %value = mul i32 %x, 2\n");

TEST(AirMetallib, ListsItsKernels) {
  const auto library = value_of(make_executor({})->load_metallib(metallib_of("small", kTwice)));
  EXPECT_EQ(library->function_names(), std::vector<std::string>{"small"});
  EXPECT_EQ(failure_of(library->make_kernel("other", {}, {})).kind,
            FailureKind::function_not_found);
}

TEST(AirMetallib, EveryTruncationAndEveryFlippedByteIsAnErrorOrAKernel) {
  const auto good = metallib_of("small", kTwice);
  const auto executor = make_executor({});
  for (size_t size = 0; size < 240; ++size) {
    EXPECT_EQ(failure_of(executor->load_metallib(std::span(good).first(size))).kind,
              FailureKind::file)
        << size;
  }
  size_t refused = 0;
  for (size_t at = 0; at < 200; ++at) {
    auto bad = good;
    bad[at] = ~bad[at];
    refused += std::holds_alternative<Failure>(executor->load_metallib(bad));
  }
  EXPECT_GT(refused, 60u);
}

TEST(AirMetallib, DamagedBitcodeIsAnError) {
  auto bytes = metallib_of("small", kTwice);
  std::fill(bytes.end() - 400, bytes.end(), std::byte(0x5a));
  const auto library = value_of(make_executor({})->load_metallib(bytes));
  EXPECT_EQ(failure_of(library->make_kernel("small", {}, {})).kind, FailureKind::file);
}

TEST(AirKernel, ArgumentsAreReflected) {
  const auto kernel = kernel_of("small", kTwice);
  const auto& arguments = kernel->info().arguments;
  ASSERT_EQ(arguments.size(), 2u);
  EXPECT_EQ(arguments[0].name, "in");
  EXPECT_EQ(arguments[0].access, BindingAccess::read);
  EXPECT_EQ(arguments[1].index, 1u);
  EXPECT_EQ(arguments[1].data_type, 29u);
}

TEST(AirKernel, GroupsAtTheEdgeAreSmaller) {
  const auto kernel = kernel_of("small", kTwice);
  const auto out = map_all(*kernel, iota(1000), 64);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(out[size_t(i)], 2 * i);
}

TEST(AirKernel, TooManyThreadsAreRefused) {
  const auto kernel = kernel_of("small", kTwice);
  std::vector<int32_t> data(2048);
  EXPECT_EQ(
      failure_of(Call().buffer(0, data).buffer(1, data).threads({2048}, {2048}).run(*kernel)).kind,
      FailureKind::invalid_resource);
}

TEST(AirKernel, FunctionThatIsNotKnownIsAnError) {
  const std::string text = mapping_kernel("  %value = call i32 @air.make_tea.i32(i32 %x)\n",
                                          "declare i32 @air.make_tea.i32(i32)\n");
  const auto library = value_of(make_executor({})->load_metallib(metallib_of("small", text)));
  const Failure failure = failure_of(library->make_kernel("small", {}, {}));
  EXPECT_EQ(failure.kind, FailureKind::unsupported);
  EXPECT_EQ(failure.message, "small: function air.make_tea.i32 is not supported");
}

const std::string kConstants =
    mapping_kernel(
        "  %c = load i32, ptr addrspace(2) @factor, align 4\n  %value = mul i32 %x, %c\n",
        "@factor = internal addrspace(2) global i32 undef, align 4\n"
        "@factor.MTL_FC_INIT_7_i = internal addrspace(2) externally_initialized constant i32 "
        "undef, section \"air.fc_initializer\", align 4\n"
        "@llvm.global_ctors = appending global [1 x { i32, ptr, ptr }] [{ i32, ptr, ptr } { i32 "
        "65535, ptr @init, ptr null }]\n"
        "define internal void @init() section \"air.static_init\" {\n  %v = load i32, ptr "
        "addrspace(2) @factor.MTL_FC_INIT_7_i, align 4\n"
        "  %w = add i32 %v, 1\n  store i32 %w, ptr addrspace(2) @factor, align 4\n  ret "
        "void\n}\n") +
    "!air.function_constants = !{!90}\n!90 = !{ptr addrspace(2) @factor.MTL_FC_INIT_7_i, !\"int\", "
    "!\"factor\", i32 7, i1 true}\n";

TEST(AirConstants, TakeTheirValueThroughTheInitialiser) {
  for (const int32_t value : {2, -5}) {
    const ConstantValue constants[] = {constant(7, value)};
    const auto out = map_all(*kernel_of("small", kConstants, constants), iota(64), 32);
    for (int i = 0; i < 64; ++i) EXPECT_EQ(out[size_t(i)], i * (value + 1));
  }
}

TEST(AirConstants, MissingOrOfTheWrongTypeIsAnError) {
  const auto library = value_of(make_executor({})->load_metallib(metallib_of("small", kConstants)));
  EXPECT_EQ(value_of(library->describe("small")).constants.at(0).name, "factor");
  EXPECT_EQ(failure_of(library->make_kernel("small", {}, {})).message,
            "function constant 7 'factor' has no value");
  const ConstantValue wrong[] = {constant(7, true)};
  EXPECT_EQ(failure_of(library->make_kernel("small", wrong, {})).kind, FailureKind::compile);
}

std::shared_ptr<Kernel> call_kernel(const std::string& declaration, const std::string& body) {
  return kernel_of("small", mapping_kernel(body, declaration));
}

TEST(AirSimd, SumOfThoseThatTakePart) {
  const auto kernel =
      call_kernel("declare i32 @air.simd_sum.s.i32(i32) #1\n",
                  "  %low = icmp ult i32 %lane, 20\n  br i1 %low, label %a, label %b\na:\n"
                  "  %s = call i32 @air.simd_sum.s.i32(i32 %x) #1\n  br label %b\nb:\n"
                  "  %value = phi i32 [ %s, %a ], [ -1, %0 ]\n");
  for (const uint64_t seed : {0, 5}) {
    const auto out = map_all(*kernel, iota(64), 64, seed);
    for (int i = 0; i < 64; ++i)
      EXPECT_EQ(out[size_t(i)], i % 32 < 20 ? 190 + i / 32 * 20 * 32 : -1);
  }
}

// Lanes that took different ways meet again: the sum behind the branch is over all of them.
TEST(AirSimd, DivergedLanesMeetAgain) {
  const auto kernel = call_kernel(
      "declare i32 @air.simd_sum.s.i32(i32) #1\n",
      "  %odd = trunc i32 %lane to i1\n  br i1 %odd, label %a, label %b\na:\n"
      "  %s = call i32 @air.simd_sum.s.i32(i32 1) #1\n  br label %b\nb:\n"
      "  %p = phi i32 [ %s, %a ], [ 0, %0 ]\n  %value = call i32 @air.simd_sum.s.i32(i32 %p) #1\n");
  const auto out = map_all(*kernel, iota(32), 32);
  EXPECT_EQ(out, std::vector<int32_t>(32, 16 * 16));
}

TEST(AirSimd, Shuffles) {
  const auto run = [](const std::string& name, const std::string& arguments,
                      const std::string& types) {
    const std::string f = "@air.simd_" + name;
    const auto kernel = call_kernel("declare i32 " + f + "(" + types + ") #1\n",
                                    "  %value = call i32 " + f + "(" + arguments + ") #1\n");
    return map_all(*kernel, iota(64), 64);
  };
  const auto down = run("shuffle_down.u.i32", "i32 %x, i16 3", "i32, i16");
  const auto up = run("shuffle_up.u.i32", "i32 %x, i16 3", "i32, i16");
  const auto other = run("shuffle_xor.u.i32", "i32 %x, i16 5", "i32, i16");
  const auto one = run("shuffle.u.i32", "i32 %x, i16 9", "i32, i16");
  const auto filled =
      run("shuffle_and_fill_up.u.i32", "i32 %x, i32 1000, i16 2, i16 8", "i32, i32, i16, i16");
  const auto before = run("prefix_exclusive_sum.s.i32", "i32 1", "i32");
  for (int i = 0; i < 64; ++i) {
    const size_t at = size_t(i);
    if (i % 32 < 29) {
      EXPECT_EQ(down[at], i + 3);
    }
    if (i % 32 >= 3) {
      EXPECT_EQ(up[at], i - 3);
    }
    EXPECT_EQ(other[at], i ^ 5);
    EXPECT_EQ(one[at], i / 32 * 32 + 9);
    EXPECT_EQ(filled[at], i % 8 < 2 ? 1000 : i - 2);
    EXPECT_EQ(before[at], i % 32);
  }
}

TEST(AirSimd, QuadsAndVotes) {
  const auto quad = call_kernel("declare i32 @air.quad_sum.s.i32(i32) #1\n",
                                "  %value = call i32 @air.quad_sum.s.i32(i32 %x) #1\n");
  const auto sums = map_all(*quad, iota(64), 64);
  const auto vote = call_kernel("declare i1 @air.simd_any(i1) #1\n",
                                "  %c = icmp eq i32 %x, 40\n  %v = call i1 @air.simd_any(i1 %c) "
                                "#1\n  %value = zext i1 %v to i32\n");
  const auto any = map_all(*vote, iota(64), 64);
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(sums[size_t(i)], i / 4 * 16 + 6);
    EXPECT_EQ(any[size_t(i)], i >= 32);
  }
}

TEST(AirMath, FunctionsOfOneValue) {
  struct Case {
    const char* name;
    double (*wanted)(double);
  };
  const Case cases[] = {
      {"exp", std::exp},     {"fast_exp", std::exp},
      {"log", std::log},     {"log2", std::log2},
      {"sin", std::sin},     {"fast_cos", std::cos},
      {"tanh", std::tanh},   {"sqrt", std::sqrt},
      {"atan", std::atan},   {"exp2", std::exp2},
      {"floor", std::floor}, {"ceil", std::ceil},
      {"rint", std::rint},   {"fabs", std::fabs},
      {"asinh", std::asinh}, {"rsqrt", [](double x) { return 1 / std::sqrt(x); }}};
  for (const Case& c : cases) {
    const std::string f = std::string("@air.") + c.name + ".f32";
    const auto kernel = call_kernel("declare float " + f + "(float)\n",
                                    "  %f = bitcast i32 %x to float\n  %r = call float " + f +
                                        "(float %f)\n  %value = bitcast float %r to i32\n");
    std::vector<int32_t> in;
    for (float x = 0.125f; x < 8; x += 0.1875f) in.push_back(std::bit_cast<int32_t>(x));
    const auto out = map_all(*kernel, in, 64);
    for (size_t i = 0; i < in.size(); ++i) {
      const double x = std::bit_cast<float>(in[i]);
      EXPECT_NEAR(std::bit_cast<float>(out[i]), c.wanted(x), 2e-7 * std::abs(c.wanted(x)) + 2e-7)
          << c.name << " " << x;
    }
  }
}

TEST(AirMath, ConversionsSaturate) {
  const auto kernel =
      call_kernel("declare i8 @air.convert.s.i8.f.f32(float)\n",
                  "  %f = bitcast i32 %x to float\n  %r = call i8 "
                  "@air.convert.s.i8.f.f32(float %f)\n  %value = sext i8 %r to i32\n");
  std::vector<int32_t> in;
  for (const float x : {1.9f, -1.9f, 300.f, -300.f, NAN}) in.push_back(std::bit_cast<int32_t>(x));
  EXPECT_EQ(map_all(*kernel, in, 8), (std::vector<int32_t>{1, -1, 127, -128, 0}));
}

TEST(AirMath, HalfAndBfloatRoundToNearestEven) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float half = half_value(uint16_t(bits)), bfloat = bfloat_value(uint16_t(bits));
    if (!std::isnan(half)) {
      EXPECT_EQ(half_bits(half), bits);
    }
    if (!std::isnan(bfloat)) {
      EXPECT_EQ(bfloat_bits(bfloat), bits);
    }
  }
  EXPECT_EQ(half_bits(65519.9f), 0x7bff);
  EXPECT_EQ(half_bits(65520.f), 0x7c00);
  EXPECT_EQ(half_bits(0x1p-25f), 0);
  EXPECT_EQ(half_bits(0x1.8p-24f), 2);
  const auto kernel = call_kernel("declare bfloat @air.convert.f.bf16.f.f32(float)\n",
                                  "  %f = bitcast i32 %x to float\n  %r = call bfloat "
                                  "@air.convert.f.bf16.f.f32(float %f)\n  %b = bitcast bfloat %r "
                                  "to i16\n  %value = zext i16 %b to i32\n");
  std::vector<int32_t> in;
  for (const float x : randoms(256, 3, -1e3f, 1e3f)) in.push_back(std::bit_cast<int32_t>(x));
  for (const float x : {INFINITY, -INFINITY, 3.4e38f, 1e-41f, 0.f})
    in.push_back(std::bit_cast<int32_t>(x));
  const auto out = map_all(*kernel, in, 64);
  for (size_t i = 0; i < in.size(); ++i)
    EXPECT_EQ(out[i], bfloat_bits(std::bit_cast<float>(in[i])));
}

class AirCache : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("pewter-air-" + std::to_string(getpid()));
    std::filesystem::remove_all(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void run(const std::string& text, uint64_t limit = 1 << 30) const {
    const auto library =
        value_of(make_executor({folder_, limit})->load_metallib(metallib_of("small", text)));
    const auto kernel = value_of(library->make_kernel("small", {}, {}));
    EXPECT_EQ(map_all(*kernel, iota(32), 32)[7], 14);
  }
  size_t files() const {
    return size_t(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  std::filesystem::path folder_;
};

TEST_F(AirCache, KeepsBothVariantsAndUsesThem) {
  run(kTwice);
  EXPECT_EQ(files(), 2u);
  // A file is not written again where it is found: its inode stays.
  const auto marks = [&] {
    std::map<std::string, ino_t> all;
    for (const auto& file : std::filesystem::directory_iterator(folder_)) {
      struct stat status {};
      stat(file.path().c_str(), &status);
      all[file.path().string()] = status.st_ino;
    }
    return all;
  };
  const auto before = marks();
  run(kTwice);
  EXPECT_EQ(marks(), before);
}

TEST_F(AirCache, DamagedFilesAreMadeAnew) {
  run(kTwice);
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    std::fstream damage(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(200).write("damage", 6);
  }
  run(kTwice);
  EXPECT_EQ(files(), 2u);
}

TEST_F(AirCache, IsBounded) {
  run(kTwice, 1);
  EXPECT_EQ(files(), 0u);
}

}  // namespace
}  // namespace metal_sim::air::test
