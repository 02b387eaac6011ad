// Multiplies two matrices with Metal Performance Shaders, with the bindings alone: no Objective-C,
// no framework at link time. On a Mac it takes the system's; elsewhere it takes the library that it
// is given.
//
//     mps_product [LIBRARY]
#include <mps/mps.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

using namespace apple;

namespace {

constexpr objc::UInt kRows = 48, kInner = 33, kColumns = 64;

std::vector<float> numbers(objc::UInt count, unsigned seed) {
  std::vector<float> values(count);
  for (float& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(seed >> 8) / (1 << 23) - 1;
  }
  return values;
}

// A matrix on the device whose rows are as far apart as MPS likes best.
struct Operand {
  mtl::Buffer buffer;
  mps::Matrix matrix;
  objc::UInt columns, row_bytes;

  Operand(const mtl::Device& device, objc::UInt rows, objc::UInt columns)
      : columns(columns),
        row_bytes(mps::MatrixDescriptor::row_bytes(columns, mps::DataType::float32)) {
    buffer = device.new_buffer(rows * row_bytes, mtl::ResourceOptions::storage_mode_shared);
    matrix = mps::Matrix(buffer,
                         mps::MatrixDescriptor(rows, columns, row_bytes, mps::DataType::float32));
  }
  float& at(objc::UInt row, objc::UInt column) {
    return reinterpret_cast<float*>(static_cast<char*>(buffer.contents()) +
                                    row * row_bytes)[column];
  }
  void fill(const std::vector<float>& values) {
    for (objc::UInt i = 0; i < values.size(); ++i) at(i / columns, i % columns) = values[i];
  }
};

// The largest difference from a sum in double precision.
double difference(const std::vector<float>& a, const std::vector<float>& b, Operand& c) {
  double worst = 0;
  for (objc::UInt i = 0; i < kRows; ++i) {
    for (objc::UInt j = 0; j < kColumns; ++j) {
      double sum = 0;
      for (objc::UInt k = 0; k < kInner; ++k)
        sum += double(a[i * kInner + k]) * b[k * kColumns + j];
      worst = std::max(worst, std::abs(sum - c.at(i, j)));
    }
  }
  return worst;
}

int run() {
  const mtl::Device device = mtl::system_default_device();
  if (!device) throw Failure("there is no Metal device");
  if (!mps::supports(device)) throw Failure("MPS has no kernels for " + device.name().str());
  const std::vector<float> a = numbers(kRows * kInner, 1), b = numbers(kInner * kColumns, 2);
  Operand left(device, kRows, kInner), right(device, kInner, kColumns);
  Operand result(device, kRows, kColumns);
  left.fill(a);
  right.fill(b);

  const mtl::CommandQueue queue = device.new_command_queue();
  const mtl::CommandBuffer commands = queue.command_buffer();
  const mps::MatrixMultiplication product(device, kRows, kColumns, kInner);
  product.encode(commands, left.matrix, right.matrix, result.matrix);
  commands.commit();
  commands.wait_until_completed();
  commands.check();

  // Each of the kInner products and sums rounds once; operands are at most 1.
  const double bound = kInner * kInner * 0x1p-24, worst = difference(a, b, result);
  std::printf("%s: %lux%lux%lu, first element %g, largest error %.2g, bound %.2g\n",
              device.name().str().c_str(), kRows, kInner, kColumns, result.at(0, 0), worst, bound);
  return worst <= bound ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count > 1) {
      objc::Runtime::load(arguments[1]);
    } else {
      objc::Runtime::load();
    }
    return run();
  } catch (const Failure& e) {
    std::fprintf(stderr, "mps_product: %s\n", e.what());
    return 1;
  }
}
