// Rows are copied; backwards each thread owns a range of columns and goes through all ids in order,
// so that no two threads meet in a row and a sum's order is the ids' order.
#include <algorithm>
#include <cstring>

#include "device/cpu/thread_pool.h"
#include "embedding.h"
#include "ops/kernels.h"

namespace pewter::cpu {

void embedding(const EmbeddingArgs& a) {
  check_ids(a.ids, a.count, a.vocabulary);
  const int64_t row_bytes = byte_size(a.dtype, a.columns);
  parallel_ranges(a.count, 8192 / (a.columns + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const char* row = static_cast<const char*>(a.table) + a.ids[i] * row_bytes;
      if (is_quantised(a.dtype)) {
        dequantise(a.dtype, row, a.columns, static_cast<float*>(a.y) + i * a.columns);
      } else {
        std::memcpy(static_cast<char*>(a.y) + i * row_bytes, row, static_cast<size_t>(row_bytes));
      }
    }
  });
}

void embedding_backward(const EmbeddingBackwardArgs& a) {
  check_ids(a.ids, a.count, a.vocabulary);
  parallel_ranges(a.vocabulary, 16384 / (a.columns + 1) + 1, [&](int64_t begin, int64_t end) {
    std::fill(a.dtable + begin * a.columns, a.dtable + end * a.columns, 0.0f);
  });
  with_float_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    const auto* dy = static_cast<const T*>(a.dy);
    parallel_ranges(a.columns, std::max<int64_t>(16, 16384 / (a.count + 1)),
                    [&](int64_t begin, int64_t end) {
                      for (int64_t i = 0; i < a.count; ++i) {
                        float* row = a.dtable + a.ids[i] * a.columns;
                        const T* from = dy + i * a.columns;
                        for (int64_t j = begin; j < end; ++j) row[j] += to_float(from[j]);
                      }
                    });
  });
}

}  // namespace pewter::cpu
