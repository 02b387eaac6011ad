#include "sim/metal/mps/factor.h"

#include <algorithm>
#include <cmath>

namespace metal_sim {
namespace {

enum FactorStatus : int { kSuccess = 0, kFailure = -1, kSingular = -2, kNonPositiveDefinite = -3 };

// A square or rectangular matrix of doubles, row by row.
struct Dense {
  size_t rows, columns;
  std::vector<double> values;
  Dense(const View& v, size_t r, size_t c) : rows(r), columns(c), values(r * c) {
    for (size_t i = 0; i < r; ++i) {
      for (size_t j = 0; j < c; ++j) at(i, j) = v.get(i, j);
    }
  }
  double& at(size_t i, size_t j) { return values[i * columns + j]; }
  void store(const View& v) {
    for (size_t i = 0; i < rows; ++i) {
      for (size_t j = 0; j < columns; ++j) v.set(i, j, at(i, j));
    }
  }
};

int lu(Dense& a, std::vector<size_t>& pivots) {
  int status = kSuccess;
  const size_t steps = std::min(a.rows, a.columns);
  pivots.resize(steps);
  for (size_t k = 0; k < steps; ++k) {
    size_t best = k;
    for (size_t i = k + 1; i < a.rows; ++i) {
      if (std::abs(a.at(i, k)) > std::abs(a.at(best, k))) best = i;
    }
    pivots[k] = best;
    for (size_t j = 0; best != k && j < a.columns; ++j) std::swap(a.at(k, j), a.at(best, j));
    if (a.at(k, k) == 0) {
      status = kSingular;
      continue;
    }
    for (size_t i = k + 1; i < a.rows; ++i) {
      const double f = a.at(i, k) /= a.at(k, k);
      for (size_t j = k + 1; j < a.columns; ++j) a.at(i, j) -= f * a.at(k, j);
    }
  }
  return status;
}

// The lower factor in the lower triangle, or its transpose in the upper one.
int cholesky(Dense& a, bool lower) {
  const auto entry = [&](size_t i, size_t j) -> double& { return lower ? a.at(i, j) : a.at(j, i); };
  for (size_t j = 0; j < a.rows; ++j) {
    double d = entry(j, j);
    for (size_t k = 0; k < j; ++k) d -= entry(j, k) * entry(j, k);
    if (!(d > 0)) return kNonPositiveDefinite;
    entry(j, j) = std::sqrt(d);
    for (size_t i = j + 1; i < a.rows; ++i) {
      double s = entry(i, j);
      for (size_t k = 0; k < j; ++k) s -= entry(i, k) * entry(j, k);
      entry(i, j) = s / entry(j, j);
    }
  }
  return kSuccess;
}

// op(A) x = b for each column of b, in place; A triangular.
void triangular(Dense& a, Dense& b, bool upper, bool transpose, bool unit) {
  const size_t n = a.rows;
  const auto entry = [&](size_t i, size_t j) { return transpose ? a.at(j, i) : a.at(i, j); };
  const bool backward = upper != transpose;
  for (size_t c = 0; c < b.columns; ++c) {
    for (size_t step = 0; step < n; ++step) {
      const size_t i = backward ? n - 1 - step : step;
      double s = b.at(i, c);
      for (size_t k = backward ? i + 1 : 0; k < (backward ? n : i); ++k)
        s -= entry(i, k) * b.at(k, c);
      b.at(i, c) = unit ? s : s / entry(i, i);
    }
  }
}

void set_status(Buffer* status, int value) {
  if (status) std::memcpy(status->memory, &value, sizeof value);
}

void check_float(const MpsKernel& kernel, const char* file,
                 std::initializer_list<Matrix*> matrices) {
  if (!kernel.validates()) return;
  for (Matrix* m : matrices) {
    if (!m) kernel.refuse(file, 100, "matrices may not be nil.");
    if (!is_float(m->type))
      kernel.refuse(file, 110, "Data types must be MPSDataTypeFloat32 or MPSDataTypeFloat16.");
  }
}

}  // namespace

LuDecomposition* LuDecomposition::init_full(Device* d, unsigned long m, unsigned long n) {
  init_device(d);
  rows = m;
  columns = n;
  return this;
}
void LuDecomposition::encode(id command_buffer, Matrix* source, Matrix* result, Matrix* pivots,
                             Buffer* status) {
  CommandBuffer* to = target(command_buffer);
  check_float(*this, "MPSMatrixDecomposition.mm", {source, result});
  if (validates() && (!pivots || pivots->type != DataType::uint32)) {
    refuse("MPSMatrixDecomposition.mm", 120, "pivotIndices must be a matrix of MPSDataTypeUInt32.");
  }
  reads(to, source);
  writes(to, result);
  writes(to, pivots);
  to->keep(status);
  to->writes(status);
  const size_t n =
      batch_count(batch_start, batch_size, {source->matrices, result->matrices, pivots->matrices});
  for (size_t i = batch_start; i < batch_start + n; ++i) {
    const View a = source->view(i, source_origin.x, source_origin.y),
               y = result->view(i, result_origin.x, result_origin.y);
    const View p = pivots->view(i);
    to->encode([=, m = rows, k = columns]() -> Result {
      Dense work(a, m, k);
      std::vector<size_t> order;
      set_status(status, lu(work, order));
      work.store(y);
      for (size_t j = 0; j < order.size(); ++j) p.set(0, j, static_cast<double>(order[j]));
      return {};
    });
  }
}

CholeskyDecomposition* CholeskyDecomposition::init_full(Device* d, bool l, unsigned long n) {
  init_device(d);
  lower = l;
  order = n;
  return this;
}
void CholeskyDecomposition::encode(id command_buffer, Matrix* source, Matrix* result,
                                   Buffer* status) {
  CommandBuffer* to = target(command_buffer);
  check_float(*this, "MPSMatrixDecomposition.mm", {source, result});
  reads(to, source);
  writes(to, result);
  to->keep(status);
  to->writes(status);
  const size_t n = batch_count(batch_start, batch_size, {source->matrices, result->matrices});
  for (size_t i = batch_start; i < batch_start + n; ++i) {
    const View a = source->view(i, source_origin.x, source_origin.y),
               y = result->view(i, result_origin.x, result_origin.y);
    to->encode([=, size = order, low = lower]() -> Result {
      Dense work(a, size, size);
      set_status(status, cholesky(work, low));
      work.store(y);
      return {};
    });
  }
}

TriangularSolve* TriangularSolve::init_full(Device* d, bool r, bool u, bool t, bool one,
                                            unsigned long n, unsigned long m, double a) {
  init_device(d);
  right = r;
  upper = u;
  transpose = t;
  unit = one;
  order = n;
  count = m;
  alpha = a;
  return this;
}
void TriangularSolve::encode(id command_buffer, Matrix* source, Matrix* right_hand_side,
                             Matrix* solution) {
  CommandBuffer* to = target(command_buffer);
  check_float(*this, "MPSMatrixSolve.mm", {source, right_hand_side, solution});
  reads(to, source);
  reads(to, right_hand_side);
  writes(to, solution);
  const size_t n = batch_count(batch_start, batch_size,
                               {source->matrices, right_hand_side->matrices, solution->matrices});
  for (size_t i = batch_start; i < batch_start + n; ++i) {
    const View a = source->view(i, primary_origin.x, primary_origin.y);
    View b = right_hand_side->view(i, secondary_origin.x, secondary_origin.y),
         x = solution->view(i, result_origin.x, result_origin.y);
    // X op(A) = B is op(A)^T X^T = B^T.
    b.transposed = x.transposed = right;
    to->encode([=, up = upper, flip = transpose != right, one = unit, size = order, columns = count,
                scale = alpha]() -> Result {
      Dense triangle(a, size, size), work(b, size, columns);
      for (double& value : work.values) value *= scale;
      triangular(triangle, work, up, flip, one);
      work.store(x);
      return {};
    });
  }
}

LuSolve* LuSolve::init_full(Device* d, bool t, unsigned long n, unsigned long m) {
  init_device(d);
  transpose = t;
  order = n;
  count = m;
  return this;
}
void LuSolve::encode(id command_buffer, Matrix* source, Matrix* right_hand_side, Matrix* pivots,
                     Matrix* solution) {
  CommandBuffer* to = target(command_buffer);
  check_float(*this, "MPSMatrixSolve.mm", {source, right_hand_side, solution});
  for (Matrix* m : {source, right_hand_side, pivots}) reads(to, m);
  writes(to, solution);
  const View a = source->view(batch_start, primary_origin.x, primary_origin.y);
  const View b = right_hand_side->view(batch_start, secondary_origin.x, secondary_origin.y);
  const View x = solution->view(batch_start, result_origin.x, result_origin.y),
             p = pivots->view(batch_start);
  to->encode([=, flip = transpose, size = order, columns = count]() -> Result {
    Dense factors(a, size, size), work(b, size, columns);
    const auto exchange = [&](size_t i) {
      const auto other = static_cast<size_t>(p.get(0, i));
      for (size_t c = 0; c < columns; ++c) std::swap(work.at(i, c), work.at(other, c));
    };
    if (!flip) {
      for (size_t i = 0; i < size; ++i) exchange(i);
      triangular(factors, work, false, false, true);
      triangular(factors, work, true, false, false);
    } else {
      triangular(factors, work, true, true, false);
      triangular(factors, work, false, true, true);
      for (size_t i = size; i-- > 0;) exchange(i);
    }
    work.store(x);
    return {};
  });
}

CholeskySolve* CholeskySolve::init_full(Device* d, bool u, unsigned long n, unsigned long m) {
  init_device(d);
  upper = u;
  order = n;
  count = m;
  return this;
}
void CholeskySolve::encode(id command_buffer, Matrix* source, Matrix* right_hand_side,
                           Matrix* solution) {
  CommandBuffer* to = target(command_buffer);
  check_float(*this, "MPSMatrixSolve.mm", {source, right_hand_side, solution});
  reads(to, source);
  reads(to, right_hand_side);
  writes(to, solution);
  const View a = source->view(batch_start, primary_origin.x, primary_origin.y);
  const View b = right_hand_side->view(batch_start, secondary_origin.x, secondary_origin.y);
  const View x = solution->view(batch_start, result_origin.x, result_origin.y);
  to->encode([=, up = upper, size = order, columns = count]() -> Result {
    Dense factor(a, size, size), work(b, size, columns);
    triangular(factor, work, up, up, false);
    triangular(factor, work, up, !up, false);
    work.store(x);
    return {};
  });
}

}  // namespace metal_sim
