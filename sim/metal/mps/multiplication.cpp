#include "sim/metal/mps/multiplication.h"

#include <vector>

#include "ops/matmul/gemm.h"
#include "sim/metal/checks.h"

namespace metal_sim {
namespace {

constexpr const char* kFile = "MPSMatrixMultiplication.mm";

// An operand as pewter's product takes it; integers become f32 in `room` first (exact: 16 bits).
pewter::GemmMatrix operand(const View& v, size_t rows, size_t columns, std::vector<float>& room) {
  pewter::GemmMatrix g;
  if (is_float(v.type) || v.type == DataType::bfloat16) {
    const auto stride = static_cast<int64_t>(v.row_bytes / size_of(v.type));
    g.data = v.data;
    g.dtype = v.type == DataType::float32   ? pewter::DType::f32
              : v.type == DataType::float16 ? pewter::DType::f16
                                            : pewter::DType::bf16;
    g.row_stride = v.transposed ? 1 : stride;
    g.column_stride = v.transposed ? stride : 1;
    return g;
  }
  room.resize(rows * columns);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) room[i * columns + j] = static_cast<float>(v.get(i, j));
  }
  g.data = room.data();
  g.row_stride = static_cast<int64_t>(columns);
  return g;
}

void gemm_into(const Product& p, float* c, int64_t stride) {
  std::vector<float> a_room, b_room;
  pewter::GemmArgs g{};
  g.m = static_cast<int64_t>(p.m);
  g.n = static_cast<int64_t>(p.n);
  g.n_terms = 1;
  g.terms[0].a = operand(p.a, p.m, p.k, a_room);
  g.terms[0].b = operand(p.b, p.k, p.n, b_room);
  g.terms[0].k = static_cast<int64_t>(p.k);
  g.c = c;
  g.c_stride = stride;
  pewter::cpu::gemm(g);
}

bool overlap(const View& x, size_t x_rows, const View& y, size_t y_rows) {
  return x.data < y.data + y_rows * y.row_bytes && y.data < x.data + x_rows * x.row_bytes;
}

}  // namespace

void run_product(const Product& p) {
  if (p.m == 0 || p.n == 0) return;
  const bool in_place = p.alpha == 1 && p.beta == 0 && p.k > 0 && p.c.type == DataType::float32 &&
                        !p.c.transposed && p.c.row_bytes % sizeof(float) == 0 &&
                        !overlap(p.c, p.m, p.a, std::max(p.m, p.k)) &&
                        !overlap(p.c, p.m, p.b, std::max(p.n, p.k));
  if (in_place) {
    return gemm_into(p, reinterpret_cast<float*>(p.c.data),
                     static_cast<int64_t>(p.c.row_bytes / sizeof(float)));
  }
  std::vector<float> sums(p.m * p.n);
  if (p.k > 0) gemm_into(p, sums.data(), static_cast<int64_t>(p.n));
  const auto alpha = static_cast<float>(p.alpha), beta = static_cast<float>(p.beta);
  for (size_t i = 0; i < p.m; ++i) {
    for (size_t j = 0; j < p.n; ++j) {
      float value = alpha * sums[i * p.n + j];
      if (beta != 0) value = std::fma(beta, static_cast<float>(p.c.get(i, j)), value);
      p.c.set(i, j, value);
    }
  }
}

Multiplication* Multiplication::init_full(Device* d, bool left, bool right, unsigned long m,
                                          unsigned long n, unsigned long k, double a, double b) {
  init_device(d);
  transpose_left = left;
  transpose_right = right;
  rows = m;
  columns = n;
  interior = k;
  alpha = a;
  beta = b;
  return this;
}
Multiplication* Multiplication::init_short(Device* d, unsigned long m, unsigned long n,
                                           unsigned long k) {
  return init_full(d, false, false, m, n, k, 1, 0);
}
Multiplication* Multiplication::refuse_init(Device*) {
  refuse(kFile, 3100,
         "[MPSMatrixMultiplication initWithDevice:] is unavailable: use "
         "initWithDevice:resultRows:resultColumns:interiorColumns:");
}

