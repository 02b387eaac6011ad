#include "sim/metal/mps/neuron.h"

#include <algorithm>
#include <cmath>

namespace metal_sim {
namespace {

enum Type {
  kNone,
  kRelu,
  kLinear,
  kSigmoid,
  kHardSigmoid,
  kTanh,
  kAbsolute,
  kSoftPlus,
  kSoftSign,
  kElu,
  kPRelu,
  kReluN,
  kPower,
  kExponential,
  kLogarithm,
  kGelu,
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double normal_cdf(double x) { return 0.5 * (1 + std::erf(x * std::sqrt(0.5))); }

}  // namespace

double Neuron::value(double x, size_t channel) const {
  switch (type) {
    case kRelu:
      return x >= 0 ? x : a * x;
    case kLinear:
      return a * x + b;
    case kSigmoid:
      return sigmoid(x);
    case kHardSigmoid:
      return std::clamp(a * x + b, 0.0, 1.0);
    case kTanh:
      return a * std::tanh(b * x);
    case kAbsolute:
      return std::abs(x);
    case kSoftPlus:
      return a * std::log(1 + std::exp(b * x));
    case kSoftSign:
      return x / (1 + std::abs(x));
    case kElu:
      return x >= 0 ? x : a * (std::exp(x) - 1);
    case kPRelu:
      return x >= 0 ? x : (channel < per_channel.size() ? per_channel[channel] : 0) * x;
    case kReluN:
      return std::min<double>(x >= 0 ? x : a * x, b);
    case kPower:
      return std::pow(a * x + b, c);
    case kExponential:
      return std::pow(c, a * x + b);
    case kLogarithm:
      return std::log(a * x + b) / std::log(c);
    case kGelu:
      return x * normal_cdf(x);
    default:
      return x;
  }
}

double Neuron::slope(double x, size_t channel) const {
  switch (type) {
    case kRelu:
      return x >= 0 ? 1 : a;
    case kLinear:
      return a;
    case kSigmoid:
      return sigmoid(x) * (1 - sigmoid(x));
    case kHardSigmoid:
      return a * x + b > 0 && a * x + b < 1 ? a : 0;
    case kTanh:
      return a * b * (1 - std::tanh(b * x) * std::tanh(b * x));
    case kAbsolute:
      return x >= 0 ? 1 : -1;
    case kSoftPlus:
      return a * b * sigmoid(b * x);
    case kSoftSign:
      return 1 / ((1 + std::abs(x)) * (1 + std::abs(x)));
    case kElu:
      return x >= 0 ? 1 : a * std::exp(x);
    case kPRelu:
      return x >= 0 ? 1 : channel < per_channel.size() ? per_channel[channel] : 0;
    case kReluN:
      return value(x, channel) >= b ? 0 : x >= 0 ? 1 : a;
    case kPower:
      return a * c * std::pow(a * x + b, c - 1);
    case kExponential:
      return a * std::log(c) * std::pow(c, a * x + b);
    case kLogarithm:
      return a / ((a * x + b) * std::log(c));
    case kGelu:
      return normal_cdf(x) + x * std::exp(-0.5 * x * x) / std::sqrt(2 * M_PI);
    default:
      return 1;
  }
}

void MatrixNeuron::encode(id command_buffer, Matrix* input, Vector* bias, Matrix* result) {
  CommandBuffer* to = target(command_buffer);
  if (validates()) {
    if (!input || !result)
      refuse("MPSMatrixNeuron.mm", 100, "inputMatrix and resultMatrix may not be nil.");
    if (!is_float(input->type) || input->type != result->type) {
      refuse("MPSMatrixNeuron.mm", 110,
             "Data types must be equal and one of MPSDataTypeFloat32 or MPSDataTypeFloat16.");
    }
  }
  reads(to, input);
  reads(to, bias);
  writes(to, result);
  const size_t rows = clamp(vectors, input->rows, source_origin.x);
  const size_t columns = clamp(channels, input->columns, source_origin.y);
  if (validates() && bias && bias->length < columns)
    refuse("MPSMatrixNeuron.mm", 120, "Bias vector is too small.");
  const size_t n = batch_count(batch_start, batch_size, {input->matrices, result->matrices});
  for (size_t i = batch_start; i < batch_start + n; ++i) {
    const View x = input->view(i, source_origin.x, source_origin.y);
    const View y = result->view(i, result_origin.x, result_origin.y);
    const View add = bias ? bias->view(0) : View{};
    to->encode([=, f = neuron, scale = alpha]() -> Result {
      for (size_t r = 0; r < rows; ++r) {
        for (size_t c = 0; c < columns; ++c)
          y.set(r, c, f.value(scale * x.get(r, c) + bias_at(add, c), c));
      }
      return {};
    });
  }
}

void MatrixNeuronGradient::encode(id command_buffer, Matrix* gradient, Matrix* input, Vector* bias,
                                  Matrix* result, Vector* bias_result) {
  CommandBuffer* to = target(command_buffer);
  if (validates() && (!gradient || !input || !result)) {
    refuse("MPSMatrixNeuron.mm", 200,
           "gradientMatrix, inputMatrix and resultGradientForDataMatrix may not be nil.");
  }
  reads(to, gradient);
  reads(to, input);
  reads(to, bias);
  writes(to, result);
  writes(to, bias_result);
  const size_t rows = std::min(clamp(vectors, gradient->rows, primary_origin.x),
                               clamp(vectors, input->rows, secondary_origin.x));
  const size_t columns = std::min(clamp(channels, gradient->columns, primary_origin.y),
                                  clamp(channels, input->columns, secondary_origin.y));
  const size_t n =
      batch_count(batch_start, batch_size, {gradient->matrices, input->matrices, result->matrices});
  for (size_t i = batch_start; i < batch_start + n; ++i) {
    const View g = gradient->view(i, primary_origin.x, primary_origin.y),
               x = input->view(i, secondary_origin.x, secondary_origin.y);
    const View dx = result->view(i, result_origin.x, result_origin.y);
    const View add = bias ? bias->view(0) : View{},
               db = bias_result ? bias_result->view(0) : View{};
    to->encode([=, f = neuron, scale = alpha]() -> Result {
      for (size_t c = 0; c < columns; ++c) {
        double sum = 0;
        for (size_t r = 0; r < rows; ++r) {
          const double d = g.get(r, c) * f.slope(scale * x.get(r, c) + bias_at(add, c), c);
          dx.set(r, c, scale * d);
          sum += d;
        }
        if (db) db.set(0, c, sum);
      }
      return {};
    });
  }
}

MatrixSum* MatrixSum::init_full(Device* d, unsigned long n, unsigned long m, unsigned long k,
                                bool t) {
  init_device(d);
  count = n;
  rows = m;
  columns = k;
  transpose = t;
  return this;
}

void MatrixSum::encode(id command_buffer, Array* sources, Matrix* result, Vector* scales,
                       Vector* offsets, Vector* bias, unsigned long start) {
  CommandBuffer* to = target(command_buffer);
  if (validates()) {
    if (!sources || !result)
      refuse("MPSMatrixSum.mm", 100, "sourceMatrices and resultMatrix may not be nil.");
    if (start > sources->items.size() || count > sources->items.size() - start) {
      refuse("MPSMatrixSum.mm", 110, "Not enough source matrices for count and startIndex.");
    }
    if (result_origin.x + rows > result->rows || result_origin.y + columns > result->columns) {
      refuse("MPSMatrixSum.mm", 120, "Result matrix is too small.");
    }
  }
  std::vector<View> terms;
  for (unsigned long i = start; i < start + count; ++i) {
    auto* m = static_cast<Matrix*>(sources->object_at(i));
    reads(to, m);
    terms.push_back(m->view(0));
  }
  for (Vector* v : {scales, offsets, bias}) reads(to, v);
  writes(to, result);
  const View y = result->view(0, result_origin.x, result_origin.y);
  const auto view_of = [](Vector* v) { return v ? v->view(0) : View{}; };
  const View scale = view_of(scales), offset = view_of(offsets), add = view_of(bias);
  to->encode(
      [=, this_rows = rows, this_columns = columns, flip = transpose, f = neuron]() -> Result {
        for (size_t r = 0; r < this_rows; ++r) {
          for (size_t c = 0; c < this_columns; ++c) {
            double sum = bias_at(add, c);
            for (size_t i = 0; i < terms.size(); ++i) {
              // A packed MPSMatrixOffset: row offset, then column offset, 32 bits each.
              const size_t row = offset ? load_as<uint32_t>(offset.data + i * 8) : 0;
              const size_t column = offset ? load_as<uint32_t>(offset.data + i * 8 + 4) : 0;
              const double x =
                  flip ? terms[i].get(row + c, column + r) : terms[i].get(row + r, column + c);
              sum += (scale ? scale.get(0, i) : 1) * x;
            }
            y.set(r, c, f.value(sum, c));
          }
        }
        return {};
      });
}

}  // namespace metal_sim
