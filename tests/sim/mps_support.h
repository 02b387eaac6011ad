// Matrices over Metal buffers that a test can fill and read, and a queue to run on.
#pragma once

#include <random>
#include <vector>

#include "sim/metal/mps/element.h"
#include "sim/objc.h"

namespace sim {

constexpr uint32_t kFloat32 = 268435488, kFloat16 = 268435472, kBFloat16 = 0x90000010,
                   kInt8 = 0x20000008, kUInt32 = 0x20, kInt32 = 0x20000020;

inline id device() {
  static const id one = MTLCreateSystemDefaultDevice();
  return one;
}
inline id queue() {
  static const Own one(send(device(), "newCommandQueue"));
  return one;
}

// Encodes, commits, waits; the status must be Completed.
template <typename F>
void run(F encode) {
  const Pool pool;
  const id buffer = send(queue(), "commandBuffer");
  encode(buffer);
  send<void>(buffer, "commit");
  send<void>(buffer, "waitUntilCompleted");
  ASSERT_EQ(send<unsigned long>(buffer, "status"), 4u)
      << text(send(send(buffer, "error"), "localizedDescription"));
}

class TestMatrix {
 public:
  TestMatrix(uint32_t type, size_t rows, size_t columns, size_t batch = 1, size_t padding = 0,
             size_t offset = 0)
      : type_(static_cast<metal_sim::DataType>(type)),
        element_(metal_sim::size_of(type_)),
        rows_(rows),
        columns_(columns),
        batch_(batch),
        row_bytes_((columns + padding) * element_),
        offset_(offset * element_) {
    each_ = rows_ * row_bytes_ + padding * row_bytes_;
    buffer_ = send(device(), "newBufferWithLength:options:", offset_ + batch_ * each_ + 16, 0ul);
    const id d =
        send("MPSMatrixDescriptor",
             "matrixDescriptorWithRows:columns:matrices:rowBytes:matrixBytes:dataType:", rows_,
             columns_, batch_, row_bytes_, each_, type);
    matrix_ =
        send(send("MPSMatrix", "alloc"), "initWithBuffer:offset:descriptor:", buffer_, offset_, d);
  }
  TestMatrix(const TestMatrix& o)
      : type_(o.type_),
        element_(o.element_),
        rows_(o.rows_),
        columns_(o.columns_),
        batch_(o.batch_),
        row_bytes_(o.row_bytes_),
        offset_(o.offset_),
        each_(o.each_) {
    buffer_ = send(device(),
                   "newBufferWithBytes:length:options:", send<const void*>(o.buffer_, "contents"),
                   send<unsigned long>(o.buffer_, "length"), 0ul);
  }
  ~TestMatrix() {
    objc_release(matrix_);
    objc_release(buffer_);
  }
  id matrix() const { return matrix_; }
  id buffer() const { return buffer_; }
  size_t rows() const { return rows_; }
  size_t columns() const { return columns_; }
  double get(size_t b, size_t i, size_t j) const {
    return metal_sim::load_element(type_, at(b, i, j));
  }
  double get(size_t i, size_t j) const { return get(0, i, j); }
  void set(size_t b, size_t i, size_t j, double value) {
    metal_sim::store_element(type_, at(b, i, j), value);
  }
  void set(size_t i, size_t j, double value) { set(0, i, j, value); }
  void randomise(unsigned seed, double low = -1, double high = 1) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform(low, high);
    const bool integer = !metal_sim::is_float(type_);
    for (size_t b = 0; b < batch_; ++b) {
      for (size_t i = 0; i < rows_; ++i) {
        for (size_t j = 0; j < columns_; ++j) {
          set(b, i, j, integer ? std::floor(uniform(random) * 100) : uniform(random));
        }
      }
    }
  }

 private:
  std::byte* at(size_t b, size_t i, size_t j) const {
    return send<std::byte*>(buffer_, "contents") + offset_ + b * each_ + i * row_bytes_ +
           j * element_;
  }
  metal_sim::DataType type_;
  size_t element_, rows_, columns_, batch_, row_bytes_, offset_, each_ = 0;
  id buffer_ = nullptr, matrix_ = nullptr;
};

class TestVector {
 public:
  TestVector(uint32_t type, size_t length) : storage_(type, 1, length) {
    const id d = send("MPSVectorDescriptor", "vectorDescriptorWithLength:dataType:", length, type);
    vector_ = send(send("MPSVector", "alloc"), "initWithBuffer:descriptor:", storage_.buffer(), d);
  }
  TestVector(const TestVector&) = delete;
  ~TestVector() { objc_release(vector_); }
  id vector() const { return vector_; }
  id buffer() const { return storage_.buffer(); }
  double get(size_t i) const { return storage_.get(0, i); }
  void set(size_t i, double value) { storage_.set(0, i, value); }
  void randomise(unsigned seed, double low = -1, double high = 1) {
    storage_.randomise(seed, low, high);
  }

 private:
  TestMatrix storage_;
  id vector_;
};

}  // namespace sim
