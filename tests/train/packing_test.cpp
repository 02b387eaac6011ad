// Packing as lists of numbers; that hidden states and losses agree is model_test.cpp's.
#include "train/packing.h"

#include <gtest/gtest.h>

namespace pewter {
namespace {

Document document(std::vector<int32_t> ids, std::vector<uint8_t> counted) {
  return {std::move(ids), std::move(counted), 0};
}

std::vector<PackedRow> pack_all(const std::vector<Document>& documents,
                                const PackOptions& options) {
  std::vector<const Document*> pointers;
  for (const Document& d : documents) pointers.push_back(&d);
  return pack(pointers, options);
}

using Ints = std::vector<int32_t>;

TEST(Packing, DocumentsStandApart) {
  const auto rows = pack_all({document({7, 8, 9}, {0, 1, 1}), document({5, 6}, {0, 1})},
                             {.seq_len = 8, .weight = 0.5f});
  ASSERT_EQ(rows.size(), 1u);
  const PackedRow& row = rows[0];
  EXPECT_EQ(row.ids, (Ints{5, 7, 8}));
  EXPECT_EQ(row.positions, (Ints{0, 0, 1}));
  EXPECT_EQ(row.key_begin, (Ints{0, 1, 1}));
  EXPECT_EQ(row.key_end, (Ints{1, 2, 3}));
  EXPECT_EQ(row.targets, (Ints{6, 8, 9}));
  EXPECT_EQ(row.weights, (std::vector<float>{0.5f, 0.5f, 0.5f}));
  EXPECT_FALSE(row.shares());
  EXPECT_EQ(row.document_tokens, 5);
  EXPECT_EQ(row.counted, 3);
}

TEST(Packing, UncountedTokensHaveNoWeight) {
  const auto rows = pack_all({document({1, 2, 3, 4}, {0, 0, 1, 0})}, {.weight = 1});
  EXPECT_EQ(rows[0].targets, (Ints{0, 3, 0}));
  EXPECT_EQ(rows[0].weights, (std::vector<float>{0, 1, 0}));
}

TEST(Packing, SharedBeginningsAreComputedOnce) {
  // Both begin 1 2 3; the row that reads 3 predicts a counted token, so it is not shared.
  const auto rows = pack_all(
      {document({1, 2, 3, 5, 6}, {0, 0, 0, 1, 1}), document({1, 2, 3, 4}, {0, 0, 0, 1})}, {});
  ASSERT_EQ(rows.size(), 1u);
  const PackedRow& row = rows[0];
  EXPECT_EQ(row.ids, (Ints{1, 2, 3, 3, 5}));
  EXPECT_EQ(row.positions, (Ints{0, 1, 2, 2, 3}));
  EXPECT_EQ(row.key_rows, (Ints{0, 1, 2, 0, 1, 3, 4}));
  EXPECT_EQ(row.key_begin, (Ints{0, 0, 0, 3, 3}));
  EXPECT_EQ(row.key_end, (Ints{1, 2, 3, 6, 7}));
  EXPECT_EQ(row.targets, (Ints{0, 0, 4, 5, 6}));
  EXPECT_TRUE(row.shares());
  ASSERT_EQ(row.pieces.size(), 2u);
  EXPECT_EQ(row.pieces[1].first_key, 3);
  EXPECT_EQ(row.pieces[1].tokens, 4);
}

TEST(Packing, SharingCanBeTurnedOff) {
  const auto rows =
      pack_all({document({1, 2, 5}, {0, 0, 1}), document({1, 2, 4}, {0, 0, 1})}, {.share = false});
  EXPECT_EQ(rows[0].ids, (Ints{1, 2, 1, 2}));
  EXPECT_FALSE(rows[0].shares());
}

TEST(Packing, RowsHoldNoMoreThanAsked) {
  std::vector<Document> documents;
  for (int32_t i = 0; i < 20; ++i) {
    const auto n = static_cast<size_t>(2 + i * 7 % 9);
    documents.push_back(document(Ints(n, i), std::vector<uint8_t>(n, 1)));
  }
  int64_t tokens = 0, pieces = 0;
  for (const PackedRow& row : pack_all(documents, {.seq_len = 10})) {
    EXPECT_LE(row.tokens(), 10);
    EXPECT_GT(row.tokens(), 0);
    tokens += row.document_tokens;
    pieces += static_cast<int64_t>(row.pieces.size());
  }
  int64_t expected = 0;
  for (const Document& d : documents) expected += d.size();
  EXPECT_EQ(tokens, expected);
  EXPECT_EQ(pieces, 20);
}

// What each document of a pack reads, sees and predicts, whatever is shared.
TEST(Packing, EveryDocumentCanBeReadBack) {
  std::vector<Document> documents;
  for (int32_t i = 0; i < 30; ++i) {
    Ints ids = {1, 2, i % 3, i % 2, i, 9};
    documents.push_back(document(ids, {0, 0, 0, 0, 1, 1}));
  }
  for (const PackedRow& row : pack_all(documents, {.seq_len = 64})) {
    for (const PackedRow::Piece& piece : row.pieces) {
      for (int64_t i = 0; i < piece.tokens; ++i) {
        const auto at = static_cast<size_t>(row.key_rows[static_cast<size_t>(piece.first_key + i)]);
        EXPECT_EQ(row.ids[at], piece.document->ids[static_cast<size_t>(i)]);
        EXPECT_EQ(row.positions[at], i);
        // Its keys, in order, are the document's tokens up to itself.
        ASSERT_EQ(row.key_end[at] - row.key_begin[at], i + 1);
        for (int64_t k = 0; k <= i; ++k) {
          const auto key =
              static_cast<size_t>(row.key_rows[static_cast<size_t>(row.key_begin[at] + k)]);
          EXPECT_EQ(row.ids[key], piece.document->ids[static_cast<size_t>(k)]);
        }
        if (row.weights[at] > 0) {
          EXPECT_EQ(row.targets[at], piece.document->ids[static_cast<size_t>(i) + 1]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace pewter
