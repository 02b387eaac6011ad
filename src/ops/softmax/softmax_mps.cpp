// MPSMatrixSoftMax and MPSMatrixLogSoftMax with their gradients.
#include "softmax_mps.h"

#include "device/metal/mps_objects.h"
#include "ops/kernels.h"
#include "ops/strided.h"
#include "pewter/mps.h"
#include "softmax.h"

namespace pewter {
namespace metal {
namespace {

void require_mps(Encoder& e, const char* op, DType dtype) {
  if (!is_mps_type(dtype)) {
    throw_error(ErrorCode::dtype, "[{}] MPS has none of {}", op, to_string(dtype));
  }
  metal::require_mps(e, op);
}

// The kernels have no parameters but the logarithm; their sizes are the matrices'.
template <typename Plain, typename Logarithm, typename... Matrices>
void encode_kernel(Encoder& e, bool logarithm, const Matrices&... matrices) {
  static constexpr char kKernels = 0;
  if (logarithm) {
    e.cached<Logarithm>({&kKernels, {1}}, [&] {
       return Logarithm(e.device());
     }).encode(e.commands(), matrices...);
  } else {
    e.cached<Plain>({&kKernels, {0}}, [&] {
       return Plain(e.device());
     }).encode(e.commands(), matrices...);
  }
}

void encode_softmax(Encoder& e, const MpsSoftmaxArgs& o) {
  require_mps(e, o.logarithm ? "mps::log_softmax" : "mps::softmax", o.dtype);
  const auto x = mps_matrix(e, e.reads(o.x), o.dtype,
                            {o.rows, o.columns, o.row_stride, o.matrices, o.matrix_stride});
  const auto y = mps_matrix(e, e.writes(o.y), o.dtype,
                            {o.rows, o.columns, o.columns, o.matrices, o.rows * o.columns});
  encode_kernel<apple::mps::MatrixSoftMax, apple::mps::MatrixLogSoftMax>(e, o.logarithm, x, y);
  e.weighs(2 * o.matrices * o.rows * o.columns * info(o.dtype).block_bytes);
}

void encode_backward(Encoder& e, const MpsSoftmaxBackwardArgs& o) {
  require_mps(e, o.logarithm ? "mps::log_softmax_backward" : "mps::softmax_backward", o.dtype);
  const MatrixView view{o.rows, o.columns, o.columns};
  const auto y = mps_matrix(e, e.reads(o.y), o.dtype, view);
  const auto dy = mps_matrix(e, e.reads(o.dy), o.dtype, view);
  const auto dx = mps_matrix(e, e.writes(o.dx), o.dtype, view);
  encode_kernel<apple::mps::MatrixSoftMaxGradient, apple::mps::MatrixLogSoftMaxGradient>(
      e, o.logarithm, dy, y, dx);
  e.weighs(3 * o.rows * o.columns * info(o.dtype).block_bytes);
}

void refuse_other_types(const char* op, DType dtype) {
  if (is_mps_type(dtype)) return;
  throw_error(ErrorCode::device, "[{}] has no kernel of its own on {}, and MPS has none of {}", op,
              this_device().name(), to_string(dtype));
}

}  // namespace

void softmax(Encoder& e, const SoftmaxArgs& o) {
  refuse_other_types("softmax", o.dtype);
  encode_softmax(e, {o.x, o.y, o.rows, o.columns, o.columns, 1, 0, o.dtype, false});
}

void softmax_backward(Encoder& e, const SoftmaxBackwardArgs& o) {
  refuse_other_types("softmax_backward", o.dtype);
  encode_backward(e, {o.y, o.dy, o.dx, o.rows, o.columns, o.dtype, false});
}

}  // namespace metal

namespace mps {
namespace {

using metal::MatrixView;

constexpr Kernels<MpsSoftmaxArgs> kForward{"mps::softmax", nullptr, nullptr, metal::encode_softmax};
constexpr Kernels<MpsSoftmaxBackwardArgs> kBackward{"mps::softmax_backward", nullptr, nullptr,
                                                    metal::encode_backward};

// The rows of x where they lie; false where MPS has no such view.
bool view_rows(const Tensor& x, MatrixView& view) {
  if (x.size(-1) > 1 && x.strides()[-1] != 1) return false;
  Strided<1> rows;
  for (int d = 0; d + 1 < x.rank(); ++d) rows.push(x.size(d), {x.strides()[d]});
  if (rows.rank > 2) return false;
  const int64_t columns = x.size(-1);
  view = {rows.row_size(), columns, rows.rank > 0 ? rows.row_stride(0) : columns};
  if (rows.rank == 2) view.count = rows.sizes[0], view.stride = rows.strides[0][0];
  return (view.rows == 1 || view.row_stride >= columns) && metal::is_mps_batch(view);
}

void check(const char* op, const Tensor& x) {
  check_defined(op, "x", x);
  if (!metal::is_metal(x.device())) {
    throw_error(ErrorCode::device, "[{}] x is on {}; MPS runs on metal and metal-sim", op,
                x.device().name());
  }
  if (!metal::is_mps_type(x.dtype())) {
    throw_error(ErrorCode::dtype, "[{}] MPS has none of {}", op, to_string(x.dtype()));
  }
  if (x.rank() == 0 || x.size(-1) == 0) {
    throw_error(ErrorCode::shape, "[{}] expected last dimension > 0, got {}", op,
                x.shape().to_string());
  }
}

Tensor backward(const Tensor& y, const Tensor& grad, bool logarithm) {
  const Tensor dy = contiguous(grad);
  Tensor dx = empty(y.shape(), {y.dtype(), y.device()});
  const int64_t columns = y.size(-1);
  if (y.numel() > 0) {
    run(kBackward, y.device(),
        {y.data(), dy.data(), dx.data(), y.numel() / columns, columns, y.dtype(), logarithm});
  }
  return dx;
}

Tensor softmax_of(const char* op, const Tensor& input, bool logarithm) {
  check(op, input);
  MatrixView view{};
  Tensor x = input.detach();
  if (!view_rows(x, view)) {
    x = contiguous(x);
    view_rows(x, view);
  }
  Tensor y = empty(x.shape(), {x.dtype(), x.device()});
  if (y.numel() > 0) {
    run(kForward, x.device(),
        {x.data(), y.data(), view.rows, view.columns, view.row_stride, view.count, view.stride,
         x.dtype(), logarithm});
  }
  record(y, op, {input}, [y = y.detach(), logarithm](const Tensor& g) {
    return std::vector{backward(y, g, logarithm)};
  });
  return y;
}

}  // namespace

Tensor softmax(const Tensor& x) { return softmax_of("mps::softmax", x, false); }
Tensor log_softmax(const Tensor& x) { return softmax_of("mps::log_softmax", x, true); }

}  // namespace mps
}  // namespace pewter