void Multiplication::check(Matrix* left, Matrix* right, Matrix* result) const {
  if (!left || !right || !result)
    refuse(kFile, 3230, "leftMatrix, rightMatrix and resultMatrix may not be nil.");
  const auto too_big = [&](int line, const char* what, const char* where, const char* whose) {
    refuse(kFile, line,
           std::string("Number of requested ") + what + " in " + where + " exceeds " + whose +
               " matrix size.");
  };
  if (result_origin.x + rows > result->rows) too_big(3240, "rows", "result", "result");
  if (result_origin.y + columns > result->columns) too_big(3241, "columns", "result", "result");
  const DataType a = left->type, b = right->type, c = result->type;
  if (a != b && !(a == DataType::float32 && b == DataType::float16 && c == DataType::float32)) {
    refuse(kFile, 3250,
           "Mixed input matrix multiplication is only supported when A.dataType == C.dataType == "
           "MPSDataTypeFloat32 and B.dataType == MPSDataTypeFloat16.");
  }
  if (!is_float(a) && a != DataType::int8 && a != DataType::int16) {
    refuse(kFile, 3260,
           "Input data type must be one of MPSDataTypeFloat32, MPSDataTypeFloat16, "
           "MPSDataTypeInt8, or "
           "MPSDataTypeInt16.");
  }
  const bool result_fits =
      c == DataType::float32 ||
      (c == DataType::float16 && (a == DataType::float16 || a == DataType::int8));
  if (!result_fits)
    refuse(kFile, 3266, "Result data type is not supported for this input data type.");
  const size_t left_rows = transpose_left ? interior : rows,
               left_columns = transpose_left ? rows : interior;
  if (left_origin.x + left_rows > left->rows)
    too_big(3274, "rows", "left input matrix", "left input");
  if (left_origin.y + left_columns > left->columns)
    too_big(3275, "columns", "left input matrix", "left input");
  const size_t right_rows = transpose_right ? columns : interior,
               right_columns = transpose_right ? interior : columns;
  if (right_origin.x + right_rows > right->rows)
    too_big(3280, "rows", "right input matrix", "right input");
  if (right_origin.y + right_columns > right->columns)
    too_big(3281, "columns", "right input matrix", "right input");
  if (left_origin.z || right_origin.z || result_origin.z)
    refuse(kFile, 3285, "The z component of a matrix origin must be 0.");
}

void Multiplication::encode(id command_buffer, Matrix* left, Matrix* right, Matrix* result) {
  CommandBuffer* to = target(command_buffer);
  if (validates()) check(left, right, result);
  reads(to, left);
  reads(to, right);
  writes(to, result);
  const size_t n =
      batch_count(batch_start, batch_size, {left->matrices, right->matrices, result->matrices});
  for (size_t i = batch_start; i < batch_start + n; ++i) {
    Product p;
    p.a = left->view(i, left_origin.x, left_origin.y);
    p.b = right->view(i, right_origin.x, right_origin.y);
    p.c = result->view(i, result_origin.x, result_origin.y);
    p.a.transposed = transpose_left;
    p.b.transposed = transpose_right;
    p.m = rows;
    p.n = columns;
    p.k = interior;
    p.alpha = alpha;
    p.beta = beta;
    to->encode([p]() -> Result {
      run_product(p);
      return {};
    });
  }
}

VectorMultiplication* VectorMultiplication::init_full(Device* d, bool t, unsigned long m,
                                                      unsigned long n, double a, double b) {
  init_device(d);
  transpose = t;
  rows = m;
  columns = n;
  alpha = a;
  beta = b;
  return this;
}
VectorMultiplication* VectorMultiplication::init_short(Device* d, unsigned long m,
                                                       unsigned long n) {
  return init_full(d, false, m, n, 1, 0);
}
VectorMultiplication* VectorMultiplication::refuse_init(Device*) {
  refuse("MPSMatrixVectorMultiplication.mm", 100,
         "[MPSMatrixVectorMultiplication initWithDevice:] is unavailable: use "
         "initWithDevice:rows:columns:");
}

void VectorMultiplication::check(Matrix* matrix, Vector* x, Vector* y) const {
  const char* file = "MPSMatrixVectorMultiplication.mm";
  if (!matrix || !x || !y)
    refuse(file, 200, "inputMatrix, inputVector and resultVector may not be nil.");
  const size_t stored_rows = transpose ? columns : rows,
               stored_columns = transpose ? rows : columns;
  if (primary_origin.x + stored_rows > matrix->rows)
    refuse(file, 210, "Number of requested rows exceeds input matrix size.");
  if (primary_origin.y + stored_columns > matrix->columns)
    refuse(file, 212, "Number of requested columns exceeds input matrix size.");
  if (secondary_origin.x + columns > x->length)
    refuse(file, 214, "Number of requested columns exceeds input vector size.");
  if (result_origin.x + rows > y->length)
    refuse(file, 216, "Number of requested rows exceeds result vector size.");
  const bool fits = is_float(matrix->type) && x->type == matrix->type &&
                    (y->type == matrix->type || y->type == DataType::float32);
  if (!fits)
    refuse(file, 220,
           "Data types must be MPSDataTypeFloat32 or MPSDataTypeFloat16, and the same for matrix "
           "and vector.");
}

void VectorMultiplication::encode(id command_buffer, Matrix* matrix, Vector* x, Vector* y) {
  CommandBuffer* to = target(command_buffer);
  if (validates()) check(matrix, x, y);
  reads(to, matrix);
  reads(to, x);
  writes(to, y);
  const size_t n = batch_count(batch_start, batch_size, {matrix->matrices, x->vectors, y->vectors});
  for (size_t i = batch_start; i < batch_start + n; ++i) {
    Product p;
    p.a = matrix->view(i, primary_origin.x, primary_origin.y);
    p.a.transposed = transpose;
    p.b = x->view(i, secondary_origin.x);
    p.b.transposed = true;  // a vector lies in memory as one row
    p.c = y->view(i, result_origin.x);
    p.c.transposed = true;
    p.m = rows;
    p.n = 1;
    p.k = columns;
    p.alpha = alpha;
    p.beta = beta;
    to->encode([p]() -> Result {
      run_product(p);
      return {};
    });
  }
}

}  // namespace metal_sim
