// MPS's other matrix kernels against double loops.
#include <algorithm>
#include <cmath>

#include "sim/mps_support.h"

namespace sim {
namespace {

id kernel(const char* cls) { return send(send(cls, "alloc"), "initWithDevice:", device()); }

void encode_unary(id k, const TestMatrix& x, const TestMatrix& y) {
  run([&](id b) {
    send<void>(k, "encodeToCommandBuffer:inputMatrix:resultMatrix:", b, x.matrix(), y.matrix());
  });
}

double tolerance(uint32_t type, double value) {
  return type == kFloat32 ? 1e-6 + std::abs(value) * 4e-6 : 1e-3 + std::abs(value) * 2e-3;
}

class ByType : public ::testing::TestWithParam<uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Mps, ByType, ::testing::Values(kFloat32, kFloat16));

TEST_P(ByType, SoftMaxAndItsLogarithm) {
  const Pool pool;
  for (size_t padding : {0, 5}) {
    TestMatrix x(GetParam(), 7, 43, 1, padding), y(GetParam(), 7, 43, 1, padding),
        z(GetParam(), 7, 43, 1, padding);
    x.randomise(1, -6, 6);
    const Own soft(kernel("MPSMatrixSoftMax")), logarithm(kernel("MPSMatrixLogSoftMax"));
    encode_unary(soft, x, y);
    encode_unary(logarithm, x, z);
    for (size_t i = 0; i < 7; ++i) {
      double sum = 0;
      for (size_t j = 0; j < 43; ++j) sum += std::exp(x.get(i, j));
      for (size_t j = 0; j < 43; ++j) {
        const double expected = std::exp(x.get(i, j)) / sum;
        EXPECT_NEAR(y.get(i, j), expected, tolerance(GetParam(), expected));
        EXPECT_NEAR(z.get(i, j), std::log(expected), tolerance(GetParam(), std::log(expected)));
      }
    }
  }
}

TEST_P(ByType, SoftMaxGradients) {
  const Pool pool;
  TestMatrix g(GetParam(), 5, 17), y(GetParam(), 5, 17), l(GetParam(), 5, 17), a(GetParam(), 5, 17),
      b(GetParam(), 5, 17);
  g.randomise(1);
  y.randomise(2, 0, 0.1);
  l.randomise(3, -4, -2);
  const Own soft(kernel("MPSMatrixSoftMaxGradient")),
      logarithm(kernel("MPSMatrixLogSoftMaxGradient"));
  run([&](id c) {
    const char* encode = "encodeToCommandBuffer:gradientMatrix:forwardOutputMatrix:resultMatrix:";
    send<void>(soft, encode, c, g.matrix(), y.matrix(), a.matrix());
    send<void>(logarithm, encode, c, g.matrix(), l.matrix(), b.matrix());
  });
  for (size_t i = 0; i < 5; ++i) {
    double gy = 0, sum = 0;
    for (size_t j = 0; j < 17; ++j) {
      gy += g.get(i, j) * y.get(i, j);
      sum += g.get(i, j);
    }
    for (size_t j = 0; j < 17; ++j) {
      EXPECT_NEAR(a.get(i, j), y.get(i, j) * (g.get(i, j) - gy), tolerance(GetParam(), 0.1));
      EXPECT_NEAR(b.get(i, j), g.get(i, j) - std::exp(l.get(i, j)) * sum, tolerance(GetParam(), 1));
    }
  }
}

TEST_P(ByType, SoftMaxOfAPart) {
  const Pool pool;
  TestMatrix x(GetParam(), 6, 12), y(GetParam(), 6, 12);
  x.randomise(1);
  const Own soft(kernel("MPSMatrixSoftMax"));
  send<void>(soft, "setSourceMatrixOrigin:", Origin{2, 3, 0});
  send<void>(soft, "setResultMatrixOrigin:", Origin{1, 4, 0});
  send<void>(soft, "setSourceRows:", 2ul);
  send<void>(soft, "setSourceColumns:", 5ul);
  encode_unary(soft, x, y);
  double sum = 0;
  for (size_t j = 0; j < 5; ++j) sum += std::exp(x.get(3, 3 + j));
  EXPECT_NEAR(y.get(2, 4), std::exp(x.get(3, 3)) / sum, tolerance(GetParam(), 1));
  EXPECT_EQ(y.get(0, 4), 0);
  EXPECT_EQ(y.get(3, 4), 0);
  EXPECT_EQ(y.get(1, 9), 0);
}

TEST_P(ByType, FullyConnectedWithBiasAndNeuron) {
  const Pool pool;
  TestMatrix x(GetParam(), 5, 12), w(GetParam(), 12, 9), y(GetParam(), 5, 9);
  TestVector bias(GetParam(), 9);
  x.randomise(1);
  w.randomise(2);
  bias.randomise(3);
  const Own full(kernel("MPSMatrixFullyConnected"));
  send<void>(full, "setNeuronType:parameterA:parameterB:parameterC:", 1, 0.25f, 0.0f,
             0.0f);  // leaky ReLU
  run([&](id c) {
    send<void>(full, "encodeToCommandBuffer:inputMatrix:weightMatrix:biasVector:resultMatrix:", c,
               x.matrix(), w.matrix(), bias.vector(), y.matrix());
  });
  for (size_t i = 0; i < 5; ++i) {
    for (size_t j = 0; j < 9; ++j) {
      double sum = bias.get(j);
      for (size_t k = 0; k < 12; ++k) sum += x.get(i, k) * w.get(k, j);
      EXPECT_NEAR(y.get(i, j), sum >= 0 ? sum : 0.25 * sum, 4 * tolerance(GetParam(), 4));
    }
  }
}

TEST_P(ByType, TopK) {
  const Pool pool;
  TestMatrix x(GetParam(), 4, 50), top(GetParam(), 4, 5), at(kUInt32, 4, 5);
  x.randomise(9);
  const Own k(send(send("MPSMatrixFindTopK", "alloc"),
                   "initWithDevice:numberOfTopKValues:", device(), 5ul));
  run([&](id c) {
    send<void>(k, "encodeToCommandBuffer:inputMatrix:resultIndexMatrix:resultValueMatrix:", c,
               x.matrix(), at.matrix(), top.matrix());
  });
  for (size_t i = 0; i < 4; ++i) {
    std::vector<double> row;
    for (size_t j = 0; j < 50; ++j) row.push_back(x.get(i, j));
    std::sort(row.rbegin(), row.rend());
    for (size_t j = 0; j < 5; ++j) {
      EXPECT_EQ(top.get(i, j), row[j]);
      EXPECT_EQ(x.get(i, static_cast<size_t>(at.get(i, j))), row[j]);
    }
  }
}

TEST(Mps, NeuronGradientIsTheDifferenceQuotient) {
  const Pool pool;
  for (int type = 0; type <= 15; ++type) {
    if (type == 10) continue;  // PReLU has its own parameters
    TestMatrix x(kFloat32, 1, 9), g(kFloat32, 1, 9), d(kFloat32, 1, 9), low(kFloat32, 1, 9),
        high(kFloat32, 1, 9);
    x.randomise(5, 0.2, 0.9);
    for (size_t j = 0; j < 9; ++j) g.set(0, j, 1);
    TestMatrix below(x), above(x);
    const Own neuron(kernel("MPSMatrixNeuron")), gradient(kernel("MPSMatrixNeuronGradient"));
    for (id k : {id(neuron), id(gradient)}) {
      send<void>(k, "setNeuronType:parameterA:parameterB:parameterC:", type, 0.5f, 0.75f, 1.5f);
      EXPECT_EQ(send<int>(k, "neuronType"), type);
      EXPECT_EQ(send<float>(k, "neuronParameterB"), 0.75f);
    }
    const auto value = [&](const TestMatrix& y) {
      run([&](id c) {
        send<void>(neuron, "encodeToCommandBuffer:inputMatrix:biasVector:resultMatrix:", c,
                   x.matrix(), id(nullptr), y.matrix());
      });
    };
    std::vector<double> at;
    for (size_t j = 0; j < 9; ++j) at.push_back(x.get(0, j));
    const double h = 1.0 / 256;
    for (size_t j = 0; j < 9; ++j) x.set(0, j, at[j] - h);
    value(low);
    for (size_t j = 0; j < 9; ++j) x.set(0, j, at[j] + h);
    value(high);
    for (size_t j = 0; j < 9; ++j) x.set(0, j, at[j]);
    run([&](id c) {
      send<void>(
          gradient,
          "encodeToCommandBuffer:gradientMatrix:inputMatrix:biasVector:resultGradientForDataMatrix:"
          "resultGradientForBiasVector:",
          c, g.matrix(), x.matrix(), id(nullptr), d.matrix(), id(nullptr));
    });
    for (size_t j = 0; j < 9; ++j) {
      const double slope = (high.get(0, j) - low.get(0, j)) / (2 * h);
      // A kink (ReLUN's bound) may lie between the two points.
      if (type == 11 && std::abs(at[j] - 0.75) < 2 * h) continue;
      EXPECT_NEAR(d.get(0, j), slope, 2e-3) << "neuron " << type << " at " << at[j];
    }
  }
}

TEST(Mps, LuAndItsSolve) {
  const Pool pool;
  const size_t n = 11, m = 3;
  TestMatrix a(kFloat32, n, n), f(kFloat32, n, n), b(kFloat32, n, m), x(kFloat32, n, m),
      p(kUInt32, 1, n);
  a.randomise(1);
  b.randomise(2);
  const Own status(send(device(), "newBufferWithLength:options:", 4ul, 0ul));
  const Own lu(send(send("MPSMatrixDecompositionLU", "alloc"),
                    "initWithDevice:rows:columns:", device(), n, n));
  for (bool transposed : {false, true}) {
    const Own solve(send(send("MPSMatrixSolveLU", "alloc"),
                         "initWithDevice:transpose:order:numberOfRightHandSides:", device(),
                         transposed, n, m));
    run([&](id c) {
      send<void>(lu, "encodeToCommandBuffer:sourceMatrix:resultMatrix:pivotIndices:status:", c,
                 a.matrix(), f.matrix(), p.matrix(), id(status));
      send<void>(
          solve,
          "encodeToCommandBuffer:sourceMatrix:rightHandSideMatrix:pivotIndices:solutionMatrix:", c,
          f.matrix(), b.matrix(), p.matrix(), x.matrix());
    });
    EXPECT_EQ(*send<int*>(status, "contents"), 0);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < m; ++j) {
        double sum = 0;
        for (size_t k = 0; k < n; ++k)
          sum += (transposed ? a.get(k, i) : a.get(i, k)) * x.get(k, j);
        EXPECT_NEAR(sum, b.get(i, j), 1e-4);
      }
    }
  }
}

