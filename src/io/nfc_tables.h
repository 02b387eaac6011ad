// Tables of nfc_tables.cpp, sorted by code point.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pewter::io {

struct CanonicalPair {
  uint32_t code_point;
  uint32_t first;
  uint32_t second;  // 0 where the decomposition is a single character
};
struct CombiningRange {
  uint32_t first;
  uint32_t last;
  uint8_t combining_class;
};

extern const CanonicalPair kComposing[];
extern const size_t kComposingCount;
extern const CanonicalPair kDecomposing[];
extern const size_t kDecomposingCount;
extern const CombiningRange kCombining[];
extern const size_t kCombiningCount;

}  // namespace pewter::io
