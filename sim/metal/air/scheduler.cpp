// See scheduler.h. Lanes of a simdgroup run until each waits or is done. Then the lanes at one
// simdgroup operation are taken as the active ones; if lanes wait at several, the one that comes
// first in the program goes first, so that lanes which took different ways meet again where a GPU's
// would. Threads at threadgroup barriers go on when all that are not done have come.
#include "scheduler.h"

#include <algorithm>
#include <numeric>

#include "error.h"

namespace metal_sim::air {
namespace {

constexpr size_t kStackBytes = 32 << 10;  // for the runtime's own functions and libm
constexpr std::byte kUnbound[4096] = {};  // what an argument without a buffer points to

uint32_t word(uint64_t value) { return uint32_t(std::min<uint64_t>(value, UINT32_MAX)); }

Stacks& thread_stacks() {
  static thread_local Stacks stacks;
  return stacks;
}

}  // namespace

Size3 GroupRunner::groups(const Dispatch& d) {
  const auto count = [](uint64_t grid, uint64_t threads) { return (grid + threads - 1) / threads; };
  return {count(d.grid.x, d.threadgroup.x), count(d.grid.y, d.threadgroup.y),
          count(d.grid.z, d.threadgroup.z)};
}

GroupRunner::GroupRunner(const Program& program, const Dispatch& dispatch)
    : program_(program), dispatch_(dispatch), groups_(groups(dispatch)) {
  const Size3 sizes[] = {dispatch.grid, groups_, dispatch.threadgroup};
  uint32_t* fields[] = {threads_per_grid, groups_per_grid, full_threads};
  for (int i = 0; i < 3; ++i) {
    fields[i][0] = word(sizes[i].x);
    fields[i][1] = word(sizes[i].y);
    fields[i][2] = word(sizes[i].z);
  }
  lay_out_memory();
  if (dispatch.checks) checker_ = std::make_unique<Checker>(program, dispatch);
  stacks_ = &thread_stacks();
  const size_t size = kStackBytes + 2 * size_t(program.private_bytes);
  const size_t count = program.synchronises ? dispatch.threadgroup.count() : 1;
  if (program.synchronises || checker_) stacks_->reserve(count, size);
}

void GroupRunner::lay_out_memory() {
  std::vector<size_t> offsets(program_.bases.size());
  size_t total = 0;
  for (size_t i = 0; i < offsets.size(); ++i) {
    const Base& base = program_.bases[i];
    if (base.kind != Base::Kind::threadgroup_array && base.kind != Base::Kind::threadgroup_argument)
      continue;
    const size_t align =
        base.kind == Base::Kind::threadgroup_array ? std::max<size_t>(base.alignment, 1) : 16;
    total = (total + align - 1) / align * align;
    offsets[i] = total;
    total += base.kind == Base::Kind::threadgroup_array ? base.size
                                                        : dispatch_.threadgroup_memory[base.index];
  }
  memory_.resize(total + 256);
  arena_ = memory_.data() + (256 - reinterpret_cast<uintptr_t>(memory_.data()) % 256) % 256;
  arena_size_ = total;
  for (size_t i = 0; i < offsets.size(); ++i) {
    const Base& base = program_.bases[i];
    if (base.kind == Base::Kind::buffer) {
      std::byte* bound = dispatch_.buffers[base.index].data;
      pointers_.push_back(bound ? bound : const_cast<std::byte*>(kUnbound));
    } else {
      pointers_.push_back(arena_ + offsets[i]);
    }
  }
  bases = pointers_.data();
}

void GroupRunner::place(uint64_t group) {
  const uint64_t at[] = {group % groups_.x, group / groups_.x % groups_.y,
                         group / groups_.x / groups_.y};
  const uint64_t full[] = {dispatch_.threadgroup.x, dispatch_.threadgroup.y,
                           dispatch_.threadgroup.z};
  const uint64_t grid[] = {dispatch_.grid.x, dispatch_.grid.y, dispatch_.grid.z};
  for (int i = 0; i < 3; ++i) {
    position[i] = word(at[i]);
    threads[i] = word(std::min(full[i], grid[i] - at[i] * full[i]));
  }
  simdgroups = (thread_count() + kLanes - 1) / kLanes;
  quadgroups = (thread_count() + 3) / 4;
  random_state_ = (dispatch_.seed ^ (group * 0x9e3779b97f4a7c15u)) | 1;
}

bool GroupRunner::run(uint64_t group) {
  place(group);
  if (checker_) checker_->begin_group(*this, arena_, arena_size_);
  if (program_.synchronises) {
    run_waiting();
  } else if (checker_) {
    void* fiber = make_fiber(stacks_->stack(0), stacks_->size(), row_main, this);
    running_ = &fiber;
    pewter_air_switch(&own_stack_pointer_, fiber);
  } else if (program_.group && dispatch_.seed == 0) {
    program_.group(this);
  } else {
    run_in_a_row();
  }
  return !abandoned_;
}

void GroupRunner::run_in_a_row() {
  order_.resize(thread_count());
  std::iota(order_.begin(), order_.end(), 0);
  if (dispatch_.seed != 0) shuffle(order_);
  for (const uint32_t i : order_) {
    program_.thread(this, nullptr, i % threads[0], i / threads[0] % threads[1],
                    i / threads[0] / threads[1]);
  }
}

void GroupRunner::row_main(void* runner) {
  auto& self = *static_cast<GroupRunner*>(runner);
  self.run_in_a_row();
  pewter_air_switch(self.running_, self.own_stack_pointer_);
}

void GroupRunner::lane_main(void* lane) {
  auto& self = *static_cast<Lane*>(lane);
  GroupRunner& r = *self.runner;
  const uint32_t i = self.index;
  r.program_.thread(&r, &self, i % r.threads[0], i / r.threads[0] % r.threads[1],
                    i / r.threads[0] / r.threads[1]);
  r.wait(self, Lane::State::done, 0);
}

void GroupRunner::make_lanes(uint32_t count) {
  lanes_.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    Lane& lane = lanes_[i];
    lane.runner = this;
    lane.index = i;
    lane.state = Lane::State::ready;
    lane.stack_pointer = make_fiber(stacks_->stack(i), stacks_->size(), lane_main, &lane);
  }
}

