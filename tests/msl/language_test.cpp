// What Metal's language adds to C++, each run and its numbers compared.
#include <algorithm>
#include <cstring>

#include "support.h"

namespace metal_sim::msl::test {
namespace {

using Floats = std::vector<float>;
using Ints = std::vector<int32_t>;

TEST(Language, VectorsHaveComponentsSwizzlesAndConstructors) {
  const std::string body = R"(g(x))";
  const std::string before = R"(
float g(float x) {
  float4 v(x, 2.0, float2(3, 4));
  v.yz = v.zy;                       // x 3 2 4
  float3 w = v.wxy * 2 + float3(1);  // 9 2x+1 7
  v.a += 1;
  v[1] = 10;
  half2 h = half2(w.xz);
  uint2 u = uint2(h);
  bool4 c = v > float4(2, 9, 9, 9);
  vec<float, 2> t = {1, 0.5};
  if (all(c.yx == bool2(true, x > 2))) t.x = 100;
  return v.r + v.g + v.b + v.a + w.y + float(u.x * u.y) + dot(t, float2(1, 2));
})";
  const auto out = map<float>("float", "float", body, Floats{1, 3}, before);
  EXPECT_EQ(out[0], 1 + 10 + 2 + 5 + 3 + 9 * 7 + 100 + 1);
  EXPECT_EQ(out[1], 3 + 10 + 2 + 5 + 7 + 9 * 7 + 100 + 1);
}

TEST(Language, PackedVectorsLieWithoutGaps) {
  const std::string source = std::string(kHead) + R"(
kernel void f(device const packed_float3* in [[buffer(0)]], device float* out [[buffer(1)]],
              uint i [[thread_position_in_grid]]) {
  packed_float3 p = in[i];
  float3 v = float3(p) + p * 2.0;
  out[i] = v.x + v.y * 10 + in[i].z + float(sizeof(packed_float3)) + float(sizeof(float3));
})";
  Floats in = {1, 2, 3, 4, 5, 6}, out(2);
  value_of(Call().buffer(0, in).buffer(1, out).threads({2}, {2}).run(*kernel_of(source, "f")));
  EXPECT_EQ(out, (Floats{3 + 60 + 3 + 28, 12 + 150 + 6 + 28}));
}

TEST(Language, NarrowRealsRoundAtEveryStep) {
  const auto half = map<float>("float", "float", "float((half(x) + 1.0h) - half(x))", Floats{4096});
  EXPECT_EQ(half[0], 0);  // 4097 is no half
  const auto bfloat =
      map<float>("float", "float", "float((bfloat(x) + bfloat(1)) - bfloat(x))", Floats{256});
  EXPECT_EQ(bfloat[0], 0);
  const auto both =
      map<float>("float", "float", "float(static_cast<bfloat>(half(x)))", Floats{1.001f});
  EXPECT_EQ(both[0], 1);
}

TEST(Language, LiteralsAreFloats) {
  // 0.1 in double precision is less than the float 0.1.
  const auto out =
      map<int32_t>("float", "int", "(x == 0.1) + 2 * (sizeof(1.0) == 4)", Floats{0.1f});
  EXPECT_EQ(out[0], 3);
}

TEST(Language, AddressSpacesChooseOverloads) {
  const std::string source = std::string(kHead) + R"(
int which(device int*) { return 1; }
int which(threadgroup int*) { return 2; }
int which(constant int*) { return 3; }
int which(thread int*) { return 4; }
template <typename T> struct space { static constexpr int number() { return 10; } };
template <typename T> struct space<device T*> { static constexpr int number() { return 20; } };
template <typename T> struct space<threadgroup T*> { static constexpr int number() { return 30; } };
constant int table[2] = {5, 6};
kernel void f(device int* out [[buffer(0)]], constant int& c [[buffer(1)]],
              threadgroup int* t [[threadgroup(0)]]) {
  threadgroup int own[4];
  thread int mine = 0;
  out[0] = which(out); out[1] = which(t); out[2] = which(own); out[3] = which(&c);
  out[4] = which(&mine); out[5] = which(table);
  out[6] = space<decltype(out)>::number(); out[7] = space<threadgroup int*>::number();
  out[8] = table[c];
})";
  Ints out(9);
  value_of(Call().buffer(0, out).bytes(1, 1).threadgroup_memory(0, 16).threads({1}, {1}).run(
      *kernel_of(source, "f")));
  EXPECT_EQ(out, (Ints{1, 2, 2, 3, 4, 3, 20, 30, 6}));
}

