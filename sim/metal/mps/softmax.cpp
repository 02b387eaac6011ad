#include "sim/metal/mps/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/softmax/softmax.h"

namespace metal_sim {
namespace {

pewter::DType dtype_of(DataType t) {
  return t == DataType::float32 ? pewter::DType::f32 : pewter::DType::f16;
}

// pewter's kernel wants rows without gaps: all rows at once, or one after the other.
void plain_softmax(const View& x, const View& y, size_t rows, size_t columns) {
  const size_t packed = columns * size_of(x.type);
  const bool whole = x.row_bytes == packed && y.row_bytes == packed;
  pewter::SoftmaxArgs args{};
  args.columns = static_cast<int64_t>(columns);
  args.rows = static_cast<int64_t>(whole ? rows : 1);
  args.dtype = dtype_of(x.type);
  for (size_t i = 0; i < (whole ? 1 : rows); ++i) {
    args.x = x.at(i, 0);
    args.y = y.at(i, 0);
    pewter::cpu::softmax(args);
  }
}

void log_softmax(const View& x, const View& y, size_t rows, size_t columns) {
  for (size_t i = 0; i < rows; ++i) {
    double top = -std::numeric_limits<double>::infinity(), sum = 0;
    for (size_t j = 0; j < columns; ++j) top = std::max(top, x.get(i, j));
    for (size_t j = 0; j < columns; ++j) sum += std::exp(x.get(i, j) - top);
    for (size_t j = 0; j < columns; ++j) y.set(i, j, x.get(i, j) - top - std::log(sum));
  }
}

void gradient_rows(const View& g, const View& y, const View& dx, size_t rows, size_t columns,
                   bool logarithm) {
  for (size_t i = 0; i < rows; ++i) {
    double sum = 0;
    for (size_t j = 0; j < columns; ++j) sum += g.get(i, j) * (logarithm ? 1 : y.get(i, j));
    for (size_t j = 0; j < columns; ++j) {
      const double value =
          logarithm ? g.get(i, j) - std::exp(y.get(i, j)) * sum : y.get(i, j) * (g.get(i, j) - sum);
      dx.set(i, j, value);
    }
  }
}

}  // namespace

void SoftMax::encode(id command_buffer, Matrix* input, Matrix* result) {
  CommandBuffer* to = target(command_buffer);
  const char* file = "MPSMatrixSoftMax.mm";
  if (validates()) {
    if (!input || !result) refuse(file, 120, "inputMatrix and resultMatrix may not be nil.");
    if (!is_float(input->type) || input->type != result->type) {
      refuse(file, 130,
             "Input and result data types must be equal and one of MPSDataTypeFloat32 or "
             "MPSDataTypeFloat16.");
    }
  }
  reads(to, input);
  writes(to, result);
  const size_t rows = clamp(source_rows, input->rows, source_origin.x);
  const size_t columns = clamp(source_columns, input->columns, source_origin.y);
  if (validates() &&
      (result_origin.x + rows > result->rows || result_origin.y + columns > result->columns)) {
    refuse(file, 140, "Result matrix is too small.");
  }
  const size_t n = batch_count(batch_start, batch_size, {input->matrices, result->matrices});
  for (size_t i = batch_start; i < batch_start + n; ++i) {
    const View x = input->view(i, source_origin.x, source_origin.y);
    const View y = result->view(i, result_origin.x, result_origin.y);
    to->encode([x, y, rows, columns, use_log = logarithm]() -> Result {
      if (rows && columns)
        use_log ? log_softmax(x, y, rows, columns) : plain_softmax(x, y, rows, columns);
      return {};
    });
  }
}

void SoftMaxGradient::encode(id command_buffer, Matrix* gradient, Matrix* forward_output,
                             Matrix* result) {
  CommandBuffer* to = target(command_buffer);
  const char* file = "MPSMatrixSoftMax.mm";
  if (validates()) {
    if (!gradient || !forward_output || !result)
      refuse(file, 320, "gradientMatrix, forwardOutputMatrix and resultMatrix may not be nil.");
    if (!is_float(gradient->type) || gradient->type != forward_output->type ||
        gradient->type != result->type) {
      refuse(file, 330,
             "Data types must be equal and one of MPSDataTypeFloat32 or MPSDataTypeFloat16.");
    }
  }
  reads(to, gradient);
  reads(to, forward_output);
  writes(to, result);
  const size_t rows = std::min(clamp(source_rows, gradient->rows, primary_origin.x),
                               clamp(source_rows, forward_output->rows, secondary_origin.x));
  const size_t columns =
      std::min(clamp(source_columns, gradient->columns, primary_origin.y),
               clamp(source_columns, forward_output->columns, secondary_origin.y));
  if (validates() &&
      (result_origin.x + rows > result->rows || result_origin.y + columns > result->columns)) {
    refuse(file, 340, "Result matrix is too small.");
  }
  const size_t n = batch_count(batch_start, batch_size,
                               {gradient->matrices, forward_output->matrices, result->matrices});
  for (size_t i = batch_start; i < batch_start + n; ++i) {
    const View g = gradient->view(i, primary_origin.x, primary_origin.y);
    const View y = forward_output->view(i, secondary_origin.x, secondary_origin.y);
    const View dx = result->view(i, result_origin.x, result_origin.y);
    to->encode([=, use_log = logarithm]() -> Result {
      gradient_rows(g, y, dx, rows, columns, use_log);
      return {};
    });
  }
}

}  // namespace metal_sim
