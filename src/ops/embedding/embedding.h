// y[i] = table[ids[i]]: copied as it is, or dequantised (see dequantise() in pewter/dtype.h):
// exact. Ids are checked when the work runs, since a captured step reads them anew; an id outside
// the table is ErrorCode::argument and nothing is written. Backward: dtable[ids[i]] += dy[i] in
// f32, in the order of i.
#pragma once

#include "embedding_args.h"

namespace pewter {
void check_ids(const int32_t* ids, int64_t count, int64_t vocabulary);
namespace cpu {
void embedding(const EmbeddingArgs& args);
void embedding_backward(const EmbeddingBackwardArgs& args);
}  // namespace cpu
namespace ref {
void embedding(const EmbeddingArgs& args);
void embedding_backward(const EmbeddingBackwardArgs& args);
}  // namespace ref
}  // namespace pewter
