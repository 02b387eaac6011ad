// What the checks find in MLX 0.32.4 itself, in kernels launched as MLX launches them. Each stays
// hidden on a GPU: the values are not used, or the memory happens to be there.
#include "arrays.h"

namespace metal_sim::air::test {
namespace {

std::string found(const Outcome<std::monostate>& outcome) { return failure_of(outcome).message; }

// Threads behind the row's end clear their columns from a negative index on.
TEST_F(Mlx, FindsLayerNormWritingBeforeItsArray) {
  const uint32_t width = 1000;
  auto x = Array::random(Dtype::f32, width, 1), w = Array::random(Dtype::f32, width, 2),
       b = Array::random(Dtype::f32, width, 3);
  Array out(Dtype::f32, width);
  const auto outcome = Call()
                           .buffer(0, x.bytes())
                           .buffer(1, w.bytes())
                           .buffer(2, b.bytes())
                           .buffer(3, out.bytes())
                           .bytes(4, 1e-5f)
                           .bytes(5, width)
                           .bytes(6, 1u)
                           .bytes(7, 1u)
                           .groups({1}, {128})
                           .run(*kernel("layer_normfloat32"));
  EXPECT_EQ(failure_of(outcome).kind, FailureKind::page_fault);
  EXPECT_EQ(found(outcome),
            "[layer_normfloat32] out of bounds: access of 4 bytes at offset -32 of a thread's own "
            "array of 32 bytes, "
            "thread (126, 0, 0) of threadgroup (0, 0, 0)");
}

// The epilogue holds columns to C's width and rows to nothing.
TEST_F(Mlx, FindsGemmReadingBehindC) {
  const ConstantValue constants[] = {constant(10, false),  constant(100, true),
                                     constant(110, true),  constant(200, false),
                                     constant(201, false), constant(202, true)};
  struct {
    int32_t m = 50, n = 70, k = 32, lda = 32, ldb = 70, ldd = 70, tiles_n = 2, tiles_m = 1;
    int64_t batch_a = 0, batch_b = 0, batch_d = 0;
    int32_t swizzle_log = 0, k_iterations = 2, batch_ndim = 1;
  } params;
  struct {
    int32_t ldc = 70, fdc = 1;
    int64_t batch_c = 0;
    float alpha = 1, beta = 1;
  } add;
  Array a(Dtype::f32, 50 * 32), b(Dtype::f32, 32 * 70), c(Dtype::f32, 50 * 70),
      out(Dtype::f32, 50 * 70);
  const auto outcome =
      Call()
          .buffer(0, a.bytes())
          .buffer(1, b.bytes())
          .buffer(2, c.bytes())
          .buffer(3, out.bytes())
          .bytes(4, params)
          .bytes(5, add)
          .groups({2, 1}, {32, 2, 2})
          .run(*kernel("steel_gemm_fused_nn_float32_float32_bm64_bn64_bk16_wm2_wn2", constants));
  EXPECT_NE(
      found(outcome).find("read of 4 bytes at offset 14000 of buffer 2 'C', which has 14000 bytes"),
      std::string::npos);
}

// All 32 sums of simdgroups are read, whatever their number.
TEST_F(Mlx, FindsScanReadingSumsThatNobodyWrote) {
  Array x(Dtype::f32, 512), out(Dtype::f32, 512);
  const auto outcome = Call()
                           .buffer(0, x.bytes())
                           .buffer(1, out.bytes())
                           .bytes(2, uint64_t(512))
                           .groups({1}, {128})
                           .run(*kernel("contig_scan_inclusive_sum_float32_float32"));
  EXPECT_NE(
      found(outcome).find("read before written: offset 16 of threadgroup array 'simdgroup_sums'"),
      std::string::npos);
}

}  // namespace
}  // namespace metal_sim::air::test
