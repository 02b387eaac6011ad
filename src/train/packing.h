// Documents packed into rows, so that no time goes into padding. Attention does not cross from one
// document to another, and positions begin anew in each.
//
// Documents that begin alike (a system message, a template's opening) share the tokens of that
// beginning: they are computed once, and every document's keys are a list of rows, its own and the
// shared ones. Keys are visited in the list's order, so a token's hidden state has the same bits as
// when its document stands alone, and the gradient that reaches a shared token is the sum over the
// documents. Only tokens without a loss term are shared. The last token of a document predicts
// nothing and is left out.
#pragma once

#include <span>
#include <vector>

#include "model/decoder.h"
#include "train/tokenise.h"

namespace pewter {

struct PackedRow {
  // A document: its tokens are at rows[key_rows[first_key]], rows[key_rows[first_key + 1]], ...
  struct Piece {
    const Document* document = nullptr;
    int64_t first_key = 0;
    int64_t tokens = 0;
  };

  std::vector<int32_t> ids, positions, key_begin, key_end;  // [T]
  std::vector<int32_t> key_rows;                            // [S], rows of this pack
  std::vector<int32_t> targets;                             // [T]; 0 where weights is 0
  std::vector<float> weights;                               // [T]
  std::vector<Piece> pieces;
  int64_t document_tokens = 0;  // of the whole documents
  int64_t counted = 0;          // rows with a weight

  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
  bool shares() const { return key_rows.size() != ids.size(); }
};

struct PackOptions {
  int64_t seq_len = 512;  // most tokens computed in a row; a document must not be longer
  float weight = 1;       // of every counted token
  bool share = true;
};
// Rows that hold all `documents`, which are taken in the order of their tokens.
std::vector<PackedRow> pack(std::span<const Document* const> documents, const PackOptions& options);

// The tensors of one row, as Decoder::hidden takes them.
struct RowTensors {
  Tensor ids;  // i32 [1, T]
  Placement where;
};
RowTensors to_tensors(const PackedRow& row, Device device);

}  // namespace pewter
