// The merging half of byte-level BPE: a word's bytes become tokens by applying the learned merges,
// lowest rank first, leftmost first among equals. A word of n bytes costs O(n log n), so that a
// megabyte without a space is no attack; short words are remembered for the length of one text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pewter::io {

// The pair table: open addressing over (left, right), 16 bytes an entry at half load.
class MergeTable {
 public:
  struct Merge {
    int32_t rank;
    int32_t result;
  };

  void reserve(size_t merges);
  // Keeps the later of two merges of one pair, as `tokenizers` does.
  void insert(int32_t left, int32_t right, Merge merge);
  const Merge* find(int32_t left, int32_t right) const;

 private:
  struct Slot {
    uint64_t key;
    Merge merge;
  };
  size_t slot_of(uint64_t key) const;

  std::vector<Slot> slots_;
  size_t mask_ = 0;
};

// Buffers of one encode() call; not shared between threads.
struct BpeScratch {
  struct Symbol {
    int32_t id;
    int32_t previous;
    int32_t next;
    bool gone;
  };
  struct Candidate {
    int32_t rank;
    int32_t position;
  };
  struct CachedWord {
    std::string word;
    std::vector<int32_t> ids;
  };
  std::vector<Symbol> symbols;
  std::vector<Candidate> queue;
  std::vector<CachedWord> cache;  // direct-mapped; empty for short texts
};

class Bpe {
 public:
  // byte_ids[b]: the token of the single byte b, or -1 where the vocabulary has none.
  std::vector<int32_t> byte_ids = std::vector<int32_t>(256, -1);
  MergeTable merges;
  std::optional<int32_t> unknown;  // stands for bytes without a token; they are dropped without it
  bool fuse_unknown = false;       // a run of unknown bytes is one unknown
  bool ignore_merges = false;      // a word that is itself a token is taken as it is
  std::unordered_map<std::string_view, int32_t> words;  // for ignore_merges

  void encode_word(std::string_view word, BpeScratch* scratch, std::vector<int32_t>* out) const;

 private:
  void merge_word(std::string_view word, BpeScratch* scratch, std::vector<int32_t>* out) const;
  void start_symbols(std::string_view word, BpeScratch* scratch) const;
  void propose(int32_t position, BpeScratch* scratch) const;
};

}  // namespace pewter::io
