// What a pack promises, on random documents: begun alike or not, of every length, counted anywhere.
#include <algorithm>

#include "support/property.h"
#include "train/packing.h"

namespace pewter {
namespace {

using test::any_of;

// Few different tokens and a shared opening, so that much is the same; often nothing counts.
Document any_document(int64_t longest) {
  Document d;
  const int64_t size = any_of(2, longest), opening = any_of(0, size);
  for (int64_t i = 0; i < size; ++i) {
    d.ids.push_back(static_cast<int32_t>(i < opening ? i : any_of(0, 2)));
    d.counted.push_back(static_cast<uint8_t>(i >= opening && any_of(0, 2) > 0));
  }
  return d;
}

// The rows that document `piece` reads, its i-th token at the i-th of them.
void assert_readable(const PackedRow& row, const PackedRow::Piece& piece, float weight) {
  const Document& d = *piece.document;
  RC_ASSERT(piece.tokens == d.size() - 1);
  for (int64_t i = 0; i < piece.tokens; ++i) {
    const auto key = static_cast<size_t>(piece.first_key + i);
    RC_ASSERT(key < row.key_rows.size());
    const auto at = static_cast<size_t>(row.key_rows[key]);
    RC_ASSERT(row.ids[at] == d.ids[static_cast<size_t>(i)]);
    RC_ASSERT(row.positions[at] == i);
    // It sees its document up to itself, in order, and nothing else.
    RC_ASSERT(row.key_end[at] - row.key_begin[at] == i + 1);
    for (int64_t k = 0; k <= i; ++k) {
      const auto seen = static_cast<size_t>(row.key_begin[at] + k);
      RC_ASSERT(row.ids[static_cast<size_t>(row.key_rows[seen])] == d.ids[static_cast<size_t>(k)]);
    }
    const bool counts = d.counted[static_cast<size_t>(i) + 1] != 0;
    RC_ASSERT(row.weights[at] == (counts ? weight : 0.0f));
    RC_ASSERT(row.targets[at] == (counts ? d.ids[static_cast<size_t>(i) + 1] : 0));
  }
}

TEST(Packing, AnyDocumentsAreAllThere) {
  EXPECT_PROPERTY("every document is packed once, whole and alone", [] {
    const int64_t longest = any_of(2, 14);
    std::vector<Document> documents(static_cast<size_t>(any_of(0, 12)));
    std::vector<const Document*> pointers;
    int64_t counted = 0, tokens = 0;
    for (Document& d : documents) {
      d = any_document(longest);
      pointers.push_back(&d);
      tokens += d.size();
      for (int64_t i = 1; i < d.size(); ++i) counted += d.counted[static_cast<size_t>(i)];
    }
    const PackOptions options{longest + any_of(0, 20), 0.25f, any_of(0, 3) > 0};
    std::vector<const Document*> packed;
    for (const PackedRow& row : pack(pointers, options)) {
      RC_ASSERT(row.tokens() <= options.seq_len);
      RC_ASSERT(options.share || !row.shares());
      counted -= row.counted, tokens -= row.document_tokens;
      RC_ASSERT(std::ranges::count_if(row.weights, [](float w) { return w > 0; }) == row.counted);
      for (const PackedRow::Piece& piece : row.pieces) {
        assert_readable(row, piece, options.weight);
        packed.push_back(piece.document);
      }
    }
    RC_ASSERT(counted == 0);
    RC_ASSERT(tokens == 0);
    std::ranges::sort(packed);
    std::ranges::sort(pointers);
    RC_ASSERT(packed == pointers);
  });
}

}  // namespace
}  // namespace pewter
