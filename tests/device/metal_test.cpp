// The Metal device: what is queued when, who waits, what a failure says, whose memory is whose.
#include <mps/mps.h>

#include <chrono>
#include <random>
#include <thread>

#include "device/metal/encoder.h"
#include "device/metal/metal_backend.h"
#include "pewter/mps.h"
#include "sim/test_executor.h"
#include "support/device_test.h"
#include "support/metal_sim.h"
#include "support/products.h"

namespace pewter::test {
namespace {

using apple::objc::UInt;

Tensor numbers(const Shape& shape, Device device, uint64_t seed) {
  return randn(shape, {f32, device}, seed);
}

// On every device products are chains of the same operations here, so bits can be compared.
void expect_product(const Tensor& y, const Tensor& a, const Tensor& b) {
  const Tensor x = to_device(a, "cpu"), w = to_device(b, "cpu");
  const auto total = matmul(magnitude(a), magnitude(b)).to_vector<double>();
  const double k = static_cast<double>(a.size(-1));
  expect_close(to_device(y, "cpu"), matmul(x, w), [&](size_t i, double e) {
    return 2 * rounding_bound(y.dtype(), k + 3, total[i], e);
  });
}

TEST(Device, MetalIsAbsentWithAReason) {
#if !defined(__APPLE__)
  EXPECT_FALSE(is_present("metal"));
  const std::string told = message_of(ErrorCode::device, [] { empty({1}, {f32, "metal"}); });
  EXPECT_NE(told.find("metal is not present; present are cpu"), std::string::npos) << told;
#endif
  EXPECT_NE(default_device().kind(), DeviceKind::metal_sim);
}

METAL_TEST(MetalQueue, HundredProductsOneCommandBufferOneWait) {
  NEEDS_METAL_SIM(device);
  Tensor x = numbers({64, 64}, device, 1);
  const Tensor w = numbers({64, 64}, device, 2);
  default_stream(device).wait();
  reset_sim_counters();
  for (int i = 0; i < 100; ++i) x = mps::matmul(x, w, {.alpha = 0.125f});
  x.to_vector<float>();
  EXPECT_EQ(sim_counters().mps_encodes, 100u);
  EXPECT_EQ(sim_counters().command_buffers_made, 1u);
  EXPECT_EQ(sim_counters().commits, 1u);
  EXPECT_EQ(sim_counters().waits, 1u);
  x.to_vector<float>();  // what was waited for once is not waited for again
  EXPECT_EQ(sim_counters().waits, 1u);
}

METAL_TEST(MetalQueue, OneQueueAfterTenThousandProducts) {
  NEEDS_METAL_SIM(device);
  const Tensor x = numbers({8, 8}, device, 1);
  Tensor y;
  for (int i = 0; i < 10000; ++i) y = mps::matmul(x, x);
  y.to_vector<float>();
  EXPECT_EQ(sim_counters().queues_alive, 1u);
  reset_sim_counters();
  for (int i = 0; i < 10000; ++i) y = mps::matmul(x, x);
  y.to_vector<float>();
  EXPECT_EQ(sim_counters().queues_made, 0u);
  EXPECT_EQ(sim_counters().waits, 1u);
  EXPECT_LE(sim_counters().command_buffers_alive, metal::kMaxInFlight);
}

// Commits per 1,000 products at most 25, waits 1; whether the GPU is ahead of the host or behind.
METAL_TEST(MetalQueue, CommitsByWorkQueued) {
  NEEDS_METAL_SIM(device);
  const Tensor x = numbers({64, 64}, device, 1);
  const auto thousand = [&] {
    default_stream(device).wait();
    reset_sim_counters();
    Tensor y;
    for (int i = 0; i < 1000; ++i) y = mps::matmul(x, x);
    y.to_vector<float>();
    EXPECT_LE(sim_counters().commits, 25u);
    EXPECT_EQ(sim_counters().waits, 1u);
    return sim_counters().commits;
  };
  const uint64_t idle = thousand();
  const Deferred late;
  EXPECT_LE(thousand(), idle);
  // Few ops that move much are committed as well.
  const Tensor large = zeros({4 << 20}, {f32, device});
  default_stream(device).wait();
  reset_sim_counters();
  for (int i = 0; i < 3; ++i) copy_(large, zeros({4 << 20}, {f32, device}));
  EXPECT_GE(sim_counters().commits, 1u);
}

METAL_TEST(MetalQueue, CommandBuffersInFlightAreBounded) {
  NEEDS_METAL_SIM(device);
  const Deferred late;
  const Tensor x = numbers({4, 4}, device, 1);
  Tensor y;
  uint64_t most = 0;
  for (int i = 0; i < 12 * static_cast<int>(metal::kBusyOps); ++i) {
    y = mps::matmul(x, x);
    if (i % 64 == 0) most = std::max(most, sim_counters().command_buffers_alive);
  }
  EXPECT_LE(most, metal::kMaxInFlight + 2);
  expect_product(y, x, x);
}

METAL_TEST(MetalQueue, DependentOperationsNeedNoWait) {
  const auto chain = [&](const Tensor& from, const Tensor& by) {
    Tensor x = from;
    for (int i = 0; i < 20; ++i) {
      x = mps::softmax(mps::matmul(x, by));
      x = contiguous(x.transpose(0, 1));  // a copy among MPS's kernels
    }
    return x;
  };
  const Tensor a = numbers({33, 33}, device, 1), b = numbers({33, 33}, device, 2);
  const Tensor expected = chain(a, b);
  const auto values = expected.to_vector<float>();
  if (!is_metal_sim(device)) return;
  for (uint64_t seed : {0, 1, 2, 3}) {
    const Deferred late(seed);
    EXPECT_EQ(chain(a, b).to_vector<float>(), values);
  }
}

// A host that is ahead writes into memory whose old contents queued work has still to read.
METAL_TEST(MetalQueue, HostWritesWaitTheirTurn) {
  std::optional<Deferred> late;
  if (is_metal_sim(device)) late.emplace();
  const Tensor w = numbers({16, 16}, device, 1), x = numbers({16, 16}, device, 2);
  const Tensor first = to_device(x, "cpu"), second = numbers({16, 16}, "cpu", 3);
  const Tensor y = mps::matmul(x, w);
  backend(device).copy_from_host(x.data(), second.data(), 16 * 16 * 4);
  const Tensor z = mps::matmul(x, w);
  expect_product(y, first, w);
  expect_product(z, second, w);
  // The same with memory that went back to the allocator and came out again.
  for (uint64_t seed = 4; seed < 40; ++seed) {
    const Tensor t = numbers({16, 16}, device, seed);
    const Tensor product = mps::matmul(t, w);
    if (seed % 9 == 0) expect_product(product, numbers({16, 16}, "cpu", seed), w);
  }
}

METAL_TEST(MetalQueue, TwoThreadsAtOnce) {
  const Tensor w = numbers({24, 24}, device, 7);
  const auto work = [&](uint64_t seed) {
    for (uint64_t i = 0; i < 300; ++i) {
      const Tensor x = numbers({static_cast<int64_t>(i % 13 + 1), 24}, device, seed + i);
      const Tensor y = mps::matmul(mps::matmul(x, w, {.alpha = 0.25f}), w);
      if (i % 50 == 0) {
        expect_product(y, matmul(to_device(x, "cpu"), to_device(w, "cpu"), {.alpha = 0.25f}), w);
      }
    }
  };
  std::thread other([&] { work(1000); });
  work(5000);
  other.join();
}

METAL_TEST(MetalQueue, FailureNamesTheOperation) {
  NEEDS_METAL_SIM(device);
  const Tensor x = numbers({8, 8}, device, 1);
  default_stream(device).wait();
  const Tensor y = mps::matmul(x, x);
  fail_next_command_buffer(3);
  const std::string told = message_of(ErrorCode::device_failure, [&] { y.to_vector<float>(); });
  for (const char* part : {"[mps::matmul] failed", "metal-sim", "PageFault"}) {
    EXPECT_NE(told.find(part), std::string::npos) << told;
  }
  expect_product(mps::matmul(x, x), x, x);  // told once; what comes after works
  const Tensor z = mps::softmax(mps::matmul(x, x));
  fail_next_command_buffer(1);
  const std::string both = message_of(ErrorCode::device_failure, [&] { z.to_vector<float>(); });
  EXPECT_NE(both.find("[mps::matmul, mps::softmax] one of 2 operations"), std::string::npos)
      << both;
  const Tensor u = mps::matmul(x, x);
  fail_next_command_buffer(8);
  message_of(ErrorCode::out_of_memory, [&] { default_stream(device).wait(); });
  expect_product(mps::matmul(x, x), x, x);
}

METAL_TEST(MetalMemory, OutOfMemoryIsAnErrorAndTheNextProductWorks) {
  const int64_t budget = memory_use(device).budget;
  const Tensor x = numbers({64, 64}, device, 1);
  const Tensor tall = numbers({1 << 16, 64}, device, 2);
  set_memory_budget(device, memory_use(device).live + (1 << 20));
  const std::string told = message_of(ErrorCode::out_of_memory, [&] { mps::matmul(tall, x); });
  EXPECT_NE(told.find(std::to_string((int64_t{1} << 16) * 64 * 4)), std::string::npos) << told;
  expect_product(mps::matmul(x, x), x, x);
  set_memory_budget(device, budget);
  if (!is_metal_sim(device)) return;
  set_sim_memory_limit(sim_counters().bytes_alive +
                       (1 << 20));  // now it is the device that says no
  message_of(ErrorCode::out_of_memory, [&] { mps::matmul(tall, x); });
  const Tensor again = mps::matmul(x, x);
  set_sim_memory_limit(0);
  expect_product(again, x, x);
}

// Freed memory that queued work still uses is not handed to the system under it, and what is held
// stays below the budget.
METAL_TEST(MetalMemory, BudgetHoldsWhileWorkIsQueued) {
  std::optional<Deferred> late;
  if (is_metal_sim(device)) late.emplace();
  const int64_t budget = memory_use(device).budget, n = 256;
  release_cached_memory(device);
  const Tensor w = numbers({n, n}, device, 1);
  const int64_t limit = memory_use(device).live + 40 * n * n * 4;
  set_memory_budget(device, limit);
  for (int64_t i = 1; i < 200; ++i) {
    const Tensor y = mps::matmul(numbers({i, n}, device, static_cast<uint64_t>(i)), w);
    if (i % 50 == 0) expect_product(y, numbers({i, n}, "cpu", static_cast<uint64_t>(i)), w);
    if (is_metal_sim(device)) {
      ASSERT_LE(static_cast<int64_t>(sim_counters().bytes_alive),
                limit + metal::kMaxStaged + (1 << 20));
    }
  }
  EXPECT_LE(memory_use(device).live + memory_use(device).cached, limit);
  set_memory_budget(device, budget);
}

// Products of shapes without end: memory, objects and caches stay as they were.
class RandomProducts {
 public:
  explicit RandomProducts(Device device) : device_(device) {}
  void run(int count) {
    for (int i = 0; i < count; ++i) {
      const DType dtype = i % 2 ? f32 : f16;
      const int64_t k = size();
      const Tensor y =
          mps::matmul(empty({size(), k}, {dtype, device_}), zeros({k, size()}, {dtype, device_}));
      if (i % 1000 == 0) y.to_vector<float>();
    }
    default_stream(device_).wait();
  }
  void expect_flat(const metal_sim_counters& before) const {
    const metal_sim_counters now = sim_counters();
    ASSERT_LE(now.bytes_alive, before.bytes_alive + before.bytes_alive / 4);
    ASSERT_LE(now.objects_alive, before.objects_alive + before.objects_alive / 4);
    ASSERT_EQ(now.queues_alive, 1u);
    ASSERT_LE(now.command_buffers_alive, metal::kMaxInFlight);
  }