void GroupRunner::run_waiting() {
  make_lanes(thread_count());
  order_.resize(simdgroups);
  std::iota(order_.begin(), order_.end(), 0);
  do {
    if (dispatch_.seed != 0) shuffle(order_);
    for (const uint32_t simdgroup : order_) {
      run_simdgroup(simdgroup);
      if (abandoned_) return;
    }
  } while (release_barrier());
}

void GroupRunner::run_simdgroup(uint32_t simdgroup) {
  const uint32_t first = simdgroup * kLanes;
  lane_order_.resize(std::min(kLanes, uint32_t(lanes_.size()) - first));
  std::iota(lane_order_.begin(), lane_order_.end(), first);
  do {
    if (dispatch_.seed != 0) shuffle(lane_order_);
    for (const uint32_t i : lane_order_) {
      if (lanes_[i].state == Lane::State::ready) switch_to(lanes_[i]);
      if (abandoned_) return;
    }
  } while (release_simdgroup(simdgroup));
}

// Carries out the first operation that lanes wait at; false if none does.
bool GroupRunner::release_simdgroup(uint32_t simdgroup) {
  const uint32_t first = simdgroup * kLanes;
  const uint32_t count = std::min(kLanes, uint32_t(lanes_.size()) - first);
  uint32_t site = UINT32_MAX;
  for (uint32_t i = 0; i < count; ++i) {
    const Lane& lane = lanes_[first + i];
    if (lane.state == Lane::State::at_simd) site = std::min(site, lane.site);
  }
  if (site == UINT32_MAX) return false;
  Requests requests{};
  bool barrier = false;
  for (uint32_t i = 0; i < count; ++i) {
    Lane& lane = lanes_[first + i];
    if (lane.state != Lane::State::at_simd || lane.site != site) continue;
    requests[i] = &lane.request;
    barrier = lane.request.op == SimdOp::barrier;
    lane.state = Lane::State::ready;
  }
  execute(requests);
  if (barrier && checker_) checker_->simdgroup_barrier(simdgroup);
  return true;
}

// Every lane waits at a barrier or is done; false if all are done.
bool GroupRunner::release_barrier() {
  const Lane* waiting = nullptr;
  bool diverged = false;
  for (Lane& lane : lanes_) {
    if (lane.state != Lane::State::at_barrier) continue;
    diverged = diverged || (waiting && waiting->site != lane.site);
    waiting = &lane;
    lane.state = Lane::State::ready;
  }
  if (!waiting) return false;
  if (checker_) {
    if (diverged) checker_->diverged_barrier(waiting->index);
    checker_->barrier();
  }
  return true;
}

void GroupRunner::switch_to(Lane& lane) {
  running_ = &lane.stack_pointer;
  pewter_air_switch(&own_stack_pointer_, lane.stack_pointer);
}

void GroupRunner::wait(Lane& lane, Lane::State state, uint32_t site) {
  lane.state = state;
  lane.site = site;
  pewter_air_switch(&lane.stack_pointer, own_stack_pointer_);
}

void GroupRunner::abandon() {
  abandoned_ = true;
  pewter_air_switch(running_, own_stack_pointer_);
  std::abort();  // nothing switches back to what was abandoned
}

uint64_t GroupRunner::random() {
  random_state_ ^= random_state_ << 13;
  random_state_ ^= random_state_ >> 7;
  random_state_ ^= random_state_ << 17;
  return random_state_;
}

void GroupRunner::shuffle(std::vector<uint32_t>& order) {
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
}

extern "C" {

void pewter_air_barrier(Lane* lane, uint32_t site) {
  lane->runner->wait(*lane, Lane::State::at_barrier, site);
}

void pewter_air_simd(Lane* lane, uint32_t site, uint32_t op, uint32_t type, uint32_t count,
                     uint32_t width, void* value, const void* other, int32_t amount,
                     int32_t modulo) {
  lane->request = {SimdOp(op), ElementType(type), count,   width,  value,
                   other,      nullptr,           nullptr, amount, modulo};
  lane->runner->wait(*lane, Lane::State::at_simd, site);
}

void pewter_air_mma(Lane* lane, uint32_t site, uint32_t types, void* d, const void* a,
                    const void* b, const void* c) {
  lane->request = {SimdOp::mma, ElementType::f32, types, kLanes, d, a, b, c, 0, 0};
  lane->runner->wait(*lane, Lane::State::at_simd, site);
}

void pewter_air_check(GroupState* group, uint32_t thread, const void* address, uint64_t size,
                      uint32_t base, uint32_t flags) {
  auto& runner = *static_cast<GroupRunner*>(group);
  if (!runner.checker()->access(thread, address, size, base, flags)) runner.abandon();
}

void pewter_air_check_private(GroupState* group, uint32_t thread, const void* address,
                              uint64_t size, const void* object, uint64_t object_size) {
  auto& runner = *static_cast<GroupRunner*>(group);
  if (!runner.checker()->private_access(thread, address, size, object, object_size))
    runner.abandon();
}

}  // extern "C"

}  // namespace metal_sim::air