TEST(Mps, CholeskyAndItsSolve) {
  const Pool pool;
  const size_t n = 9, m = 2;
  for (bool lower : {false, true}) {
    TestMatrix r(kFloat32, n, n), a(kFloat32, n, n), f(kFloat32, n, n), b(kFloat32, n, m),
        x(kFloat32, n, m);
    r.randomise(1);
    b.randomise(2);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) {
        double sum = i == j ? 1 : 0;
        for (size_t k = 0; k < n; ++k) sum += r.get(i, k) * r.get(j, k);
        a.set(i, j, sum);
      }
    }
    const Own status(send(device(), "newBufferWithLength:options:", 4ul, 0ul));
    const Own factor(send(send("MPSMatrixDecompositionCholesky", "alloc"),
                          "initWithDevice:lower:order:", device(), lower, n));
    const Own solve(send(send("MPSMatrixSolveCholesky", "alloc"),
                         "initWithDevice:upper:order:numberOfRightHandSides:", device(), !lower, n,
                         m));
    run([&](id c) {
      send<void>(factor, "encodeToCommandBuffer:sourceMatrix:resultMatrix:status:", c, a.matrix(),
                 f.matrix(), id(status));
      send<void>(solve, "encodeToCommandBuffer:sourceMatrix:rightHandSideMatrix:solutionMatrix:", c,
                 f.matrix(), b.matrix(), x.matrix());
    });
    for (size_t i = 0; i < n; ++i) {
      double sum = 0;
      for (size_t k = 0; k < n; ++k) sum += a.get(i, k) * x.get(k, 1);
      EXPECT_NEAR(sum, b.get(i, 1), 1e-4);
    }
    a.set(0, 0, -1);
    run([&](id c) {
      send<void>(factor, "encodeToCommandBuffer:sourceMatrix:resultMatrix:status:", c, a.matrix(),
                 f.matrix(), id(status));
    });
    EXPECT_EQ(*send<int*>(status, "contents"), -3);
  }
}