 private:
  int64_t size() { return static_cast<int64_t>(random_() % 60 + 1); }
  Device device_;
  std::mt19937 random_{1};
};

METAL_TEST(MetalMemory, FlatOverAHundredThousandProductsOfRandomShapes) {
  NEEDS_METAL_SIM(device);
  RandomProducts products(device);
  products.run(10000);
  const metal_sim_counters before = sim_counters();
  products.run(100000);
  products.expect_flat(before);
}

METAL_TEST(MetalSoak, FlatForAMinute) {
  NEEDS_METAL_SIM(device);
  using Clock = std::chrono::steady_clock;
  RandomProducts products(device);
  products.run(10000);
  const metal_sim_counters before = sim_counters();
  const auto end = Clock::now() + std::chrono::minutes(1);
  while (Clock::now() < end) {
    products.run(10000);
    products.expect_flat(before);
  }
}

METAL_TEST(MetalMemory, CopiesBetweenDevices) {
  for (DType dtype : {f32, f16, bf16}) {
    const Tensor here = randn({7, 9}, {dtype, device}, 5);
    expect_same_bits(here, randn({7, 9}, {dtype, "cpu"}, 5));
    expect_same_bits(to_device(to_device(here, "cpu"), device), here);
    if (dtype != bf16) {
      expect_same_bits(to_device(here.transpose(0, 1), "cpu"), here.transpose(0, 1));
    }
  }
  const std::vector<int32_t> ids = {3, 1, 2};
  EXPECT_EQ(from_values(ids, {3}, {i32, device}).to_vector<int32_t>(), ids);
  expect_same_bits(full({300, 70}, 1.5, {f32, device}), full({300, 70}, 1.5, {f32, "cpu"}));
  EXPECT_EQ(zeros({0, 3}, {f32, device}).to_vector<float>().size(), 0u);
}

// Copies of 4 GiB and more were silently incomplete: they are cut.
METAL_TEST(MetalEncoder, LargeCopiesAreCut) {
  static_assert(metal::kMaxBlit < int64_t{4} << 30);
  const Tensor from = numbers({1000}, device, 1), to = zeros({1000}, {f32, device});
  if (is_metal_sim(device)) reset_sim_counters();
  metal::submit("copy", [from = from.data(), to = to.data()](metal::Encoder& e) {
    e.copy(to, from, 4000, 1024);
    e.copy(to, from, 0);  // Metal's validation ends the program over an empty one
  });
  if (is_metal_sim(device)) {
    EXPECT_EQ(sim_counters().blits, 4u);
  }
  expect_same_bits(to, from);
}

// An exception inside an encode leaves the queue usable.
METAL_TEST(MetalEncoder, FailureWhileEncodingNamesTheOperation) {
  const Tensor x = numbers({8, 8}, device, 1), before = mps::matmul(x, x);
  const std::string told = message_of(ErrorCode::device_failure, [] {
    metal::submit("broken", [](metal::Encoder& e) {
      e.blit();
      throw std::runtime_error("no more of it");
    });
  });
  EXPECT_EQ(told.find("[broken] failed on metal"), 0u) << told;
  const Tensor after = mps::matmul(x, x);
  expect_same_bits(after, before);
  expect_product(after, x, x);
}

TEST(MetalObjectCache, ForgetsWhatIsLongestUnused) {
  metal::ObjectCache cache(3);
  int made = 0;
  static const char kind = 0, other_kind = 0;
  const auto get = [&](uint64_t key) {
    return cache.get<uint64_t>({&kind, {key}}, [&] { return ++made, key * 10; });
  };
  EXPECT_EQ(get(1), 10u);
  get(2), get(3), get(1);
  EXPECT_EQ(made, 3);
  get(4);  // 2 goes
  EXPECT_EQ(cache.size(), 3u);
  get(1), get(3);
  EXPECT_EQ(made, 4);
  EXPECT_EQ(get(2), 20u);
  EXPECT_EQ(made, 5);
  EXPECT_EQ((cache.get<int>({&other_kind, {2}}, [] { return 7; })), 7);
}

// Kernels of our own, run by an executor that knows one: it adds.
class OwnKernels {
 public:
  explicit OwnKernels(Device device) : sim_(is_metal_sim(device)) { use(&executor_); }
  ~OwnKernels() { use(nullptr); }
  OwnKernels(const OwnKernels&) = delete;
  OwnKernels& operator=(const OwnKernels&) = delete;

