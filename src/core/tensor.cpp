// Handles and views. The gradient of reshape and transpose is the inverse view and is recorded
// here; slice and expand need kernels for theirs, so ops defines them (src/ops/copy).
#include "pewter/tensor.h"

#include "tensor_impl.h"
#include "view.h"

namespace pewter {
namespace {

const TensorImpl& checked(const std::shared_ptr<TensorImpl>& impl) {
  if (!impl) throw_error(ErrorCode::argument, "[tensor] used before it was given a value");
  return *impl;
}

Shape filled_in(Shape shape, int64_t numel) {
  int64_t known = 1;
  int hole = -1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == -1 && hole < 0) {
      hole = i;
    } else if (__builtin_mul_overflow(known, shape[i], &known)) {
      return shape;  // numel() says so
    }
  }
  if (hole >= 0 && known > 0 && numel % known == 0) shape[hole] = numel / known;
  return shape;
}

// Strides that show `t` as `shape` without copying, or false. Dimensions that lie one behind the
// other in memory form a run; each run must be covered by whole dimensions of the new shape.
bool reshape_strides(const Tensor& t, const Shape& shape, Shape& strides) {
  strides = contiguous_strides(shape);
  if (t.numel() == 0 || t.is_contiguous()) return true;
  int next = shape.rank() - 1;
  int64_t run_size = 1, run_stride = 1;
  for (int old = t.rank() - 1; old >= 0; --old) {
    if (t.size(old) == 1) continue;
    if (run_size == 1) run_stride = t.strides()[old];
    run_size *= t.size(old);
    int outer = old - 1;
    while (outer >= 0 && t.size(outer) == 1) --outer;
    if (outer >= 0 && t.strides()[outer] == t.size(old) * t.strides()[old]) continue;
    int64_t placed = 1;
    while (next >= 0 && (placed < run_size || shape[next] == 1)) {
      strides[next] = run_stride * placed;
      placed *= shape[next--];
    }
    if (placed != run_size) return false;
    run_size = 1;
  }
  return true;
}

}  // namespace

int checked_dim(int dim, int rank, const char* op) {
  const int d = dim < 0 ? dim + rank : dim;
  if (d < 0 || d >= rank) {
    throw_error(ErrorCode::shape, "[{}] dimension {} of a tensor of rank {}", op, dim, rank);
  }
  return d;
}

void refuse_quantised(const Tensor& t, const char* op) {
  if (is_quantised(t.dtype())) {
    throw_error(ErrorCode::dtype, "[{}] {} is block-quantised and has no views", op,
                to_string(t.dtype()));
  }
}

Tensor make_view(const Tensor& t, Shape shape, Shape strides, int64_t add_elements) {
  const int64_t start = static_cast<char*>(t.data()) - static_cast<char*>(t.storage()->data);
  return Tensor(t.storage(), shape, strides, t.dtype(),
                start + add_elements * info(t.dtype()).block_bytes);
}

Tensor::Tensor(std::shared_ptr<Storage> storage, Shape shape, Shape strides, DType dtype,
               int64_t offset_bytes)
    : impl_(std::make_shared<TensorImpl>()) {
  impl_->storage = std::move(storage);
  impl_->shape = shape;
  impl_->strides = strides;
  impl_->dtype = dtype;
  impl_->offset_bytes = offset_bytes;
}

const Shape& Tensor::shape() const { return checked(impl_).shape; }
const Shape& Tensor::strides() const { return checked(impl_).strides; }
DType Tensor::dtype() const { return checked(impl_).dtype; }
Device Tensor::device() const { return checked(impl_).storage->device; }
const std::shared_ptr<Storage>& Tensor::storage() const { return checked(impl_).storage; }

void* Tensor::data() const {
  return static_cast<char*>(checked(impl_).storage->data) + impl_->offset_bytes;
}

bool Tensor::is_contiguous() const {
  if (is_quantised(dtype()) || numel() == 0) return true;
  int64_t expected = 1;
  for (int i = rank() - 1; i >= 0; --i) {
    if (size(i) != 1 && strides()[i] != expected) return false;
    expected *= size(i);
  }
  return true;
}

Tensor Tensor::reshape(Shape shape) const {
  refuse_quantised(*this, "reshape");
  shape = filled_in(shape, numel());
  for (int64_t size : shape) {
    if (size < 0) throw_error(ErrorCode::shape, "[reshape] size {} is negative", size);
  }
  Shape strides;
  if (shape.numel() != numel() || !reshape_strides(*this, shape, strides)) {
    throw_error(ErrorCode::shape, "[reshape] {} with strides {} cannot be seen as {}",
                this->shape().to_string(), this->strides().to_string(), shape.to_string());
  }
  Tensor out = make_view(*this, shape, strides, 0);
  record(out, "reshape", {*this},
         [before = this->shape()](const Tensor& g) { return std::vector{g.reshape(before)}; });
  return out;
}

Tensor Tensor::transpose(int a, int b) const {
  refuse_quantised(*this, "transpose");
  a = checked_dim(a, rank(), "transpose");
  b = checked_dim(b, rank(), "transpose");
  Shape shape = this->shape(), strides = this->strides();
  std::swap(shape[a], shape[b]);
  std::swap(strides[a], strides[b]);
  Tensor out = make_view(*this, shape, strides, 0);
  record(out, "transpose", {*this},
         [a, b](const Tensor& g) { return std::vector{g.transpose(a, b)}; });
  return out;
}

Tensor Tensor::detach() const { return make_view(*this, shape(), strides(), 0); }

Tensor& Tensor::set_requires_grad(bool on) {
  if (on && !is_floating(dtype())) {
    throw_error(ErrorCode::dtype, "[set_requires_grad] {} tensors have no gradient",
                to_string(dtype()));
  }
  impl_->requires_grad = on;
  return *this;
}

bool Tensor::requires_grad() const { return impl_ && (impl_->requires_grad || impl_->node); }
Tensor Tensor::grad() const { return checked(impl_).grad; }
void Tensor::set_grad(Tensor grad) const { impl_->grad = std::move(grad); }
const std::shared_ptr<GradNode>& Tensor::grad_node() const { return checked(impl_).node; }
void Tensor::set_grad_node(std::shared_ptr<GradNode> node) const { impl_->node = std::move(node); }

}  // namespace pewter