TEST(Mps, RandomRepeatsBySeedAndGoesOn) {
  const Pool pool;
  const id uniform = send("MPSMatrixRandomDistributionDescriptor",
                          "uniformDistributionDescriptorWithMinimum:maximum:", -2.0f, 3.0f);
  for (const char* cls : {"MPSMatrixRandomPhilox", "MPSMatrixRandomMTGP32"}) {
    TestMatrix a(kFloat32, 20, 50), b(kFloat32, 20, 50), next(kFloat32, 20, 50);
    const char* init = "initWithDevice:destinationDataType:seed:distributionDescriptor:";
    const Own one(send(send(cls, "alloc"), init, device(), kFloat32, 7ul, uniform));
    const Own two(send(send(cls, "alloc"), init, device(), kFloat32, 7ul, uniform));
    run([&](id c) {
      send<void>(one, "encodeToCommandBuffer:destinationMatrix:", c, a.matrix());
      send<void>(one, "encodeToCommandBuffer:destinationMatrix:", c, next.matrix());
      send<void>(two, "encodeToCommandBuffer:destinationMatrix:", c, b.matrix());
    });
    double sum = 0;
    size_t same = 0;
    for (size_t i = 0; i < 20; ++i) {
      for (size_t j = 0; j < 50; ++j) {
        EXPECT_EQ(a.get(i, j), b.get(i, j));
        EXPECT_TRUE(a.get(i, j) >= -2 && a.get(i, j) < 3);
        same += a.get(i, j) == next.get(i, j);
        sum += a.get(i, j);
      }
    }
    EXPECT_LT(same, 5u);
    EXPECT_NEAR(sum / 1000, 0.5, 0.2);
  }
}

