// The budget, captured work, and failures, through the public calls; the thread pool by itself.
#include <atomic>
#include <cstdlib>
#include <new>
#include <stdexcept>

#include "device/allocator.h"
#include "device/cpu/stream.h"
#include "device/cpu/thread_pool.h"
#include "support/products.h"

namespace pewter::test {
namespace {

const Device kCpu(DeviceKind::cpu);

class TestMemory final : public MemorySource {
 public:
  const char* name() const override { return "test"; }
  void* take(int64_t size) override {
    return refusals-- > 0 ? nullptr : std::aligned_alloc(64, static_cast<size_t>(size));
  }
  void give(void* block, int64_t) noexcept override { std::free(block); }
  void settle() override { ++settled; }
  int refusals = 0, settled = 0;
};

TEST(Memory, OverBudgetSaysWhatWasAskedAndHeld) {
  TestMemory source;
  Allocator memory(1 << 20, source);
  void* held = memory.allocate(512 << 10);
  const std::string message =
      message_of(ErrorCode::out_of_memory, [&] { memory.allocate(600000); });
  for (const char* part : {"600000", "524288", "1048576"}) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }
  EXPECT_EQ(memory.use().live, 512 << 10);
  void* fits = memory.allocate(400 << 10);
  memory.free(fits, 400 << 10);
  memory.free(held, 512 << 10);
  // All is cached now; a block of another size needs the cache emptied, and then fits.
  void* whole = memory.allocate(1 << 20);
  EXPECT_EQ(memory.use().live, 1 << 20);
  EXPECT_EQ(memory.use().cached, 0);
  EXPECT_LE(memory.use().peak, memory.use().budget);
  memory.free(whole, 1 << 20);
}

// A step that frees all it used finds it again: no page is asked of the system twice. Sizes that
// nobody asks for any more go when others need the room.
TEST(Memory, KeepsAStepsBlocksButNotMoreThanWasEverInUse) {
  TestMemory source;
  Allocator memory(int64_t{4} << 30, source);
  const auto step = [&](int64_t bytes) {
    std::vector<void*> blocks;
    for (int i = 0; i < 16; ++i) blocks.push_back(memory.allocate(bytes));
    for (void* block : blocks) memory.free(block, bytes);
  };
  step(16 << 20);
  EXPECT_EQ(memory.use().cached, 256 << 20);
  step(16 << 20);
  EXPECT_EQ(memory.use().peak, 256 << 20);
  for (int64_t size = 10; size < 16; ++size) {
    step(size << 20);
    EXPECT_LE(memory.use().cached, 288 << 20);
  }
  EXPECT_LE(memory.use().peak, 288 << 20);
}

// A device may say no for what is only cached, or not free yet; then there is a second try.
TEST(Memory, RefusedBlockIsAskedForAgainWithAnEmptyCache) {
  TestMemory source;
  Allocator memory(1 << 20, source);
  memory.free(memory.allocate(1000), 1000);
  source.refusals = 1;
  void* block = memory.allocate(5000);
  EXPECT_EQ(memory.use().cached, 0);
  EXPECT_EQ(source.settled, 1);
  source.refusals = 2;
  message_of(ErrorCode::out_of_memory, [&] { memory.allocate(7000); });
  memory.free(block, 5000);
}

// Blocks that are in use never share a byte, whatever was freed between; and freeing cannot fail.
TEST(Memory, CachedBlocksAreHandedOutOnce) {
  static_assert(noexcept(std::declval<Allocator&>().free(nullptr, 1)));
  TestMemory source;
  Allocator memory(64 << 20, source);
  std::vector<std::pair<char*, int64_t>> used;
  uint32_t state = 7;
  for (int i = 0; i < 5000; ++i) {
    state = state * 1664525 + 1013904223;
    if (!used.empty() && (state >> 16) % 3 == 0) {
      std::swap(used[(state >> 20) % used.size()], used.back());
      const auto [block, bytes] = used.back();
      for (int64_t b : {int64_t{0}, bytes - 1}) ASSERT_EQ(block[b], static_cast<char>(bytes));
      memory.free(block, bytes);
      used.pop_back();
      continue;
    }
    const int64_t bytes = 1 + (state >> 16) % 9 * 700;
    auto* block = static_cast<char*>(memory.allocate(bytes));
    block[0] = block[bytes - 1] = static_cast<char>(bytes);
    used.emplace_back(block, bytes);
  }
  int64_t live = 0;
  for (const auto& [block, bytes] : used) {
    live += rounded_size(bytes);
    for (int64_t b : {int64_t{0}, bytes - 1}) ASSERT_EQ(block[b], static_cast<char>(bytes));
  }
  EXPECT_EQ(memory.use().live, live);
  for (const auto& [block, bytes] : used) memory.free(block, bytes);
  EXPECT_EQ(memory.use().live, 0);
}

TEST(Memory, PublicBudgetLeavesTensorsUsable) {
  const int64_t before = memory_use(kCpu).budget;
  const Tensor kept = full({1000}, 3, {f32, kCpu});
  set_memory_budget(kCpu, memory_use(kCpu).live + (1 << 20));
  message_of(ErrorCode::out_of_memory, [] { empty({1 << 20}, {f32, kCpu}); });
  EXPECT_EQ(sum(add(kept, kept)).item<float>(), 6000);
  set_memory_budget(kCpu, before);
  message_of(ErrorCode::argument, [] { set_memory_budget(kCpu, 0); });
}

TEST(Graph, ReplayGivesTheSameBitsAndSeesNewInputs) {
  const Tensor x = randn({17, 64}, {f32, kCpu}, 1), w = randn({32, 64}, {f32, kCpu}, 2);
  Tensor y;
  const auto work = [&] { y = softmax(linear(x, w)); };
  const Graph graph = capture(default_stream(kCpu), work);
  EXPECT_GE(graph.size(), 2);
  expect_same_bits(y, softmax(linear(x, w)));
  fill_(y, -1);
  graph.replay();
  expect_same_bits(y, softmax(linear(x, w)));
  copy_(x, randn({17, 64}, {f32, kCpu}, 3));
  graph.replay();
  expect_same_bits(y, softmax(linear(x, w)));
}

// Blocks that are free again at the end of a capture are written to by every replay; other tensors
// must not get them, nor the system, however many there are.
TEST(Graph, KeepsTheMemoryOfWhatItCaptured) {
  const int64_t before = memory_use(kCpu).live, n = int64_t{24} << 20;
  const Tensor x = full({n}, 1, {f32, kCpu}), y = zeros({n}, {f32, kCpu});
  {
    const Graph graph = capture(default_stream(kCpu), [&] {
      copy_(y, add(add(x, x), x));  // two of 96 MiB are gone after this
    });
    EXPECT_GE(memory_use(kCpu).live, before + 4 * 4 * n);
    release_cached_memory(kCpu);
    const Tensor other = full({n}, 7, {f32, kCpu}), more = full({n}, 8, {f32, kCpu});
    fill_(x, 2);
    graph.replay();
    for (const auto& [t, value] : {std::pair(y, 6.0f), {other, 7.0f}, {more, 8.0f}}) {
      EXPECT_EQ(sum(t).item<float>(), value * static_cast<float>(n));
    }
  }
  EXPECT_EQ(memory_use(kCpu).live, before + 2 * 4 * n);
}

TEST(Graph, BudgetHoldsWhileCapturing) {
  const int64_t budget = memory_use(kCpu).budget;
  const Tensor x = full({1 << 20}, 3, {f32, kCpu});
  set_memory_budget(kCpu, memory_use(kCpu).live + (5 << 20));
  message_of(ErrorCode::out_of_memory,
             [&] { capture(default_stream(kCpu), [&] { add(x, add(x, x)); }); });
  EXPECT_EQ(sum(add(x, x)).item<float>(), 6 << 20);  // what fits works again
  set_memory_budget(kCpu, budget);
}

TEST(Graph, RejectsBadArguments) {
  message_of(ErrorCode::argument, [] { Graph().replay(); });
  message_of(ErrorCode::argument,
             [] { capture(default_stream(kCpu), [] { capture(default_stream(kCpu), [] {}); }); });
  EXPECT_EQ(recording(cpu_backend()), nullptr);  // the failed capture ended
}

// An id that became wrong between capture and replay is told, and the graph works again after.
TEST(Graph, ReplayedFailureSurfaces) {
  const Tensor table = randn({4, 8}, {f32, kCpu});
  const Tensor ids = from_values(std::vector<int32_t>{1}, {1}, {i32, kCpu});
  Tensor y;
  const Graph graph = capture(default_stream(kCpu), [&] { y = embedding(table, ids); });
  fill_(ids, 4);
  message_of(ErrorCode::argument, [&] { graph.replay(); });
  fill_(ids, 2);
  graph.replay();
  expect_same_bits(y, table.slice(0, 2, 3));
}

// Whether the failing work is captured or not, and on whichever thread of the pool it fails.
TEST(Stream, FailureNamesTheOperation) {
  const auto failing = [](auto exception) {
    return [=] {
      cpu::submit("mul", [=] {
        cpu::parallel_for(64, [=](int64_t i) {
          if (i == 13) throw exception;
        });
      });
    };
  };
  const auto expect_named = [&](ErrorCode code, auto exception, const std::string& told) {
    const std::function<void()> work = failing(exception);
    for (const std::string& message :
         {message_of(code, work), message_of(code, [&] { capture(default_stream(kCpu), work); })}) {
      EXPECT_NE(message.find("[mul]"), std::string::npos) << message;
      EXPECT_NE(message.find(told), std::string::npos) << message;
    }
  };
  expect_named(ErrorCode::device_failure, std::runtime_error("no more of it"), "no more of it");
  expect_named(ErrorCode::device_failure, 7, "failed on cpu");
  expect_named(ErrorCode::out_of_memory, std::bad_alloc(), "memory");
  // An Error is passed on as it is.
  EXPECT_EQ(message_of(ErrorCode::argument, failing(Error(ErrorCode::argument, "as it is"))),
            "as it is");
}

TEST(ThreadPool, EveryTaskRunsOnce) {
  for (int threads : {1, 2, 5}) {
    const Threads scope(threads);
    for (int64_t n : {0, 1, 7, 1000}) {
      std::vector<std::atomic<int>> ran(static_cast<size_t>(n));
      cpu::parallel_for(n, [&](int64_t i) { ++ran[static_cast<size_t>(i)]; });
      for (const auto& count : ran) EXPECT_EQ(count, 1);
    }
  }
}

TEST(ThreadPool, ExceptionIsRethrownAndThePoolGoesOn) {
  for (int threads : {1, 3}) {
    const Threads scope(threads);
    for (int round = 0; round < 50; ++round) {
      EXPECT_THROW(cpu::parallel_for(64,
                                     [](int64_t i) {
                                       if (i == 13) throw std::invalid_argument("thirteen");
                                     }),
                   std::invalid_argument);
      std::atomic<int64_t> sum = 0;
      cpu::parallel_for(64, [&](int64_t i) { sum += i; });
      ASSERT_EQ(sum, 64 * 63 / 2);
    }
  }
}

TEST(ThreadPool, NestedCallsRunAlone) {
  const Threads scope(3);
  std::atomic<int> ran = 0;
  cpu::parallel_for(8, [&](int64_t) { cpu::parallel_for(8, [&](int64_t) { ++ran; }); });
  EXPECT_EQ(ran, 64);
}

TEST(Device, RefusesWhatIsNotThere) {
  message_of(ErrorCode::device, [] { Device("abacus"); });
  EXPECT_FALSE(is_present(Device(DeviceKind::cpu, 1)));
  message_of(ErrorCode::device, [] { empty({1}, {f32, Device(DeviceKind::cpu, 1)}); });
  message_of(ErrorCode::argument, [] { set_num_threads(0); });
}

}  // namespace
}  // namespace pewter::test