 private:
  void use(metal_sim::KernelExecutor* executor) {
    if (!sim_) return;
    sim_function<void(metal_sim::KernelExecutor*)>(
        "_ZN9metal_sim12set_executorEPNS_14KernelExecutorE")(executor);
  }
  bool sim_;
  sim::TestExecutor executor_;
};

constexpr metal::KernelSource kAdd{
    "add",
    "kernel void add(device const float* a [[buffer(0)]], device const float* b [[buffer(1)]],\n"
    "                device float* c [[buffer(2)]], uint i [[thread_position_in_grid]]) {\n"
    "  c[i] = a[i] + b[i];\n"
    "}\n"};

Tensor add_by_kernel(const Tensor& a, const Tensor& b, UInt group = 64) {
  Tensor c = empty(a.shape(), {f32, a.device()});
  metal::submit("add", [x = a.data(), y = b.data(), z = c.data(), group,
                        n = static_cast<UInt>(a.numel())](metal::Encoder& e) {
    const metal::Pipeline& add = e.pipeline(kAdd, "add");
    e.dispatch(add, {n, 1, 1}, {group, 1, 1}, e.reads(x), e.reads(y), e.writes(z));
  });
  return c;
}

METAL_TEST(MetalKernels, RunInOrderWithMpsAndCopies) {
  const OwnKernels own(device);
  const Tensor a = numbers({16, 16}, device, 1), b = numbers({16, 16}, device, 2);
  const auto chain = [&] {
    Tensor x = add_by_kernel(a, b);
    x = add_by_kernel(mps::matmul(x, b), x);
    return mps::matmul(contiguous(x.transpose(0, 1)), add_by_kernel(x, x));
  };
  const Tensor s = add(to_device(a, "cpu"), to_device(b, "cpu"));
  const Tensor t = add(matmul(s, to_device(b, "cpu")), s);
  expect_product(chain(), contiguous(t.transpose(0, 1)), add(t, t));
  if (!is_metal_sim(device)) return;
  const Deferred late(3);
  expect_product(chain(), contiguous(t.transpose(0, 1)), add(t, t));
  default_stream(device).wait();
  reset_sim_counters();
  for (int i = 0; i < 100; ++i) add_by_kernel(a, b);
  default_stream(device).wait();
  EXPECT_EQ(sim_counters().dispatches, 100u);
  EXPECT_EQ(sim_counters().encoders, 1u);  // it stays open
  EXPECT_EQ(sim_counters().commits, 1u);
}

METAL_TEST(MetalKernels, BadOnesAreErrors) {
  const OwnKernels own(device);
  const Tensor a = numbers({64}, device, 1);
  const std::string large =
      message_of(ErrorCode::device_failure, [&] { add_by_kernel(a, a, 2048); });
  EXPECT_NE(large.find("threadgroup of 2048 threads"), std::string::npos) << large;
  static constexpr metal::KernelSource kBroken{"broken", "broken"};
  const std::string broken = message_of(ErrorCode::device_failure, [&] {
    metal::submit("broken", [](metal::Encoder& e) { e.pipeline(kBroken, "add"); });
  });
  EXPECT_EQ(broken.find("[broken] failed on metal"), 0u) << broken;
  EXPECT_NE(broken.find("error"), std::string::npos) << broken;
  const Tensor twice = add_by_kernel(a, a);
  expect_same_bits(to_device(twice, "cpu"), scale(to_device(a, "cpu"), 2));
}

METAL_TEST(MetalGraph, ReplayGivesTheSameBitsAndSeesNewInputs) {
  const Tensor x = numbers({17, 64}, device, 1), w = numbers({64, 32}, device, 2);
  Tensor y;
  const auto work = [&] { y = mps::softmax(mps::matmul(x, w)); };
  const Graph graph = capture(default_stream(device), work);
  EXPECT_EQ(graph.size(), 2);
  expect_same_bits(y, mps::softmax(mps::matmul(x, w)));
  for (uint64_t seed : {3, 4, 5}) {
    copy_(x, numbers({17, 64}, device, seed));
    graph.replay();
    expect_same_bits(y, mps::softmax(mps::matmul(x, w)));
  }
  if (!is_metal_sim(device)) return;
  reset_sim_counters();
  for (int i = 0; i < 50; ++i) graph.replay();
  default_stream(device).wait();
  EXPECT_EQ(sim_counters().mps_encodes, 100u);
  EXPECT_EQ(sim_counters().commits, 1u);
}

// Work on another device inside a capture is done, but not part of it.
METAL_TEST(MetalGraph, KeepsToItsStream) {
  const Tensor x = numbers({4, 4}, device, 1), on_cpu = to_device(x, "cpu");
  const Graph graph = capture(default_stream(device), [&] {
    mps::matmul(x, x);
    add(on_cpu, on_cpu);
  });
  EXPECT_EQ(graph.size(), 1);
  const Graph other = capture(default_stream("cpu"), [&] {
    mps::matmul(x, x);
    add(on_cpu, on_cpu);
  });
  EXPECT_EQ(other.size(), 1);
}

METAL_TEST(MetalGraph, KeepsTheMemoryOfWhatItCaptured) {
  const Tensor x = numbers({64, 64}, device, 1), y = zeros({64, 64}, {f32, device});
  const int64_t before = memory_use(device).live;
  {
    const Graph graph = capture(default_stream(device), [&] {
      copy_(y, mps::matmul(mps::matmul(x, x), x));  // two intermediates are gone after this
    });
    EXPECT_GE(memory_use(device).live, before + 2 * 64 * 64 * 4);
    release_cached_memory(device);
    const Tensor other = full({64, 64}, 7, {f32, device}), more = full({64, 64}, 8, {f32, device});
    graph.replay();
    expect_same_bits(other, full({64, 64}, 7, {f32, "cpu"}));
    expect_same_bits(more, full({64, 64}, 8, {f32, "cpu"}));
    expect_same_bits(y, mps::matmul(mps::matmul(x, x), x));
  }
  EXPECT_EQ(memory_use(device).live, before);
}

}  // namespace
}  // namespace pewter::test
