// Properties: statements checked on random cases that shrink to a small one when they fail.
//
// EXPECT_PROPERTY("what holds", [] { ... *rc::gen::inRange(0, 9) ... RC_ASSERT(...); });
//
// ctest fixes the seed; a test program run by itself draws a new one, and a failure prints the
// RC_PARAMS that bring it back.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "pewter/tensor.h"

#define EXPECT_PROPERTY(description, ...) EXPECT_TRUE(rc::check(description, __VA_ARGS__))

namespace pewter::test {

// From `low` to `high`, both included.
inline int64_t any_of(int64_t low, int64_t high) {
  return *rc::gen::inRange<int64_t>(low, high + 1);
}

// `n` bytes from one drawn seed: cases stay quick to draw and to shrink, and the data is random.
inline std::vector<std::byte> any_bytes(int64_t n) {
  auto state = static_cast<uint64_t>(any_of(0, 1 << 30));
  std::vector<std::byte> bytes(static_cast<size_t>(n));
  for (std::byte& b : bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    b = static_cast<std::byte>(state >> 56);
  }
  return bytes;
}

inline std::vector<int64_t> any_sizes(int max_rank, int64_t max_size) {
  std::vector<int64_t> sizes(static_cast<size_t>(any_of(0, max_rank)));
  for (int64_t& size : sizes) size = any_of(0, max_size);
  return sizes;
}

}  // namespace pewter::test
