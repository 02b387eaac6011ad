// MPSNDArray: layouts, views, transfers, and its matrix product against double loops.
#include <numeric>
#include <vector>

#include "sim/mps_support.h"

namespace sim {
namespace {

id descriptor(std::vector<unsigned long> fastest_first) {
  return send("MPSNDArrayDescriptor",
              "descriptorWithDataType:dimensionCount:dimensionSizes:", kFloat32,
              fastest_first.size(), static_cast<const unsigned long*>(fastest_first.data()));
}
id make_array(std::vector<unsigned long> fastest_first) {
  return send(send("MPSNDArray", "alloc"), "initWithDevice:descriptor:", device(),
              descriptor(std::move(fastest_first)));
}
void write(id array, const std::vector<float>& values) {
  send<void>(array, "writeBytes:strideBytes:", static_cast<const void*>(values.data()),
             static_cast<const long*>(nullptr));
}
std::vector<float> read(id array, size_t n) {
  std::vector<float> values(n);
  send<void>(array, "readBytes:strideBytes:", static_cast<void*>(values.data()),
             static_cast<const long*>(nullptr));
  return values;
}
std::vector<float> counting(size_t n) {
  std::vector<float> v(n);
  std::iota(v.begin(), v.end(), 1.0f);
  return v;
}
id list(std::vector<id> all) {
  return send("NSArray", "arrayWithObjects:count:", static_cast<const id*>(all.data()), all.size());
}

TEST(NDArray, KeepsWhatIsWritten) {
  const Pool pool;
  const Own a(make_array({3, 5, 2}));  // rows of 12 bytes, padded to 16
  EXPECT_EQ(send<unsigned long>(a, "lengthOfDimension:", 1ul), 5u);
  EXPECT_EQ(send<unsigned long>(a, "lengthOfDimension:", 7ul), 1u);
  write(a, counting(30));
  EXPECT_EQ(read(a, 30), counting(30));
}

TEST(NDArray, ShapesListTheSlowestFirst) {
  const Pool pool;
  const id shape =
      list({send("NSNumber", "numberWithInt:", 2), send("NSNumber", "numberWithInt:", 7)});
  const id d = send("MPSNDArrayDescriptor", "descriptorWithDataType:shape:", kFloat32, shape);
  EXPECT_EQ(send<unsigned long>(d, "lengthOfDimension:", 0ul), 7u);
  EXPECT_TRUE(send<bool>(send(d, "getShape"), "isEqual:", shape));
}

TEST(NDArray, ViewsAreTheSameMemory) {
  const Pool pool;
  const Own a(make_array({4, 3}));
  write(a, counting(12));
  const id d = send(a, "descriptor");
  send<void>(d, "transposeDimension:withDimension:", 0ul, 1ul);
  EXPECT_EQ(read(send(a, "arrayViewWithDescriptor:", d), 12),
            (std::vector<float>{1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12}));
  const id part = send(a, "descriptor");
  send<void>(part, "sliceDimension:withSubrange:", 0ul, Range{1, 2});
  const id view = send(a, "arrayViewWithDescriptor:", part);
  EXPECT_EQ(read(view, 6), (std::vector<float>{2, 3, 6, 7, 10, 11}));
  EXPECT_EQ(send(view, "parent"), id(a));
}

TEST(NDArray, ExportsToBuffersWithStrides) {
  const Pool pool;
  const Own a(make_array({2, 2})),
      buffer(send(device(), "newBufferWithLength:options:", 64ul, 0ul));
  write(a, counting(4));
  const long strides[] = {4, 16};
  run([&](id c) {
    send<void>(a, "exportDataWithCommandBuffer:toBuffer:destinationDataType:offset:rowStrides:", c,
               id(buffer), kFloat32, 8ul, static_cast<const long*>(strides));
  });
  const float* out = send<const float*>(buffer, "contents");
  EXPECT_EQ(out[2], 1);
  EXPECT_EQ(out[6], 3);
}

// alpha A B + beta C, with a batch that B repeats.
TEST(NDArray, ProductBroadcastsAndAdds) {
  const Pool pool;
  const size_t m = 5, n = 6, k = 7, batch = 3;
  const Own a(make_array({k, m, batch})), b(make_array({n, k})), c(make_array({n, m, batch})),
      y(make_array({n, m, batch}));
  const std::vector<float> av = counting(k * m * batch), bv = counting(n * k),
                           cv = counting(n * m * batch);
  write(a, av);
  write(b, bv);
  write(c, cv);
  const Own product(send(send("MPSNDArrayMatrixMultiplication", "alloc"),
                         "initWithDevice:sourceCount:", device(), 3ul));
  EXPECT_EQ(send<double>(product, "beta"), 1.0);
  send<void>(product, "setAlpha:", 0.5);
  send<void>(product, "setBeta:", 2.0);
  run([&](id buffer) {
    send<void>(product, "encodeToCommandBuffer:sourceArrays:destinationArray:", buffer,
               list({a, b, c}), id(y));
  });
  const std::vector<float> yv = read(y, n * m * batch);
  for (size_t i = 0; i < batch; ++i) {
    for (size_t r = 0; r < m; ++r) {
      for (size_t q = 0; q < n; ++q) {
        double sum = 0;
        for (size_t l = 0; l < k; ++l)
          sum += static_cast<double>(av[(i * m + r) * k + l]) * bv[l * n + q];
        const size_t at = (i * m + r) * n + q;
        EXPECT_NEAR(yv[at], 0.5 * sum + 2.0 * cv[at], 1e-6 * sum);
      }
    }
  }
}

TEST(NDArray, ProductOfATransposedView) {
  const Pool pool;
  const Own a(make_array({3, 4})), b(make_array({3, 2}));
  write(a, counting(12));
  write(b, counting(6));
  const id d = send(b, "descriptor");
  send<void>(d, "transposeDimension:withDimension:", 0ul, 1ul);
  const Own product(send(send("MPSNDArrayMatrixMultiplication", "alloc"),
                         "initWithDevice:sourceCount:", device(), 2ul));
  id y = nullptr;
  run([&](id buffer) {
    y = objc_retain(send(product, "encodeToCommandBuffer:sourceArrays:", buffer,
                         list({a, send(b, "arrayViewWithDescriptor:", d)})));
  });
  EXPECT_EQ(read(y, 8), (std::vector<float>{14, 32, 32, 77, 50, 122, 68, 167}));
  objc_release(y);
}

TEST(NDArrayDeathTest, RefusesWhatMpsRefuses) {
  const Pool pool;
  const Own small(send(device(), "newBufferWithLength:options:", 64ul, 0ul));
  EXPECT_DEATH(send(send("MPSNDArray", "alloc"), "initWithBuffer:offset:descriptor:", id(small),
                    0ul, descriptor({32, 32})),
               "Error: buffer is not large enough. Must be 4096 bytes");
  EXPECT_DEATH(send(send("MPSNDArray", "alloc"), "initWithBuffer:offset:descriptor:", id(small),
                    0ul, descriptor({4, 0})),
               "buffer is not large enough");
  EXPECT_DEATH(descriptor({1ul << 20, 1ul << 20}), "Error: product of dimension sizes > 2\\*\\*31");
}

}  // namespace
}  // namespace sim
