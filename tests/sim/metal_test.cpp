// Metal's compute objects, with an executor made of C++ functions.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "sim/mps_support.h"
#include "sim/test_executor.h"

namespace sim {
namespace {

id buffer_of(std::initializer_list<float> values) {
  return send(device(),
              "newBufferWithBytes:length:options:", static_cast<const void*>(values.begin()),
              values.size() * sizeof(float), 0ul);
}
float at(id buffer, size_t i) { return send<float*>(buffer, "contents")[i]; }

TEST(Device, SaysWhatItIs) {
  const Pool pool;
  EXPECT_FALSE(text(send(device(), "name")).empty());
  EXPECT_TRUE(send<bool>(device(), "supportsFamily:", 1007l));
  EXPECT_TRUE(send<bool>(device(), "supportsFamily:", 5001l));
  EXPECT_FALSE(send<bool>(device(), "supportsFamily:", 5002l));
  EXPECT_EQ(send<Size>(device(), "maxThreadsPerThreadgroup").width, 1024u);
  EXPECT_TRUE(send<bool>(device(), "hasUnifiedMemory"));
  const Own all(MTLCopyAllDevices());
  EXPECT_EQ(send(all, "objectAtIndex:", 0ul), device());
}

TEST(Buffers, AreZeroSharedOrPrivate) {
  const Own shared(send(device(), "newBufferWithLength:options:", 100000ul, 0ul));
  const Own hidden(send(device(), "newBufferWithLength:options:", 64ul, 0x20ul));
  const auto* bytes = send<const char*>(shared, "contents");
  EXPECT_TRUE(std::all_of(bytes, bytes + 100000, [](char c) { return c == 0; }));
  EXPECT_EQ(send<void*>(hidden, "contents"), nullptr);
  EXPECT_EQ(send<unsigned long>(hidden, "storageMode"), 2u);
}

TEST(Buffers, OutOfMemoryIsNilAndTheNextOneWorks) {
  metal_sim_set_memory_limit(counters().bytes_alive + (1 << 20));
  EXPECT_EQ(send(device(), "newBufferWithLength:options:", 2ul << 20, 0ul), nullptr);
  const Own fits(send(device(), "newBufferWithLength:options:", 1000ul, 0ul));
  EXPECT_NE(id(fits), nullptr);
  metal_sim_set_memory_limit(0);
}

TEST(Buffers, NoCopyUsesTheCallersPages) {
  void* pages = std::aligned_alloc(16384, 16384);
  int freed = 0;
  {
    Block<void*, unsigned long> done([&](void* p, unsigned long n) {
      EXPECT_EQ(p, pages);
      EXPECT_EQ(n, 16384u);
      ++freed;
    });
    const Own buffer(send(device(), "newBufferWithBytesNoCopy:length:options:deallocator:", pages,
                          16384ul, 0ul, done.get()));
    EXPECT_EQ(send<void*>(buffer, "contents"), pages);
  }
  EXPECT_EQ(freed, 1);
  std::free(pages);
}

TEST(Buffers, HeapGivesNilWhenFull) {
  const Own descriptor(send("MTLHeapDescriptor", "new"));
  send<void>(descriptor, "setSize:", 4096ul);
  send<void>(descriptor, "setStorageMode:", 0ul);
  const Own heap(send(device(), "newHeapWithDescriptor:", id(descriptor)));
  {
    const Own first(send(heap, "newBufferWithLength:options:", 3000ul, 0ul));
    EXPECT_NE(id(first), nullptr);
    EXPECT_EQ(send(heap, "newBufferWithLength:options:", 3000ul, 0ul), nullptr);
  }
  const Own again(send(heap, "newBufferWithLength:options:", 4000ul, 0ul));
  EXPECT_NE(id(again), nullptr);
}

TEST(Commands, BlitsRunInOrder) {
  const Pool pool;
  const Own a(buffer_of({1, 2, 3, 4})), b(buffer_of({0, 0, 0, 0}));
  run([&](id buffer) {
    const id blit = send(buffer, "blitCommandEncoder");
    send<void>(blit, "copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:", id(a), 4ul,
               id(b), 0ul, 8ul);
    send<void>(blit, "fillBuffer:range:value:", id(a), Range{0, 4}, static_cast<unsigned char>(0));
    send<void>(blit, "endEncoding");
  });
  EXPECT_EQ(at(b, 0), 2);
  EXPECT_EQ(at(b, 1), 3);
  EXPECT_EQ(at(a, 0), 0);
}

TEST(Commands, HandlersRunBeforeTheWaitEnds) {
  const Pool pool;
  std::vector<int> order;
  Block<id> scheduled([&](id) { order.push_back(1); });
  Block<id> completed([&](id b) {
    EXPECT_EQ(send<unsigned long>(b, "status"), 4u);
    order.push_back(2);
  });
  const id buffer = send(queue(), "commandBuffer");
  send<void>(buffer, "addScheduledHandler:", scheduled.get());
  send<void>(buffer, "addCompletedHandler:", completed.get());
  send<void>(buffer, "commit");
  send<void>(buffer, "waitUntilCompleted");
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_GE(send<double>(buffer, "GPUEndTime"), send<double>(buffer, "GPUStartTime"));
  EXPECT_GT(send<double>(buffer, "GPUStartTime"), 0);
}

TEST(Commands, EnqueuedBuffersRunInThatOrder) {
  const Pool pool;
  std::vector<int> order;
  const id first = send(queue(), "commandBuffer"), second = send(queue(), "commandBuffer");
  Block<id> one([&](id) { order.push_back(1); }), two([&](id) { order.push_back(2); });
  send<void>(first, "addCompletedHandler:", one.get());
  send<void>(second, "addCompletedHandler:", two.get());
  send<void>(first, "enqueue");
  send<void>(second, "commit");
  EXPECT_TRUE(order.empty());
  send<void>(first, "commit");
  send<void>(second, "waitUntilCompleted");
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(Commands, EventsOrderTwoQueues) {
  const Pool pool;
  const Own other(send(device(), "newCommandQueue")), event(send(device(), "newSharedEvent"));
  const id waiting = send(other, "commandBuffer");
  send<void>(waiting, "encodeWaitForEvent:value:", id(event), 5ul);
  send<void>(waiting, "commit");
  EXPECT_LT(send<unsigned long>(waiting, "status"), 4u);
  const id signalling = send(queue(), "commandBuffer");
  send<void>(signalling, "encodeSignalEvent:value:", id(event), 5ul);
  send<void>(signalling, "commit");
  send<void>(waiting, "waitUntilCompleted");
  EXPECT_EQ(send<unsigned long>(waiting, "status"), 4u);
  EXPECT_EQ(send<unsigned long>(event, "signaledValue"), 5u);
  EXPECT_TRUE(send<bool>(event, "waitUntilSignaledValue:timeoutMS:", 5ul, 0ul));
  EXPECT_FALSE(send<bool>(event, "waitUntilSignaledValue:timeoutMS:", 6ul, 1ul));
}

TEST(Commands, AFailureTakesTheNextOnesAlongUntilItIsSeen) {
  const Pool pool;
  metal_sim_fail_next_command_buffer(3);
  const id bad = send(queue(), "commandBuffer"), behind = send(queue(), "commandBuffer");
  send<void>(bad, "commit");
  send<void>(behind, "commit");
  send<void>(bad, "waitUntilCompleted");
  EXPECT_EQ(send<unsigned long>(bad, "status"), 5u);
  EXPECT_EQ(send<long>(send(bad, "error"), "code"), 3);
  EXPECT_EQ(text(send(send(bad, "error"), "domain")), "MTLCommandBufferErrorDomain");
  EXPECT_EQ(send<unsigned long>(behind, "status"), 5u);
  EXPECT_NE(text(send(send(behind, "error"), "localizedDescription")).find("Ignored"),
            std::string::npos);
  run([](id) {});
}

TEST(Commands, TheBoundBlocksUntilOneIsDone) {
  const Pool pool;
  const Own small(send(device(), "newCommandQueueWithMaxCommandBufferCount:", 1ul));
  const id first = send(small, "commandBuffer");
  objc_retain(first);
  std::atomic<bool> got = false;
  std::thread other([&] {
    const Pool inner;
    send(small, "commandBuffer");
    got = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_FALSE(got);
  send<void>(first, "commit");
  other.join();
  EXPECT_TRUE(got);
  objc_release(first);
}

TEST(CommandsDeathTest, RefusesWhatMetalRefuses) {
  const Pool pool;
  const id done = send(queue(), "commandBuffer");
  send<void>(done, "commit");
  EXPECT_DEATH(send<void>(done, "commit"),
               "failed assertion `commit an already committed command buffer'");
  Block<id> late([](id) {});
  EXPECT_DEATH(send<void>(done, "addCompletedHandler:", late.get()),
               "Completed handler provided after commit call");
  EXPECT_DEATH(send(done, "computeCommandEncoder"), "_status < MTLCommandBufferStatusCommitted");
  EXPECT_DEATH(
      {
        const id b = send(queue(), "commandBuffer");
        send(b, "computeCommandEncoder");
        send<void>(b, "commit");
      },
      "commit command buffer with uncommitted encoder");
  EXPECT_DEATH(
      {
        const id b = send(queue(), "commandBuffer");
        send(b, "computeCommandEncoder");
        send(b, "blitCommandEncoder");
      },
      "A command encoder is already encoding to this command buffer");
  EXPECT_DEATH(
      {
        const Pool inner;
        send(send(queue(), "commandBuffer"), "computeCommandEncoder");
      },
      "Command encoder released without endEncoding");
  EXPECT_DEATH(
      {
        const id e = send(send(queue(), "commandBuffer"), "computeCommandEncoder");
        send<void>(e, "endEncoding");
        send<void>(e, "endEncoding");
      },
      "endEncoding has already been called");
  EXPECT_DEATH(send(device(), "newBufferWithLength:options:", 0ul, 0ul),
               "Cannot create buffer of zero length.");
}

// These tests bring an executor of their own, or want none: the one beside the library stays out.
[[maybe_unused]] const int no_executor = setenv("METAL_SIM_EXECUTOR", "/nowhere/executor.so", 1);

TEST(Libraries, WithoutAnExecutorTheErrorSaysSo) {
  const Pool pool;
  metal_sim::set_executor(nullptr);
  id error = nullptr;
  const id library =
      send(device(), "newLibraryWithSource:options:error:", string("kernel void f() {}"),
           id(nullptr), &error);
  EXPECT_EQ(library, nullptr);
  EXPECT_EQ(text(send(error, "domain")), "MTLLibraryErrorDomain");
  EXPECT_NE(text(send(error, "localizedDescription")).find("no kernel executor"),
            std::string::npos);
}

class Kernels : public ::testing::Test {
 protected:
  void SetUp() override { metal_sim::set_executor(&executor_); }
  void TearDown() override { metal_sim::set_executor(nullptr); }
  id pipeline(const char* name) {
    const Own library(send(device(), "newLibraryWithSource:options:error:", string("fake"),
                           id(nullptr), &error_));
    const Own function(send(library, "newFunctionWithName:", string(name)));
    return send(device(), "newComputePipelineStateWithFunction:error:", id(function), &error_);
  }
  TestExecutor executor_;
  id error_ = nullptr;
  Pool pool_;
};

TEST_F(Kernels, AddRuns) {
  const Own state(pipeline("add"));
  EXPECT_EQ(send<unsigned long>(state, "threadExecutionWidth"), 32u);
  const Own a(buffer_of({1, 2, 3, 4})), b(buffer_of({10, 20, 30, 40})), c(buffer_of({0, 0, 0, 0}));
  run([&](id buffer) {
    const id e = send(buffer, "computeCommandEncoder");
    send<void>(e, "setComputePipelineState:", id(state));
    send<void>(e, "setBuffer:offset:atIndex:", id(a), 0ul, 0ul);
    send<void>(e, "setBuffer:offset:atIndex:", id(b), 4ul, 1ul);
    send<void>(e, "setBuffer:offset:atIndex:", id(c), 0ul, 2ul);
    send<void>(e, "dispatchThreads:threadsPerThreadgroup:", Size{3, 1, 1}, Size{32, 1, 1});
    send<void>(e, "endEncoding");
  });
  EXPECT_EQ(at(c, 0), 21);
  EXPECT_EQ(at(c, 2), 43);
  EXPECT_EQ(at(c, 3), 0);
}

TEST_F(Kernels, InlineBytesAreCopied) {
  const Own state(pipeline("add"));
  const Own b(buffer_of({1, 1})), c(buffer_of({0, 0}));
  run([&](id buffer) {
    const id e = send(buffer, "computeCommandEncoder");
    send<void>(e, "setComputePipelineState:", id(state));
    float values[2] = {5, 6};
    send<void>(e, "setBytes:length:atIndex:", static_cast<const void*>(values), sizeof values, 0ul);
    values[0] = 100;
    send<void>(e, "setBuffer:offset:atIndex:", id(b), 0ul, 1ul);
    send<void>(e, "setBuffer:offset:atIndex:", id(c), 0ul, 2ul);
    send<void>(e, "dispatchThreadgroups:threadsPerThreadgroup:", Size{2, 1, 1}, Size{1, 1, 1});
    send<void>(e, "endEncoding");
  });
  EXPECT_EQ(at(c, 0), 6);
  EXPECT_EQ(at(c, 1), 7);
}

TEST_F(Kernels, ARunThatFailsIsThePageFaultOfItsCommandBuffer) {
  const Own state(pipeline("add"));
  const Own small(buffer_of({1}));
  const id buffer = send(queue(), "commandBuffer");
  const id e = send(buffer, "computeCommandEncoder");
  send<void>(e, "setComputePipelineState:", id(state));
  for (unsigned long i = 0; i < 3; ++i)
    send<void>(e, "setBuffer:offset:atIndex:", id(small), 0ul, i);
  send<void>(e, "dispatchThreads:threadsPerThreadgroup:", Size{2, 1, 1}, Size{32, 1, 1});
  send<void>(e, "endEncoding");
  send<void>(buffer, "commit");
  send<void>(buffer, "waitUntilCompleted");
  EXPECT_EQ(send<unsigned long>(buffer, "status"), 5u);
  EXPECT_EQ(send<long>(send(buffer, "error"), "code"), 3);
}

TEST_F(Kernels, CompileErrorsAreNSErrors) {
  const id library =
      send(device(), "newLibraryWithSource:options:error:", string("broken"), id(nullptr), &error_);
  EXPECT_EQ(library, nullptr);
  EXPECT_EQ(send<long>(error_, "code"), 3);
  EXPECT_EQ(text(send(error_, "localizedDescription")), "program_source:1:1: error: broken");
}

TEST_F(Kernels, RefusesWhatTheDebugLayerRefuses) {
  const Own state(pipeline("add"));
  const id e = send(send(queue(), "commandBuffer"), "computeCommandEncoder");
  EXPECT_DEATH(
      send<void>(e, "dispatchThreads:threadsPerThreadgroup:", Size{1, 1, 1}, Size{1, 1, 1}),
      "compute pipeline state must be set");
  send<void>(e, "setComputePipelineState:", id(state));
  EXPECT_DEATH(
      send<void>(e, "dispatchThreads:threadsPerThreadgroup:", Size{1, 1, 1}, Size{1025, 1, 1}),
      "must be <= 1024. \\(device threadgroup size limit\\)");
  EXPECT_DEATH(
      send<void>(e, "dispatchThreads:threadsPerThreadgroup:", Size{1, 1, 1}, Size{1, 1, 1}),
      "missing Buffer binding at index 0 for a");
  const char bytes[8] = {};
  EXPECT_DEATH(
      send<void>(e, "setBytes:length:atIndex:", static_cast<const void*>(bytes), 5000ul, 0ul),
      "length\\(5000\\) must be <= 4096.");
  EXPECT_DEATH(
      send<void>(e, "setBytes:length:atIndex:", static_cast<const void*>(nullptr), 8ul, 0ul),
      "bytes argument cannot be nil.");
  send<void>(e, "endEncoding");
}

}  // namespace
}  // namespace sim
