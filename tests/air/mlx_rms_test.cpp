// Apple's own rms kernels of MLX against double precision.
#include "mlx.h"

namespace metal_sim::air::test {
namespace {

TEST(MlxRms, Float32) {
  auto kernel = mlx_kernel("rmsfloat32");
  if (!kernel) GTEST_SKIP() << kNoLibrary;
  const uint32_t rows = 3, width = 4096, stride = 1;
  auto x = randoms(rows * width, 1), w = randoms(width, 2);
  std::vector<float> out(rows * width);
  const float eps = 1e-5f;
  value_of(Call()
               .buffer(0, x)
               .buffer(1, w)
               .buffer(2, out)
               .bytes(3, eps)
               .bytes(4, width)
               .bytes(5, stride)
               .groups({rows}, {1024})
               .run(*kernel));
  for (uint32_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (uint32_t i = 0; i < width; ++i) sum += double(x[r * width + i]) * x[r * width + i];
    const double scale = 1 / std::sqrt(sum / width + eps);
    for (uint32_t i = 0; i < width; ++i) {
      const double wanted = x[r * width + i] * scale * w[i];
      EXPECT_NEAR(out[r * width + i], wanted, 1e-6 * std::abs(wanted) + 1e-9);
    }
  }
}

}  // namespace
}  // namespace metal_sim::air::test
