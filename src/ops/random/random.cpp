#include "random.h"

#include <cmath>

#include "ops/kernels.h"

namespace pewter {
namespace {

constexpr Kernels<RandomArgs> kRandom{"random", cpu::random, ref::random};

Tensor random(const char* op, const Shape& shape, const TensorOptions& options, RandomArgs args) {
  if (!is_floating(options.dtype)) {
    throw_error(ErrorCode::dtype, "[{}] makes f32, f16 or bf16, not {}", op,
                to_string(options.dtype));
  }
  Tensor y = empty(shape, options);
  args.y = y.data();
  args.n = y.numel();
  args.dtype = options.dtype;
  run(kRandom, options.device, args);
  return y;
}

}  // namespace

Tensor randn(const Shape& shape, TensorOptions options, uint64_t seed) {
  return random("randn", shape, options, {nullptr, 0, f32, true, 0, 1, seed});
}

Tensor uniform(const Shape& shape, float low, float high, TensorOptions options, uint64_t seed) {
  if (!(low <= high) || !std::isfinite(high - low)) {
    throw_error(ErrorCode::argument, "[uniform] low {} and high {} are no finite interval", low,
                high);
  }
  return random("uniform", shape, options, {nullptr, 0, f32, false, low, high, seed});
}

}  // namespace pewter
