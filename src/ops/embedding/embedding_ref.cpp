// The definition. Sums of the backward pass are kept in double for one column at a time.
#include <vector>

#include "embedding.h"
#include "ops/kernels.h"

namespace pewter::ref {

void embedding(const EmbeddingArgs& a) {
  check_ids(a.ids, a.count, a.vocabulary);
  const int64_t row_bytes = byte_size(a.dtype, a.columns);
  for (int64_t i = 0; i < a.count; ++i) {
    if (is_quantised(a.dtype)) {
      dequantise(a.dtype, static_cast<const char*>(a.table) + a.ids[i] * row_bytes, a.columns,
                 static_cast<float*>(a.y) + i * a.columns);
    } else {
      for (int64_t j = 0; j < a.columns; ++j) {
        store_element(a.dtype, a.y, i * a.columns + j,
                      load_element(a.dtype, a.table, a.ids[i] * a.columns + j));
      }
    }
  }
}

void embedding_backward(const EmbeddingBackwardArgs& a) {
  check_ids(a.ids, a.count, a.vocabulary);
  for (int64_t j = 0; j < a.columns; ++j) {
    std::vector<double> sums(static_cast<size_t>(a.vocabulary));
    for (int64_t i = 0; i < a.count; ++i) {
      sums[static_cast<size_t>(a.ids[i])] += load_element(a.dtype, a.dy, i * a.columns + j);
    }
    for (int64_t v = 0; v < a.vocabulary; ++v) {
      a.dtable[v * a.columns + j] = static_cast<float>(sums[static_cast<size_t>(v)]);
    }
  }
}

}  // namespace pewter::ref
