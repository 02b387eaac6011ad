// A heap of candidate merges over a linked list of symbols: stale candidates are recognised when
// they come up, which is cheaper than removing them.
#include "io/bpe.h"

#include <algorithm>
#include <bit>

namespace pewter::io {
namespace {

constexpr uint64_t kEmpty = ~uint64_t{0};
constexpr size_t kLongestCachedWord = 32;

uint64_t pair_key(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

uint64_t mix(uint64_t x) {
  x ^= x >> 32;
  x *= 0x9E3779B97F4A7C15u;
  return x ^ x >> 29;
}

// Orders a max-heap so that the lowest rank, then the leftmost position, comes first.
bool later(const BpeScratch::Candidate& a, const BpeScratch::Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
}

}  // namespace

size_t MergeTable::slot_of(uint64_t key) const {
  size_t slot = static_cast<size_t>(mix(key)) & mask_;
  while (slots_[slot].key != key && slots_[slot].key != kEmpty) slot = (slot + 1) & mask_;
  return slot;
}

void MergeTable::reserve(size_t merges) {
  const size_t size = std::bit_ceil(std::max<size_t>(16, 2 * merges));
  slots_.assign(size, Slot{kEmpty, {}});
  mask_ = size - 1;
}

void MergeTable::insert(int32_t left, int32_t right, Merge merge) {
  Slot& slot = slots_[slot_of(pair_key(left, right))];
  slot = {pair_key(left, right), merge};
}

const MergeTable::Merge* MergeTable::find(int32_t left, int32_t right) const {
  const Slot& slot = slots_[slot_of(pair_key(left, right))];
  return slot.key == kEmpty ? nullptr : &slot.merge;
}

void Bpe::encode_word(std::string_view word, BpeScratch* scratch, std::vector<int32_t>* out) const {
  if (scratch->cache.empty() || word.size() > kLongestCachedWord) {
    merge_word(word, scratch, out);
    return;
  }
  const size_t slot = std::hash<std::string_view>{}(word) & (scratch->cache.size() - 1);
  BpeScratch::CachedWord& cached = scratch->cache[slot];
  if (cached.word != word) {
    cached.word = word;
    cached.ids.clear();
    merge_word(word, scratch, &cached.ids);
  }
  out->insert(out->end(), cached.ids.begin(), cached.ids.end());
}

void Bpe::start_symbols(std::string_view word, BpeScratch* scratch) const {
  auto& symbols = scratch->symbols;
  symbols.clear();
  bool after_unknown = false;
  for (char c : word) {
    int32_t id = byte_ids[static_cast<uint8_t>(c)];
    const bool is_unknown = id < 0;
    if (is_unknown && (!unknown || (fuse_unknown && after_unknown))) continue;
    if (is_unknown) id = *unknown;
    after_unknown = is_unknown;
    const auto at = static_cast<int32_t>(symbols.size());
    symbols.push_back({id, at - 1, at + 1, false});
  }
  if (!symbols.empty()) symbols.back().next = -1;
}

void Bpe::propose(int32_t position, BpeScratch* scratch) const {
  if (position < 0) return;
  const auto& left = scratch->symbols[static_cast<size_t>(position)];
  if (left.next < 0) return;
  const auto* merge = merges.find(left.id, scratch->symbols[static_cast<size_t>(left.next)].id);
  if (!merge) return;
  scratch->queue.push_back({merge->rank, position});
  std::push_heap(scratch->queue.begin(), scratch->queue.end(), later);
}

void Bpe::merge_word(std::string_view word, BpeScratch* scratch, std::vector<int32_t>* out) const {
  if (ignore_merges) {
    const auto found = words.find(word);
    if (found != words.end()) {
      out->push_back(found->second);
      return;
    }
  }
  start_symbols(word, scratch);
  auto& symbols = scratch->symbols;
  auto& queue = scratch->queue;
  queue.clear();
  for (size_t i = 0; i + 1 < symbols.size(); ++i) propose(static_cast<int32_t>(i), scratch);
  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), later);
    const BpeScratch::Candidate best = queue.back();
    queue.pop_back();
    auto& left = symbols[static_cast<size_t>(best.position)];
    if (left.gone || left.next < 0) continue;
    auto& right = symbols[static_cast<size_t>(left.next)];
    const auto* merge = merges.find(left.id, right.id);
    if (!merge || merge->rank != best.rank) continue;  // one of the two has changed since
    left.id = merge->result;
    right.gone = true;
    left.next = right.next;
    if (right.next >= 0) symbols[static_cast<size_t>(right.next)].previous = best.position;
    propose(left.previous, scratch);
    propose(best.position, scratch);
  }
  for (const auto& symbol : symbols)
    if (!symbol.gone) out->push_back(symbol.id);
}

}  // namespace pewter::io
