// A Tensor is a handle: shape, strides and dtype over shared memory on a device. Copying it copies
// the handle. Views (reshape, transpose, slice, expand) share memory; all but expand carry
// gradients.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "pewter/device.h"
#include "pewter/dtype.h"
#include "pewter/error.h"

namespace pewter {

inline constexpr int kMaxRank = 6;

// Sizes (or strides, in elements), outermost first; at most kMaxRank of them.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const int64_t> sizes);

  int rank() const { return rank_; }
  // Negative indices count from the end.
  int64_t operator[](int i) const { return sizes_[i < 0 ? i + rank_ : i]; }
  int64_t& operator[](int i) { return sizes_[i < 0 ? i + rank_ : i]; }
  const int64_t* begin() const { return sizes_.data(); }
  const int64_t* end() const { return sizes_.data() + rank_; }
  int64_t numel() const;
  std::string to_string() const;  // "[4, 8]"
  friend bool operator==(const Shape& a, const Shape& b) {
    return a.rank_ == b.rank_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  std::array<int64_t, kMaxRank> sizes_{};
  int rank_ = 0;
};
Shape contiguous_strides(const Shape& shape);

// Memory on a device, freed when the last view of it goes.
struct Storage {
  Storage(Device device, void* data, int64_t bytes) : device(device), data(data), bytes(bytes) {}
  virtual ~Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  const Device device;
  void* const data;
  const int64_t bytes;
  // What an op derived from these bytes and keeps beside them: a weight in the layout its kernel
  // reads. Freed with the bytes.
  std::mutex derived_mutex;
  std::shared_ptr<void> derived;
};

struct TensorOptions {
  DType dtype = f32;
  Device device = {};
};

struct GradNode;
struct TensorImpl;

class Tensor {
 public:
  Tensor() = default;  // holds nothing; defined() is false
  Tensor(std::shared_ptr<Storage> storage, Shape shape, Shape strides, DType dtype,
         int64_t offset_bytes = 0);

  bool defined() const { return impl_ != nullptr; }
  const Shape& shape() const;
  const Shape& strides() const;  // in elements; meaningless for quantised dtypes
  int rank() const { return shape().rank(); }
  int64_t size(int dim) const { return shape()[dim]; }
  int64_t numel() const { return shape().numel(); }
  DType dtype() const;
  Device device() const;
  bool is_contiguous() const;
  void* data() const;  // device address of the first element
  const std::shared_ptr<Storage>& storage() const;

  // Views. All throw ErrorCode::shape when the result would not be a view or does not fit, and
  // ErrorCode::dtype for quantised tensors.
  Tensor reshape(Shape shape) const;  // one size may be -1
  Tensor transpose(int dim_a, int dim_b) const;
  Tensor slice(int dim, int64_t start, int64_t stop, int64_t step = 1) const;
  // Sizes of 1 grow, with stride 0. Throws ErrorCode::argument where a gradient would be recorded:
  // ops broadcast by themselves.
  Tensor expand(const Shape& shape) const;

  // Waits, then copies in row-major order. T is float, double, int32_t or uint8_t; f16 and bf16
  // convert exactly to float.
  template <typename T>
  std::vector<T> to_vector() const;
  template <typename T>
  T item() const {  // the only element; throws ErrorCode::shape if there is not exactly one
    if (numel() != 1)
      throw_error(ErrorCode::shape, "[item] {} has more than one element", shape().to_string());
    return to_vector<T>()[0];
  }

  // Gradients. A tensor with requires_grad and no producer is a leaf: backward() adds to its grad.
  Tensor& set_requires_grad(bool on = true);  // throws ErrorCode::dtype unless floating
  bool requires_grad() const;
  Tensor grad() const;  // undefined until backward() reached it
  void set_grad(Tensor grad) const;
  const std::shared_ptr<GradNode>& grad_node() const;
  Tensor detach() const;  // same memory, no gradient

  friend bool same_tensor(const Tensor& a, const Tensor& b) { return a.impl_ == b.impl_; }
  const TensorImpl* id() const { return impl_.get(); }
  // Makes this tensor the output of `node`; for ops.
  void set_grad_node(std::shared_ptr<GradNode> node) const;

 private:
  std::shared_ptr<TensorImpl> impl_;
};

// How a tensor came about: backward maps the gradient of the output to the gradients of the inputs,
// in order; an undefined entry means "none".
struct GradNode {
  using Backward = std::function<std::vector<Tensor>(const Tensor& grad)>;
  GradNode(const char* op, std::vector<Tensor> inputs, Backward backward)
      : op(op), inputs(std::move(inputs)), backward(std::move(backward)) {}
  ~GradNode();  // not recursive: a deep model makes a deep graph
  GradNode(const GradNode&) = delete;
  GradNode& operator=(const GradNode&) = delete;

  const char* op;
  std::vector<Tensor> inputs;
  Backward backward;  // empty once backward() has walked past
};

// Records `backward` on `output` if gradients are on and one of `inputs` requires one.
void record(const Tensor& output, const char* op, std::vector<Tensor> inputs,
            std::function<std::vector<Tensor>(const Tensor& grad)> backward);
bool wants_grad(std::initializer_list<Tensor> inputs);

// No gradients are recorded on this thread while one of these lives.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};
bool grad_enabled();

// Adds d(output)/d(leaf) to the grad of every leaf that requires one, `output` being a scalar (or
// seeded with `grad`). Frees the tape as it goes: what was recorded on the way to `output` cannot
// be walked again, also not from another output. Throws ErrorCode::argument then, before any
// gradient has changed, and if output has no tape.
void backward(const Tensor& output, const Tensor& grad = {});

}  // namespace pewter