TEST(Language, MethodsAreQualifiedBySpaces) {
  const std::string source = std::string(kHead) + R"(
struct Pair {
  int a, b;
  Pair() thread : a(1), b{2} {}
  Pair() threadgroup : a(1), b{2} {}
  int sum() const thread { return a + b; }
  int sum() const device { return a + b; }
  int sum() const constant { return a + b; }
  void add(int n) device { a += n; }
};
kernel void f(device Pair* pairs [[buffer(0)]], constant Pair& c [[buffer(1)]],
              device int* out [[buffer(2)]]) {
  threadgroup Pair shared[2];
  Pair own;
  pairs[0].add(5);
  shared[1] = pairs[0];
  out[0] = own.sum(); out[1] = pairs[0].sum(); out[2] = c.sum(); out[3] = shared[1].a;
})";
  Ints pairs = {3, 4}, out(4);
  value_of(Call()
               .buffer(0, pairs)
               .bytes(1, std::array{7, 8})
               .buffer(2, out)
               .threads({1}, {1})
               .run(*kernel_of(source, "f")));
  EXPECT_EQ(out, (Ints{3, 12, 15, 8}));
}

TEST(Language, TemplatesAreInstantiatedUnderHostNames) {
  const std::string source = std::string(kHead) + R"(
template <typename T, int n>
[[kernel, max_total_threads_per_threadgroup(n * 32)]] void scale(
    device T* x [[buffer(0)]], uint i [[thread_position_in_grid]]) { x[i] *= T(n); }
#define instantiate(name, ...) \
  template [[host_name(name)]] [[kernel]] decltype(scale<__VA_ARGS__>) scale<__VA_ARGS__>;
instantiate("scale_float_2", float, 2)
instantiate("scale_int_3", int, 3)
template [[host_name("again")]] [[kernel]] void scale<uint, 4>(device uint* x [[buffer(0)]],
                                                              uint i [[thread_position_in_grid]]);
typedef decltype(scale<short, 5>) of_short;
template [[host_name("short_5")]] kernel of_short scale<short, 5>;
[[host_name("renamed")]] kernel void original(device int* x [[buffer(0)]]) { *x = 9; }
)";
  const auto library = library_of(source);
  auto names = library->function_names();
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"again", "renamed", "scale_float_2", "scale_int_3",
                                             "short_5"}));
  const auto kernel = value_of(library->make_kernel("scale_int_3", {}, {}));
  EXPECT_EQ(kernel->info().max_total_threads, 96u);
  Ints x = {1, 2};
  value_of(Call().buffer(0, x).threads({2}, {2}).run(*kernel));
  EXPECT_EQ(x, (Ints{3, 6}));
}

