#include "train/packing.h"

#include <algorithm>

namespace pewter {
namespace {

// Whether row `i` of a document (which reads token i and predicts token i + 1) has a loss term.
bool has_loss(const Document& d, int64_t i) { return d.counted[static_cast<size_t>(i) + 1] != 0; }

int64_t row_count(const Document& d) { return std::max<int64_t>(0, d.size() - 1); }

// How many rows at the beginning of `b` are also rows of `a`.
int64_t shared_rows(const Document& a, const Document& b) {
  const int64_t most = std::min(row_count(a), row_count(b));
  int64_t n = 0;
  while (n < most && a.ids[static_cast<size_t>(n)] == b.ids[static_cast<size_t>(n)] &&
         !has_loss(a, n) && !has_loss(b, n)) {
    ++n;
  }
  return n;
}

class Packer {
 public:
  explicit Packer(const PackOptions& options) : options_(options) {}

  void add(const Document& document) {
    int64_t shared = common(document);
    if (!rows_.empty() && rows_.back().tokens() + row_count(document) - shared > options_.seq_len) {
      rows_.emplace_back();
      shared = 0;
    }
    if (rows_.empty()) rows_.emplace_back();
    append(&rows_.back(), document, shared);
  }
  std::vector<PackedRow> take() { return std::move(rows_); }

 private:
  int64_t common(const Document& document) const {
    if (!options_.share || rows_.empty()) return 0;
    return shared_rows(*rows_.back().pieces.back().document, document);
  }

  void append(PackedRow* row, const Document& document, int64_t shared) {
    const auto base = static_cast<int32_t>(row->key_rows.size());
    if (shared > 0) {
      const int64_t before = row->pieces.back().first_key;
      for (int64_t i = 0; i < shared; ++i) {
        const int32_t key = row->key_rows[static_cast<size_t>(before + i)];
        row->key_rows.push_back(key);
      }
    }
    for (int64_t i = shared; i < row_count(document); ++i) {
      const auto at = static_cast<size_t>(i);
      row->key_rows.push_back(static_cast<int32_t>(row->ids.size()));
      row->ids.push_back(document.ids[at]);
      row->positions.push_back(static_cast<int32_t>(i));
      row->key_begin.push_back(base);
      row->key_end.push_back(base + static_cast<int32_t>(i) + 1);
      const bool counts = has_loss(document, i);
      row->targets.push_back(counts ? document.ids[at + 1] : 0);
      row->weights.push_back(counts ? options_.weight : 0);
      row->counted += counts;
    }
    row->pieces.push_back({&document, base, row_count(document)});
    row->document_tokens += document.size();
  }

  const PackOptions& options_;
  std::vector<PackedRow> rows_;
};

}  // namespace

std::vector<PackedRow> pack(std::span<const Document* const> documents,
                            const PackOptions& options) {
  std::vector<const Document*> sorted(documents.begin(), documents.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Document* a, const Document* b) { return a->ids < b->ids; });
  Packer packer(options);
  for (const Document* document : sorted) packer.add(*document);
  return packer.take();
}

RowTensors to_tensors(const PackedRow& row, Device device) {
  const TensorOptions integer{i32, device};
  const auto one_row = [&](const std::vector<int32_t>& values) {
    return from_values(values, {1, static_cast<int64_t>(values.size())}, integer);
  };
  RowTensors out;
  out.ids = one_row(row.ids);
  out.where.positions = one_row(row.positions);
  out.where.key_begin = one_row(row.key_begin);
  out.where.key_end = one_row(row.key_end);
  if (row.shares()) {
    out.where.key_rows =
        from_values(row.key_rows, {static_cast<int64_t>(row.key_rows.size())}, integer);
  }
  return out;
}

}  // namespace pewter
