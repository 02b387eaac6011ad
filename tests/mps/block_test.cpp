// A block is read here byte by byte, as code that knows only Apple's published layout would.
#include <gtest/gtest.h>
#include <mps/mps.h>

#include <cstring>

#include "mps/fake_objc.h"

namespace apple::objc {
namespace {

template <class T>
T at(const void* block, std::size_t offset) {
  T value;
  std::memcpy(&value, static_cast<const char*>(block) + offset, sizeof value);
  return value;
}

TEST(Block, LiesAsPublished) {
  Runtime::load(PEWTER_FAKE_OBJC);
  std::string seen;
  const Block<void(void*, UInt)> block([&seen](void* p, UInt n) {
    seen = std::to_string(reinterpret_cast<std::uintptr_t>(p)) + " " + std::to_string(n);
  });
  const void* literal = block.pointer();
  EXPECT_NE(at<void*>(literal, 0), nullptr);
  const auto flags = at<std::uint32_t>(literal, 8);
  EXPECT_TRUE(flags & 1u << 25) << "has helpers to copy and dispose";
  EXPECT_TRUE(flags & 1u << 24) << "is on the heap";
  EXPECT_FALSE(flags & (1u << 28 | 1u << 29 | 1u << 30)) << "global, stret, signature";
  EXPECT_EQ(at<std::uint32_t>(literal, 12), 0u);
  const auto* descriptor = at<const void*>(literal, 24);
  EXPECT_EQ(at<unsigned long>(descriptor, 0), 0u);
  EXPECT_EQ(at<unsigned long>(descriptor, 8), 32 + sizeof(void*)) << "one captured reference";
  at<void (*)(const void*, void*, UInt)>(literal, 16)(literal, reinterpret_cast<void*>(7), 9);
  EXPECT_EQ(seen, "7 9");
}

// What the framework does with one, and with nothing else of it left.
TEST(Block, CopyAndReleaseByHand) {
  Runtime::load(PEWTER_FAKE_OBJC);
  const auto captured = std::make_shared<int>(0);
  void* kept = nullptr;
  {
    const Block<void(UInt)> block([captured](UInt n) { *captured += static_cast<int>(n); });
    EXPECT_EQ(captured.use_count(), 2);
    kept = _Block_copy(block.pointer());
    EXPECT_EQ(kept, block.pointer());
  }
  EXPECT_EQ(captured.use_count(), 2);
  at<void (*)(const void*, UInt)>(kept, 16)(kept, 5);
  EXPECT_EQ(*captured, 5);
  _Block_release(kept);
  EXPECT_EQ(captured.use_count(), 1);
  EXPECT_EQ(fake_state().live_blocks, 0);
}

TEST(Block, EmptyIsNull) { EXPECT_EQ(Block<void(UInt)>().pointer(), nullptr); }

}  // namespace
}  // namespace apple::objc
