// The checks that a Mac has not: each with a program that must be told and one that must not.
#include <thread>
#include <vector>

#include "sim/mps_support.h"

namespace sim {
namespace {

// Checks on for one test in a process of its own; `body` decides what the process ends with.
template <typename F>
[[noreturn]] void with_checks(F body) {
  metal_sim_set_checks(1);
  metal_sim_forget_findings();
  body();
  std::exit(0);
}

TEST(ChecksDeathTest, ObjectsAliveAtExit) {
  EXPECT_EXIT(with_checks([] { send(device(), "newBufferWithLength:options:", 64ul, 0ul); }),
              ::testing::ExitedWithCode(70), "1 object\\(s\\) of class MTLSimBuffer alive at exit");
  EXPECT_EXIT(
      with_checks([] { objc_release(send(device(), "newBufferWithLength:options:", 64ul, 0ul)); }),
      ::testing::ExitedWithCode(0), "");
}

TEST(ChecksDeathTest, ThreadsWithoutAPool) {
  EXPECT_EXIT(with_checks([] { std::thread([] { string("loose"); }).join(); }),
              ::testing::ExitedWithCode(70),
              "class NSString was autoreleased on a thread with no autorelease pool");
  EXPECT_EXIT(with_checks([] {
                std::thread([] {
                  const Pool pool;
                  string("in a pool");
                }).join();
              }),
              ::testing::ExitedWithCode(0), "");
}

TEST(ChecksDeathTest, PilesOfQueues) {
  const auto queues = [](int n) {
    with_checks([n] {
      std::vector<id> all;
      for (int i = 0; i < n; ++i) all.push_back(send(device(), "newCommandQueue"));
      for (id q : all) objc_release(q);
    });
  };
  EXPECT_EXIT(queues(20), ::testing::ExitedWithCode(70), "16 command queues are alive at once");
  EXPECT_EXIT(queues(3), ::testing::ExitedWithCode(0), "");
}

void make_buffers(int n, bool commit) {
  with_checks([=] {
    const Own one(send(device(), "newCommandQueue"));
    const Pool pool;
    for (int i = 0; i < n; ++i) {
      const id b = send(one, "commandBuffer");
      if (commit) send<void>(b, "commit");
    }
  });
}

TEST(ChecksDeathTest, PilesOfCommandBuffers) {
  EXPECT_DEATH(make_buffers(65, false),
               "64 command buffers of one queue were made and not committed");
  EXPECT_EXIT(make_buffers(600, true), ::testing::ExitedWithCode(70),
              "512 command buffers are alive at once");
  EXPECT_EXIT(make_buffers(64, false), ::testing::ExitedWithCode(0), "");
}

void read_result(bool wait) {
  with_checks([=] {
    metal_sim_set_mode(METAL_SIM_DEFERRED, 0);
    const Own one(send(device(), "newCommandQueue")),
        result(send(device(), "newBufferWithLength:options:", 64ul, 0ul));
    const Pool pool;
    const id b = send(one, "commandBuffer");
    const id blit = send(b, "blitCommandEncoder");
    send<void>(blit, "fillBuffer:range:value:", id(result), Range{0, 64},
               static_cast<unsigned char>(7));
    send<void>(blit, "endEncoding");
    send<void>(b, "commit");
    if (wait) send<void>(b, "waitUntilCompleted");
    const int expected = wait ? 7 : 0;
    if (send<unsigned char*>(result, "contents")[0] != expected) std::exit(1);
    send<void>(b, "waitUntilCompleted");
  });
}

TEST(ChecksDeathTest, ContentsReadBeforeTheWait) {
  EXPECT_EXIT(read_result(false), ::testing::ExitedWithCode(70),
              "before the command buffer that writes it was waited for");
  EXPECT_EXIT(read_result(true), ::testing::ExitedWithCode(0), "");
}

TEST(ChecksDeathTest, DeferredWorkRunsByItself) {
  const auto polls = [] {
    metal_sim_set_mode(METAL_SIM_DEFERRED, 0);
    const Pool pool;
    bool called = false;
    Block<id> done([&](id) { called = true; });
    const id b = send(send(device(), "newCommandQueue"), "commandBuffer");
    send<void>(b, "addCompletedHandler:", done.get());
    send<void>(b, "commit");
    if (called) std::exit(1);
    while (send<unsigned long>(b, "status") < 4) std::this_thread::yield();
    send<void>(b, "waitUntilCompleted");
    std::exit(called ? 0 : 2);
  };
  EXPECT_EXIT(polls(), ::testing::ExitedWithCode(0), "");
}

TEST(ChecksDeathTest, MessagesToTheDead) {
  EXPECT_DEATH(with_checks([] {
                 const id b = send(device(), "newBufferWithLength:options:", 64ul, 0ul);
                 objc_release(b);
                 send<unsigned long>(b, "length");
               }),
               "-\\[MTLSimBuffer length\\]: message sent to deallocated instance");
}

}  // namespace
}  // namespace sim