TEST(Mps, TemporariesLiveWithTheirCommandBuffer) {
  const Pool pool;
  TestMatrix a(kFloat32, 8, 8), b(kFloat32, 8, 8), y(kFloat32, 8, 8);
  a.randomise(1);
  b.randomise(2);
  const Own product(send(send("MPSMatrixMultiplication", "alloc"),
                         "initWithDevice:resultRows:resultColumns:interiorColumns:", device(), 8ul,
                         8ul, 8ul));
  const char* encode = "encodeToCommandBuffer:leftMatrix:rightMatrix:resultMatrix:";
  const auto chain = [&](int readers) {
    run([&](id c) {
      const id d =
          send("MPSMatrixDescriptor", "matrixDescriptorWithRows:columns:rowBytes:dataType:", 8ul,
               8ul, 32ul, kFloat32);
      const id t =
          send("MPSTemporaryMatrix", "temporaryMatrixWithCommandBuffer:matrixDescriptor:", c, d);
      send<void>(product, encode, c, a.matrix(), b.matrix(), t);
      for (int i = 0; i < readers; ++i) send<void>(product, encode, c, t, b.matrix(), y.matrix());
    });
  };
  chain(1);
  double sum = 0;
  for (size_t k = 0; k < 8; ++k) {
    double inner = 0;
    for (size_t l = 0; l < 8; ++l) inner += a.get(2, l) * b.get(l, k);
    sum += inner * b.get(k, 3);
  }
  EXPECT_NEAR(y.get(2, 3), sum, 1e-5);
  EXPECT_DEATH(chain(2), "readCount reached 0");
}

TEST(Mps, OutOfMemoryEndsTheCommandBufferInErrorAndTheNextOneWorks) {
  const Pool pool;
  const id d =
      send("MPSMatrixDescriptor", "matrixDescriptorWithRows:columns:rowBytes:dataType:", 512ul,
           512ul, 2048ul, kFloat32);
  TestMatrix a(kFloat32, 512, 512);
  const Own soft(kernel("MPSMatrixSoftMax")),
      result(send(send("MPSMatrix", "alloc"), "initWithDevice:descriptor:", device(), d));
  const auto commit = [&] {
    const id b = send(queue(), "commandBuffer");
    send<void>(soft, "encodeToCommandBuffer:inputMatrix:resultMatrix:", b, a.matrix(), id(result));
    send<void>(b, "commit");
    send<void>(b, "waitUntilCompleted");
    return b;
  };
  metal_sim_set_memory_limit(counters().bytes_alive + 1024);
  const id failed = commit();
  metal_sim_set_memory_limit(0);
  EXPECT_EQ(send<unsigned long>(failed, "status"), 5u);
  EXPECT_EQ(send<long>(send(failed, "error"), "code"), 8);
  EXPECT_EQ(send<unsigned long>(commit(), "status"), 4u);
}

TEST(Mps, CommitAndContinue) {
  const Pool pool;
  TestMatrix a(kFloat32, 4, 4), y(kFloat32, 4, 4);
  a.randomise(1);
  const Own soft(kernel("MPSMatrixSoftMax"));
  const id buffer = send("MPSCommandBuffer", "commandBufferFromCommandQueue:", queue());
  send<void>(soft, "encodeToCommandBuffer:inputMatrix:resultMatrix:", buffer, a.matrix(),
             y.matrix());
  send<void>(buffer, "commitAndContinue");
  send<void>(buffer, "commit");
  send<void>(buffer, "waitUntilCompleted");
  EXPECT_EQ(send<unsigned long>(buffer, "status"), 4u);
  EXPECT_GT(y.get(0, 0), 0);
}

TEST(Mps, CopiesOfKernelsAreEqual) {
  const Pool pool;
  const Own soft(kernel("MPSMatrixSoftMax"));
  send<void>(soft, "setSourceRows:", 3ul);
  const Own copy(send(soft, "copyWithZone:device:", static_cast<void*>(nullptr), id(nullptr)));
  EXPECT_NE(id(copy), id(soft));
  EXPECT_EQ(send<unsigned long>(copy, "sourceRows"), 3u);
}

}  // namespace
}  // namespace sim
