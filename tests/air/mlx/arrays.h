// What the tests of MLX's kernels share. A kernel that is not there is a skipped test, not a passed
// one. Bounds come from the type's unit roundoff and the number of roundings in a row.
#pragma once

#include <cmath>
#include <functional>

#include "../support.h"
#include "sim/metal/air/numbers.h"

namespace metal_sim::air::test {

constexpr char kNoLibrary[] = "mlx.metallib is not here; tools/fetch-mlx-metal gets it";

enum class Dtype { f32, f16, bf16 };

inline const char* long_name(Dtype t) {
  return t == Dtype::f32 ? "float32" : t == Dtype::f16 ? "float16" : "bfloat16";
}
inline const char* short_name(Dtype t) {
  return t == Dtype::f32 ? "float" : t == Dtype::f16 ? "float16_t" : "bfloat16_t";
}
inline double roundoff(Dtype t) {
  return t == Dtype::f32 ? 0x1p-24 : t == Dtype::f16 ? 0x1p-11 : 0x1p-8;
}
// Half of the smallest denormal, and for float the flushing of those that Apple's GPUs may do.
inline double tiny(Dtype t) { return t == Dtype::f16 ? 0x1p-25 : 0x1p-126; }

// A row of numbers as a kernel sees them; at() is exact.
class Array {
 public:
  Array(Dtype type, size_t count) : type_(type), bytes_(count * width()) {}
  Array(Dtype type, const std::vector<float>& values) : Array(type, values.size()) {
    for (size_t i = 0; i < values.size(); ++i) set(i, values[i]);
  }
  static Array random(Dtype type, size_t count, uint64_t seed, float low = -1, float high = 1) {
    return Array(type, randoms(count, seed, low, high));
  }
  size_t width() const { return type_ == Dtype::f32 ? 4 : 2; }
  size_t size() const { return bytes_.size() / width(); }
  Dtype type() const { return type_; }
  double at(size_t i) const { return load_number(bytes_.data(), code(), uint32_t(i)); }
  void set(size_t i, float value) { store_number(bytes_.data(), code(), uint32_t(i), value); }
  std::span<std::byte> bytes() { return bytes_; }

 private:
  uint32_t code() const {
    return uint32_t(type_ == Dtype::f32   ? ElementType::f32
                    : type_ == Dtype::f16 ? ElementType::f16
                                          : ElementType::bf16);
  }
  Dtype type_;
  std::vector<std::byte> bytes_;
};

// Each element within its bound; one failure a test is enough to read.
inline void expect_close(const Array& out, const std::function<double(size_t)>& wanted,
                         const std::function<double(size_t)>& bound) {
  for (size_t i = 0; i < out.size(); ++i) {
    ASSERT_LE(std::abs(out.at(i) - wanted(i)), bound(i))
        << "element " << i << " is " << out.at(i) << ", wanted " << wanted(i);
  }
}

class Mlx : public testing::Test {
 protected:
  void SetUp() override {
    if (!mlx_library()) GTEST_SKIP() << kNoLibrary;
  }
  static std::shared_ptr<Kernel> kernel(const std::string& name,
                                        std::span<const ConstantValue> constants = {}) {
    return value_of(mlx_library()->make_kernel(name, constants, {}));
  }
};

template <typename Parameter>
class MlxWith : public Mlx, public testing::WithParamInterface<Parameter> {};

// Names of tests come from kernels' names.
inline std::string test_name(std::string name) {
  for (char& c : name) c = isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

inline uint64_t ceil_div(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

}  // namespace metal_sim::air::test
