// MPS products against double loops: the requirements inherited from the Rust integration.
#include <cmath>
#include <random>
#include <vector>

#include "pewter/dtype.h"
#include "sim/mps_support.h"

namespace sim {
namespace {

struct Case {
  size_t m, n, k;
  uint32_t type = kFloat32, result_type = kFloat32;
  bool left_transposed = false, right_transposed = false;
  size_t batch = 1, padding = 0, offset = 0;  // padding: elements at the end of each row
  Origin left{0, 0, 0}, right{0, 0, 0}, result{0, 0, 0};
  double alpha = 1, beta = 0;
};

void expect_product(const Case& c) {
  const Pool pool;
  const size_t a_rows = c.left_transposed ? c.k : c.m, a_columns = c.left_transposed ? c.m : c.k;
  const size_t b_rows = c.right_transposed ? c.n : c.k, b_columns = c.right_transposed ? c.k : c.n;
  TestMatrix a(c.type, c.left.x + a_rows, c.left.y + a_columns, c.batch, c.padding, c.offset);
  TestMatrix b(c.type, c.right.x + b_rows, c.right.y + b_columns, c.batch, c.padding, c.offset);
  TestMatrix y(c.result_type, c.result.x + c.m, c.result.y + c.n, c.batch, c.padding, c.offset);
  a.randomise(1);
  b.randomise(2);
  y.randomise(3);
  const TestMatrix before(y);
  const Own kernel(send(send("MPSMatrixMultiplication", "alloc"),
                        "initWithDevice:transposeLeft:transposeRight:resultRows:resultColumns:"
                        "interiorColumns:alpha:beta:",
                        device(), c.left_transposed, c.right_transposed, c.m, c.n, c.k, c.alpha,
                        c.beta));
  send<void>(kernel, "setLeftMatrixOrigin:", c.left);
  send<void>(kernel, "setRightMatrixOrigin:", c.right);
  send<void>(kernel, "setResultMatrixOrigin:", c.result);
  run([&](id buffer) {
    send<void>(kernel, "encodeToCommandBuffer:leftMatrix:rightMatrix:resultMatrix:", buffer,
               a.matrix(), b.matrix(), y.matrix());
  });
  for (size_t i = 0; i < c.batch; ++i) {
    for (size_t m = 0; m < c.m; ++m) {
      for (size_t n = 0; n < c.n; ++n) {
        double sum = 0, size = 0;
        for (size_t k = 0; k < c.k; ++k) {
          const double p = a.get(i, c.left.x + (c.left_transposed ? k : m),
                                 c.left.y + (c.left_transposed ? m : k)) *
                           b.get(i, c.right.x + (c.right_transposed ? n : k),
                                 c.right.y + (c.right_transposed ? k : n));
          sum += p;
          size += std::abs(p);
        }
        const double old = c.beta * before.get(i, c.result.x + m, c.result.y + n);
        const double expected = c.alpha * sum + old;
        const double terms = std::abs(c.alpha) * size + std::abs(old);
        double bound = (static_cast<double>(c.k) + 3) * 0x1p-24 * terms;
        if (c.result_type == kFloat16) bound += std::abs(expected) * 0x1p-11 + 0x1p-25;
        ASSERT_NEAR(y.get(i, c.result.x + m, c.result.y + n), expected, bound)
            << i << " " << m << " " << n;
      }
    }
  }
}

TEST(Products, Cubes) {
  for (uint32_t type : {kFloat32, kFloat16}) {
    expect_product({64, 64, 64, type, type});
    expect_product({128, 128, 128, type, type});
  }
}

TEST(Products, HalfInputsFloatResult) { expect_product({33, 65, 40, kFloat16, kFloat32}); }

TEST(Products, OddSizes) {
  for (uint32_t type : {kFloat32, kFloat16}) {
    expect_product({1, 1, 1, type, type});
    expect_product({7, 13, 29, type, type});
    expect_product({1, 131, 67, type, type});
    expect_product({131, 1, 67, type, type});
  }
}

TEST(Products, Transposes) {
  for (uint32_t type : {kFloat32, kFloat16}) {
    for (int which = 0; which < 4; ++which) {
      expect_product({31, 17, 45, type, type, (which & 1) != 0, (which & 2) != 0});
    }
  }
}

TEST(Products, BatchesOffsetsAndRowStrides) {
  for (uint32_t type : {kFloat32, kFloat16}) {
    expect_product({16, 24, 32, type, type, false, false, 5, 0, 0});
    expect_product({16, 24, 32, type, type, false, true, 3, 9, 12});
    expect_product({9, 5, 21, type, type, true, false, 2, 3, 40});
  }
}

TEST(Products, Origins) {
  Case c{20, 12, 28};
  c.left = {3, 5, 0};
  c.right = {1, 2, 0};
  c.result = {7, 4, 0};
  expect_product(c);
  c.left_transposed = c.right_transposed = true;
  expect_product(c);
}

TEST(Products, AlphaAndBeta) {
  Case c{24, 24, 24};
  c.alpha = 0.5;
  c.beta = -2;
  expect_product(c);
  c.type = c.result_type = kFloat16;
  expect_product(c);
}

TEST(Products, NoInteriorGivesBetaC) {
  Case c{4, 4, 0};
  c.beta = 3;
  expect_product(c);
}

TEST(Products, IntegersAreExact) { expect_product({16, 16, 40, kInt8, kFloat32}); }

TEST(Products, MatrixVector) {
  const Pool pool;
  for (bool transposed : {false, true}) {
    const size_t rows = 37, columns = 53;
    TestMatrix a(kFloat32, transposed ? columns : rows, transposed ? rows : columns, 1, 3, 0);
    TestVector x(kFloat32, columns), y(kFloat32, rows);
    a.randomise(4);
    x.randomise(5);
    const Own kernel(send(send("MPSMatrixVectorMultiplication", "alloc"),
                          "initWithDevice:transpose:rows:columns:alpha:beta:", device(), transposed,
                          rows, columns, 1.0, 0.0));
    run([&](id buffer) {
      send<void>(kernel, "encodeToCommandBuffer:inputMatrix:inputVector:resultVector:", buffer,
                 a.matrix(), x.vector(), y.vector());
    });
    for (size_t i = 0; i < rows; ++i) {
      double sum = 0, size = 0;
      for (size_t k = 0; k < columns; ++k) {
        const double p = (transposed ? a.get(0, k, i) : a.get(0, i, k)) * x.get(k);
        sum += p;
        size += std::abs(p);
      }
      ASSERT_NEAR(y.get(i), sum, (columns + 3) * 0x1p-24 * size);
    }
  }
}

TEST(Products, HundredInOneCommandBufferWithOneWait) {
  const Pool pool;
  TestMatrix a(kFloat32, 64, 64), b(kFloat32, 64, 64), y(kFloat32, 64, 64);
  const Own kernel(send(send("MPSMatrixMultiplication", "alloc"),
                        "initWithDevice:resultRows:resultColumns:interiorColumns:", device(), 64ul,
                        64ul, 64ul));
  queue();  // made once, before the count begins
  metal_sim_reset_counters();
  run([&](id buffer) {
    for (int i = 0; i < 100; ++i) {
      send<void>(kernel, "encodeToCommandBuffer:leftMatrix:rightMatrix:resultMatrix:", buffer,
                 a.matrix(), b.matrix(), y.matrix());
    }
  });
  const metal_sim_counters c = counters();
  EXPECT_EQ(c.mps_encodes, 100u);
  EXPECT_EQ(c.command_buffers_made, 1u);
  EXPECT_EQ(c.commits, 1u);
  EXPECT_EQ(c.waits, 1u);
  EXPECT_EQ(c.queues_made, 0u);
  EXPECT_GE(c.messages, 103u);
}

void encode_wrong(uint32_t left, uint32_t right, uint32_t result, size_t rows) {
  const Pool pool;
  TestMatrix a(left, 8, 8), b(right, 8, 8), y(result, 8, 8);
  const Own kernel(send(send("MPSMatrixMultiplication", "alloc"),
                        "initWithDevice:resultRows:resultColumns:interiorColumns:", device(), rows,
                        8ul, 8ul));
  run([&](id buffer) {
    send<void>(kernel, "encodeToCommandBuffer:leftMatrix:rightMatrix:resultMatrix:", buffer,
               a.matrix(), b.matrix(), y.matrix());
  });
}

TEST(ProductsDeathTest, RefusesWhatMpsRefuses) {
  encode_wrong(kFloat32, kFloat16, kFloat32, 8);  // the one mixture that is allowed
  EXPECT_DEATH(
      encode_wrong(kBFloat16, kBFloat16, kFloat32, 8),
      "failed assertion `Input data type must be one of MPSDataTypeFloat32, MPSDataTypeFloat16, "
      "MPSDataTypeInt8, or MPSDataTypeInt16.'");
  EXPECT_DEATH(encode_wrong(kFloat16, kFloat32, kFloat32, 8),
               "Mixed input matrix multiplication is only supported when");
  EXPECT_DEATH(encode_wrong(kFloat32, kFloat32, kFloat32, 9),
               "Number of requested rows in result exceeds result matrix size.");
}

TEST(ProductsDeathTest, RowBytesTooSmall) {
  EXPECT_DEATH(
      {
        const Own buffer(send(device(), "newBufferWithLength:options:", 4096ul, 0ul));
        const id d =
            send("MPSMatrixDescriptor", "matrixDescriptorWithRows:columns:rowBytes:dataType:", 4ul,
                 8ul, 16ul, kFloat32);
        send(send("MPSMatrix", "alloc"), "initWithBuffer:descriptor:", id(buffer), d);
      },
      "not enough rowBytes for all the columns.");
}

TEST(ProductsDeathTest, NilBuffer) {
  EXPECT_DEATH(
      {
        const id d =
            send("MPSMatrixDescriptor", "matrixDescriptorWithRows:columns:rowBytes:dataType:", 4ul,
                 4ul, 16ul, kFloat32);
        send(send("MPSMatrix", "alloc"), "initWithBuffer:descriptor:", id(nullptr), d);
      },
      "buffer may not be nil.");
}

}  // namespace
}  // namespace sim
