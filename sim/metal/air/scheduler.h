// Runs the threads of one threadgroup after another on one OS thread. Where threads wait for each
// other every thread has a stack and the scheduler switches between them; where none waits, they
// are called in a row.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checker.h"
#include "fiber.h"
#include "program.h"
#include "simd_ops.h"

namespace metal_sim::air {

class GroupRunner;

struct Lane {
  enum class State : uint8_t { ready, at_barrier, at_simd, done };
  void* stack_pointer = nullptr;
  GroupRunner* runner = nullptr;
  uint32_t index = 0;
  State state = State::ready;
  uint32_t site = 0;  // where it waits
  SimdRequest request;
};

class GroupRunner : public GroupState {
 public:
  GroupRunner(const Program& program, const Dispatch& dispatch);
  // False when the checks found something that ends the dispatch.
  bool run(uint64_t group);
  const Checker* checker() const { return checker_.get(); }
  Checker* checker() { return checker_.get(); }

  // Called on a lane's stack.
  void wait(Lane& lane, Lane::State state, uint32_t site);
  [[noreturn]] void abandon();  // the running lane, and with it the group

  // Threadgroups of the dispatch.
  static Size3 groups(const Dispatch& dispatch);

 private:
  void place(uint64_t group);
  void lay_out_memory();
  void run_in_a_row();
  void run_waiting();
  void make_lanes(uint32_t count);
  void run_simdgroup(uint32_t simdgroup);
  bool release_simdgroup(uint32_t simdgroup);
  bool release_barrier();
  void switch_to(Lane& lane);
  void shuffle(std::vector<uint32_t>& order);
  uint64_t random();
  static void lane_main(void* lane);
  static void row_main(void* runner);
  uint32_t thread_count() const { return threads[0] * threads[1] * threads[2]; }

  const Program& program_;
  const Dispatch& dispatch_;
  Size3 groups_;
  std::vector<std::byte*> pointers_;  // what `bases` points to
  std::vector<std::byte> memory_;     // threadgroup memory
  std::byte* arena_ = nullptr;
  size_t arena_size_ = 0;
  std::vector<Lane> lanes_;
  std::vector<uint32_t> order_, lane_order_;
  std::unique_ptr<Checker> checker_;
  Stacks* stacks_ = nullptr;
  void* own_stack_pointer_ = nullptr;
  void** running_ = nullptr;  // where the running fiber's stack pointer is kept
  bool abandoned_ = false;
  uint64_t random_state_ = 1;
};

// All threadgroups, over the processor's threads. Empty text: all went well.
struct RunResult {
  bool out_of_bounds = false;
  std::vector<std::string> findings;
};
RunResult run_dispatch(const Program& program, const Dispatch& dispatch);

}  // namespace metal_sim::air
