// What the simulator counts and what it complains of. A failed assertion is what Apple's layers
// abort with; a finding is what a Mac would not tell, kept only while checks are on.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "include/metal_sim/metal_sim.h"
#include "sim/metal/objc/abi.h"

namespace metal_sim {

enum class Finding {
  no_pool,
  read_before_wait,
  pile_of_buffers,
  pile_of_queues,
  alive_at_exit,
  zombie,
  hazard,
};

extern std::atomic<bool> checks_flag;
inline bool checks_on() { return checks_flag.load(std::memory_order_relaxed); }

void finding(Finding kind, const std::string& text);

// "where: failed assertion `text'" on stderr, then abort(), as Metal does.
[[noreturn]] void failed_assertion(const std::string& where, const std::string& text);

// With checks on, a deallocated object's memory is kept for a while and messages to it are told.
void bury(id object, Class cls);
std::string zombie_class_name(id object);  // "" for an object that is alive
void register_checks();

struct Counters {
  std::atomic<uint64_t> queues, command_buffers, encoders, dispatches, mps_encodes, blits, commits,
      waits, buffers, bytes_made;
  std::atomic<int64_t> bytes_alive, bytes_peak, queues_alive, command_buffers_alive, buffers_alive;
};
extern Counters counters;
inline void count(std::atomic<uint64_t>& what) { what.fetch_add(1, std::memory_order_relaxed); }
uint64_t messages_sent();
void finish_late_work();  // deferred work that nobody waited for (queue.cpp)

}  // namespace metal_sim
