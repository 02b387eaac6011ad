// The algorithm of UAX #15: decompose fully, order marks by combining class, compose. Hangul
// syllables are computed, everything else is looked up.
#include "io/nfc.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "io/nfc_tables.h"
#include "io/utf8.h"

namespace pewter::io {
namespace {

constexpr uint32_t kSyllables = 0xAC00, kLead = 0x1100, kVowel = 0x1161, kTrail = 0x11A7;
constexpr uint32_t kVowels = 21, kTrails = 28, kLeads = 19;
constexpr uint32_t kSyllableCount = kLeads * kVowels * kTrails;

uint8_t combining_class(uint32_t c) {
  const std::span table(kCombining, kCombiningCount);
  const auto found = std::ranges::lower_bound(table, c, {}, &CombiningRange::last);
  return found != table.end() && c >= found->first ? found->combining_class : 0;
}

const CanonicalPair* find_pair(std::span<const CanonicalPair> table, uint32_t c) {
  const auto found = std::ranges::lower_bound(table, c, {}, &CanonicalPair::code_point);
  return found != table.end() && found->code_point == c ? &*found : nullptr;
}

// Recursion ends: Unicode's canonical decompositions are at most four deep.
void decompose(uint32_t c, std::vector<uint32_t>* out) {
  if (c < 0xC0) {
    out->push_back(c);
    return;
  }
  if (c - kSyllables < kSyllableCount) {
    const uint32_t index = c - kSyllables;
    out->push_back(kLead + index / (kVowels * kTrails));
    out->push_back(kVowel + index % (kVowels * kTrails) / kTrails);
    if (index % kTrails != 0) out->push_back(kTrail + index % kTrails);
    return;
  }
  const CanonicalPair* pair = find_pair({kComposing, kComposingCount}, c);
  if (!pair) pair = find_pair({kDecomposing, kDecomposingCount}, c);
  if (!pair) {
    out->push_back(c);
    return;
  }
  decompose(pair->first, out);
  if (pair->second) decompose(pair->second, out);
}

// kComposing sorted by (first, second).
const std::vector<CanonicalPair>& compositions() {
  static const std::vector<CanonicalPair> sorted = [] {
    std::vector<CanonicalPair> pairs(kComposing, kComposing + kComposingCount);
    std::ranges::sort(pairs, [](const CanonicalPair& a, const CanonicalPair& b) {
      return a.first != b.first ? a.first < b.first : a.second < b.second;
    });
    return pairs;
  }();
  return sorted;
}

// The character that `a` and `b` compose to, or 0.
uint32_t compose(uint32_t a, uint32_t b) {
  if (a - kLead < kLeads && b - kVowel < kVowels)
    return kSyllables + ((a - kLead) * kVowels + (b - kVowel)) * kTrails;
  if (a - kSyllables < kSyllableCount && (a - kSyllables) % kTrails == 0 && b - kTrail < kTrails &&
      b != kTrail)
    return a + (b - kTrail);
  const auto& table = compositions();
  const auto found = std::lower_bound(table.begin(), table.end(), std::pair(a, b),
                                      [](const CanonicalPair& p, std::pair<uint32_t, uint32_t> k) {
                                        return std::pair(p.first, p.second) < k;
                                      });
  return found != table.end() && found->first == a && found->second == b ? found->code_point : 0;
}

void order_marks(std::vector<uint32_t>* text) {
  for (auto at = text->begin(); at != text->end();) {
    if (combining_class(*at) == 0) {
      ++at;
      continue;
    }
    const auto end =
        std::find_if(at, text->end(), [](uint32_t c) { return combining_class(c) == 0; });
    std::stable_sort(
        at, end, [](uint32_t a, uint32_t b) { return combining_class(a) < combining_class(b); });
    at = end;
  }
}

void compose_all(std::vector<uint32_t>* text) {
  size_t starter = SIZE_MAX, kept = 0;
  int last_class = -1;  // class of the character before, if it was kept since the starter
  for (size_t i = 0; i < text->size(); ++i) {
    const uint32_t c = (*text)[i];
    const int current = combining_class(c);
    const bool blocked = last_class >= current && !(last_class == -1);
    const uint32_t composed = starter != SIZE_MAX && !blocked ? compose((*text)[starter], c) : 0;
    if (composed) {
      (*text)[starter] = composed;
      continue;
    }
    (*text)[kept] = c;
    if (current == 0) {
      starter = kept;
      last_class = -1;
    } else {
      last_class = current;
    }
    ++kept;
  }
  text->resize(kept);
}

}  // namespace

bool is_surely_nfc(std::string_view text) {
  // U+0300 and above begin with a byte of 0xCC or more.
  return std::ranges::all_of(text, [](char c) { return static_cast<uint8_t>(c) < 0xCC; });
}

std::string to_nfc(std::string_view text) {
  std::vector<uint32_t> characters;
  for (size_t at = 0; at < text.size();) {
    uint32_t c = 0;
    const size_t n = decode_utf8(text.substr(at, 4), &c);
    if (n == 0) break;
    decompose(c, &characters);
    at += n;
  }
  order_marks(&characters);
  compose_all(&characters);
  std::string out;
  for (uint32_t c : characters) append_utf8(c, &out);
  return out;
}

}  // namespace pewter::io
