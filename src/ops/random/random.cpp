#include "random.h"

#include <cmath>

#include "device/backend.h"
#include "ops/kernels.h"

namespace pewter {
namespace {

constexpr Kernels<RandomArgs> kRandom{"random", cpu::random, ref::random};

// Numbers are drawn once, when parameters are made; on a GPU they would have to be the same bits.
Tensor drawn_on_host(const Tensor& y, RandomArgs args) {
  std::vector<std::byte> bytes(static_cast<size_t>(byte_size(args.dtype, args.n)));
  args.y = bytes.data();
  cpu::random(args);
  backend(y.device()).copy_from_host(y.data(), bytes.data(), static_cast<int64_t>(bytes.size()));
  return y;
}

Tensor random(const char* op, const Shape& shape, const TensorOptions& options, RandomArgs args) {
  if (!is_floating(options.dtype)) {
    throw_error(ErrorCode::dtype, "[{}] makes f32, f16 or bf16, not {}", op,
                to_string(options.dtype));
  }
  Tensor y = empty(shape, options);
  args.n = y.numel();
  args.dtype = options.dtype;
  if (metal::is_metal(options.device)) return drawn_on_host(y, args);
  args.y = y.data();
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
