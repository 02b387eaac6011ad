#include "sim/metal/mps/dense.h"

#include <algorithm>
#include <cmath>

#include "sim/metal/mps/multiplication.h"

namespace metal_sim {
namespace {

View view_of(Vector* v) { return v ? v->view(0) : View{}; }

}  // namespace

void FullyConnected::encode(id command_buffer, Matrix* input, Matrix* weight, Vector* bias,
                            Matrix* result) {
  CommandBuffer* to = target(command_buffer);
  const char* file = "MPSMatrixFullyConnected.mm";
  if (validates()) {
    if (!input || !weight || !result)
      refuse(file, 100, "inputMatrix, weightMatrix and resultMatrix may not be nil.");
    if (!is_float(input->type) || !is_float(weight->type) || !is_float(result->type)) {
      refuse(file, 110, "Data types must be MPSDataTypeFloat32 or MPSDataTypeFloat16.");
    }
  }
  for (Storage* s :
       {static_cast<Storage*>(input), static_cast<Storage*>(weight), static_cast<Storage*>(bias)})
    reads(to, s);
  writes(to, result);
  Product p;
  p.m = clamp(vectors, input->rows, primary_origin.x);
  p.k = std::min({clamp(inputs, input->columns, primary_origin.y),
                  clamp(inputs, weight->rows, secondary_origin.x)});
  p.n = clamp(outputs, weight->columns, secondary_origin.y);
  p.alpha = alpha;
  if (validates() && bias && bias->length < p.n) refuse(file, 120, "Bias vector is too small.");
  const size_t n =
      batch_count(batch_start, batch_size, {input->matrices, weight->matrices, result->matrices});
  for (size_t i = batch_start; i < batch_start + n; ++i) {
    p.a = input->view(i, primary_origin.x, primary_origin.y);
    p.b = weight->view(i, secondary_origin.x, secondary_origin.y);
    p.c = result->view(i, result_origin.x, result_origin.y);
    to->encode([p, add = view_of(bias), f = neuron]() -> Result {
      run_product(p);
      for (size_t r = 0; (add || f.type) && r < p.m; ++r) {
        for (size_t c = 0; c < p.n; ++c) p.c.set(r, c, f.value(p.c.get(r, c) + bias_at(add, c), c));
      }
      return {};
    });
  }
}

void FullyConnectedGradient::encode_data(id command_buffer, Matrix* gradient, Matrix* weight,
                                         Matrix* result) {
  CommandBuffer* to = target(command_buffer);
  if (validates() && (!gradient || !weight || !result))
    refuse("MPSMatrixFullyConnected.mm", 200, "matrices may not be nil.");
  reads(to, gradient);
  reads(to, weight);
  writes(to, result);
  Product p;
  p.m = clamp(vectors, gradient->rows, primary_origin.x);
  p.k = std::min(clamp(outputs, gradient->columns, primary_origin.y),
                 clamp(outputs, weight->columns, secondary_origin.y));
  p.n = clamp(inputs, weight->rows, secondary_origin.x);
  p.alpha = alpha;
  p.a = gradient->view(batch_start, primary_origin.x, primary_origin.y);
  p.b = weight->view(batch_start, secondary_origin.x, secondary_origin.y);
  p.b.transposed = true;
  p.c = result->view(batch_start, result_origin.x, result_origin.y);
  to->encode([p]() -> Result {
    run_product(p);
    return {};
  });
}

void FullyConnectedGradient::encode_weights(id command_buffer, Matrix* gradient, Matrix* input,
                                            Matrix* weight_result, Vector* bias_result) {
  CommandBuffer* to = target(command_buffer);
  if (validates() && (!gradient || !input || !weight_result))
    refuse("MPSMatrixFullyConnected.mm", 240, "matrices may not be nil.");
  reads(to, gradient);
  reads(to, input);
  writes(to, weight_result);
  writes(to, bias_result);
  Product p;
  p.k = std::min(clamp(vectors, gradient->rows, primary_origin.x),
                 clamp(vectors, input->rows, secondary_origin.x));
  p.n = clamp(outputs, gradient->columns, primary_origin.y);
  p.m = clamp(inputs, input->columns, secondary_origin.y);
  p.alpha = alpha;
  p.a = input->view(batch_start, secondary_origin.x, secondary_origin.y);
  p.a.transposed = true;
  p.b = gradient->view(batch_start, primary_origin.x, primary_origin.y);
  p.c = weight_result->view(batch_start, result_origin.x, result_origin.y);
  to->encode([p, db = view_of(bias_result)]() -> Result {
    run_product(p);
    for (size_t c = 0; db && c < p.n; ++c) {
      double sum = 0;
      for (size_t r = 0; r < p.k; ++r) sum += p.b.get(r, c);
      db.set(0, c, sum);
    }
    return {};
  });
}

void BatchNormalization::encode(id command_buffer, Matrix* input, Vector* mean, Vector* variance,
                                Vector* gamma, Vector* beta, Matrix* result) {
  CommandBuffer* to = target(command_buffer);
  if (validates() && (!input || !mean || !variance || !result)) {
    refuse("MPSMatrixBatchNormalization.mm", 100,
           "inputMatrix, meanVector, varianceVector and resultMatrix may not be nil.");
  }
  reads(to, input);
  for (Vector* v : {gamma, beta}) reads(to, v);
  for (Vector* v : {mean, variance}) compute_statistics ? writes(to, v) : reads(to, v);
  writes(to, result);
  const size_t rows = clamp(vectors, input->rows, source_origin.x),
               columns = clamp(channels, input->columns, source_origin.y);
  const View x = input->view(batch_start, source_origin.x, source_origin.y),
             y = result->view(batch_start, result_origin.x, result_origin.y);
  const View m = mean->view(0), v = variance->view(0), g = view_of(gamma), b = view_of(beta);
  to->encode([=, f = neuron, eps = static_cast<double>(epsilon),
              measure = compute_statistics]() -> Result {
    for (size_t c = 0; c < columns; ++c) {
      if (measure && rows) {
        double sum = 0, squares = 0;
        for (size_t r = 0; r < rows; ++r) sum += x.get(r, c);
        const double average = sum / static_cast<double>(rows);
        for (size_t r = 0; r < rows; ++r)
          squares += (x.get(r, c) - average) * (x.get(r, c) - average);
        m.set(0, c, average);
        v.set(0, c, squares / static_cast<double>(rows));
      }
      const double scale = (g ? g.get(0, c) : 1) / std::sqrt(v.get(0, c) + eps);
      for (size_t r = 0; r < rows; ++r)
        y.set(r, c, f.value(scale * (x.get(r, c) - m.get(0, c)) + bias_at(b, c), c));
    }
    return {};
  });
}

void BatchNormalizationGradient::encode(id command_buffer, Matrix* gradient, Matrix* input,
                                        Vector* mean, Vector* variance, Vector* gamma, Vector* beta,
                                        Matrix* result, Vector* gamma_result, Vector* beta_result) {
  CommandBuffer* to = target(command_buffer);
  if (validates() && (!gradient || !input || !mean || !variance || !result)) {
    refuse("MPSMatrixBatchNormalization.mm", 300,
           "gradientMatrix, inputMatrix, meanVector, varianceVector and "
           "resultGradientForDataMatrix may not be nil.");
  }
  for (Storage* s : {static_cast<Storage*>(gradient), static_cast<Storage*>(input),
                     static_cast<Storage*>(mean), static_cast<Storage*>(variance),
                     static_cast<Storage*>(gamma), static_cast<Storage*>(beta)}) {
    reads(to, s);
  }
  for (Storage* s : {static_cast<Storage*>(result), static_cast<Storage*>(gamma_result),
                     static_cast<Storage*>(beta_result)})
    writes(to, s);
  const size_t rows = std::min(clamp(vectors, gradient->rows, primary_origin.x),
                               clamp(vectors, input->rows, secondary_origin.x));
  const size_t columns = std::min(clamp(channels, gradient->columns, primary_origin.y),
                                  clamp(channels, input->columns, secondary_origin.y));
  const View dy = gradient->view(batch_start, primary_origin.x, primary_origin.y),
             x = input->view(batch_start, secondary_origin.x, secondary_origin.y);
  const View dx = result->view(batch_start, result_origin.x, result_origin.y), m = mean->view(0),
             v = variance->view(0);
  const View g = view_of(gamma), b = view_of(beta), dg = view_of(gamma_result),
             db = view_of(beta_result);
  to->encode([=, f = neuron, eps = static_cast<double>(epsilon)]() -> Result {
    for (size_t c = 0; c < columns; ++c) {
      const double inverse = 1 / std::sqrt(v.get(0, c) + eps), scale = g ? g.get(0, c) : 1;
      const auto hat = [&](size_t r) { return (x.get(r, c) - m.get(0, c)) * inverse; };
      const auto d = [&](size_t r) {
        return dy.get(r, c) * f.slope(scale * hat(r) + bias_at(b, c), c);
      };
      double sum = 0, with_x = 0;
      for (size_t r = 0; r < rows; ++r) {
        sum += d(r);
        with_x += d(r) * hat(r);
      }
      if (dg) dg.set(0, c, with_x);
      if (db) db.set(0, c, sum);
      const auto n = static_cast<double>(rows);
      for (size_t r = 0; r < rows; ++r)
        dx.set(r, c, scale * inverse * (d(r) - sum / n - hat(r) * with_x / n));
    }
    return {};
  });
}

}  // namespace metal_sim