TEST(Language, ArgumentsWithoutNumbersTakeTheFreeOnes) {
  const std::string source = std::string(kHead) + R"(
struct Size { int n; float scale; };
kernel void f(device const float* in, constant Size& size [[buffer(0)]], device float* out,
              threadgroup float* t [[threadgroup(1)]], uint3 i [[thread_position_in_grid]],
              ushort2 g [[threads_per_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  if (int(i.x) < size.n) out[i.x] = in[i.x] * size.scale + float(g.x) + float(lane);
})";
  const auto kernel = kernel_of(source, "f");
  const auto& arguments = kernel->info().arguments;
  ASSERT_EQ(arguments.size(), 4u);
  EXPECT_EQ(arguments[0].index, 1u);
  EXPECT_EQ(arguments[0].access, BindingAccess::read);
  EXPECT_EQ(arguments[1].index, 0u);
  EXPECT_EQ(arguments[1].data_size, 8u);
  EXPECT_TRUE(arguments[1].constant_space);
  EXPECT_EQ(arguments[2].index, 2u);
  EXPECT_EQ(arguments[2].name, "out");
  EXPECT_EQ(arguments[2].access, BindingAccess::read_write);
  EXPECT_EQ(arguments[3].kind, BindingKind::threadgroup_memory);
  struct {
    int n;
    float scale;
  } size{2, 3};
  Floats in = {1, 2, 3}, out(3);
  value_of(Call()
               .bytes(0, size)
               .buffer(1, in)
               .buffer(2, out)
               .threadgroup_memory(1, 16)
               .threads({3}, {3})
               .run(*kernel));
  EXPECT_EQ(out, (Floats{6, 10, 0}));
}

TEST(Language, FunctionConstantsAreFoldedAndChooseArguments) {
  const std::string source = std::string(kHead) + R"(
constant bool twice [[function_constant(0)]];
constant int shift [[function_constant(1)]];
constant float given [[function_constant(7)]];
constant bool has_given = is_function_constant_defined(given);
constant bool both = twice && shift > 1;
kernel void f(device float* out [[buffer(0)]],
              device const float* extra [[buffer(1), function_constant(both)]]) {
  float x = float(1 << shift);
  if (twice) x *= 2;
  if (both) x += extra[0];
  if (has_given) x += given;
  out[0] = x;
}
kernel void plain(device float* out [[buffer(0)]]) { out[0] = 5; })";
  const auto library = library_of(source);
  EXPECT_TRUE(value_of(library->describe("plain")).constants.empty());
  const FunctionInfo info = value_of(library->describe("f"));
  ASSERT_EQ(info.constants.size(), 3u);
  Floats out(1), extra = {100};
  const auto run = [&](std::vector<ConstantValue> constants) {
    const auto kernel = value_of(library->make_kernel("f", constants, {}));
    value_of(Call().buffer(0, out).buffer(1, extra).threads({1}, {1}).run(*kernel));
    return out[0];
  };
  ConstantValue third;
  third.index = 7;
  third.type = 3;
  const float number = 0.5f;
  std::memcpy(third.bytes.data(), &number, 4);
  EXPECT_EQ(run({constant(0, false), constant(1, 3)}), 8);
  EXPECT_EQ(run({constant(0, true), constant(1, 3)}), 116);
  EXPECT_EQ(run({constant(0, true), constant(1, 1), third}), 4.5f);
  EXPECT_NE(failure_of(library->make_kernel("f", std::vector{constant(0, true)}, {}))
                .message.find("shift"),
            std::string::npos);
}

TEST(Language, EveryHeaderIsThere) {
  std::string source;
  for (const char* name :
       {"metal_stdlib", "metal_math", "metal_simdgroup", "metal_simdgroup_matrix", "metal_atomic",
        "metal_common", "metal_integer", "metal_compute", "metal_quadgroup", "metal_geometric",
        "metal_relational", "metal_matrix", "metal_pack", "metal_types", "metal_type_traits",
        "metal_limits", "metal_array", "metal_uniform", "simd/simd.h"}) {
    source += std::string("#include <") + name + ">\n";
  }
  EXPECT_EQ(library_of(source + "kernel void f(device int* x) { *x = 1; }")->function_names(),
            std::vector<std::string>{"f"});
}

TEST(Language, MacrosAndVersionComeFromTheOptions) {
  const std::string source = std::string(kHead) +
                             "kernel void f(device int* out) { out[0] = N * 1000 + "
                             "__METAL_VERSION__; }";
  CompileOptions options = precise();
  options.macros["N"] = "7";
  options.language_version = 3u << 16 | 1;
  Ints out(1);
  value_of(Call().buffer(0, out).threads({1}, {1}).run(*kernel_of(source, "f", {}, options)));
  EXPECT_EQ(out[0], 7310);
}

TEST(Language, MatricesMultiplyByColumns) {
  const std::string before = R"(
float g(float x) {
  float2x3 m(float3(1, 2, 3), float3(4, 5, 6));
  float3 v = m * float2(x, 1);
  float3x3 unit(1.0);
  return dot(unit * v, float3(1, 10, 100)) + transpose(m)[2][1];
})";
  EXPECT_EQ(map<float>("float", "float", "g(x)", Floats{2}, before)[0], 6 + 90 + 1200 + 6);
}

TEST(Language, StructuresAndArraysGoByValue) {
  const std::string before = R"(
template <typename T, int n> struct Tile {
  T values[n];
  METAL_FUNC thread T& operator[](int i) thread { return values[i]; }
  METAL_FUNC T total() const thread {
    T s = 0;
    for (int i = 0; i < n; i++) s += values[i];
    return s;
  }
};
Tile<float, 5> make(float x) {
  Tile<float, 5> t;
  for (int i = 0; i < 5; ++i) t[i] = x + i;
  return t;
}
)";
  EXPECT_EQ(map<float>("float", "float", "make(x).total()", Floats{2}, before)[0], 20);
}

}  // namespace
}  // namespace metal_sim::msl::test
