// Watches the accesses of one threadgroup at a time: bounds, threadgroup memory read before it is
// written, and races. Two accesses race when different threads make them, one is a write, not both
// are atomic, and no barrier lies between. A threadgroup barrier is one for all; a simdgroup's
// barrier orders the threads of that simdgroup only. Whether a race is found does not depend on the
// order in which threads happened to run. Only accesses that were made are judged.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "../executor.h"
#include "program.h"

namespace metal_sim::air {

class Checker {
 public:
  Checker(const Program& program, const Dispatch& dispatch);

  // `bases` are the group's; those in threadgroup memory lie in [arena, arena + arena_size).
  void begin_group(const GroupState& group, const std::byte* arena, size_t arena_size);
  // False where the access must not be made; the group cannot go on then.
  bool access(uint32_t thread, const void* address, uint64_t size, uint32_t base, uint32_t flags);
  bool private_access(uint32_t thread, const void* address, uint64_t size, const void* object,
                      uint64_t object_size);
  void barrier() { ++epoch_; }
  void simdgroup_barrier(uint32_t simdgroup) { ++simd_epoch_[simdgroup]; }
  void diverged_barrier(uint32_t thread);

  bool clean() const { return findings_.empty(); }
  bool out_of_bounds() const { return out_of_bounds_; }
  const std::vector<std::string>& findings() const { return findings_; }

 private:
  struct Stamp {
    uint64_t epoch : 32 = 0, simd_epoch : 19 = 0, thread : 11 = 0, atomic : 1 = 0, set : 1 = 0;
  };
  struct Cell {
    Stamp write, read, other_read;
    uint64_t key = 0;
    uint32_t group = 0;  // the cell is empty when this is not the present group
  };
  struct Region {
    const std::byte* begin = nullptr;
    uint64_t size = 0;
    uint32_t base = kUnknownBase;
    bool threadgroup = false, tracked = false, read_only = false;
  };

  const Region* find(const std::byte* address, uint64_t size, uint32_t base) const;
  bool overlaps_written(const MemoryRange& range) const;
  void track(const Region& region, uint32_t thread, const std::byte* address, uint64_t size,
             uint32_t flags);
  void judge(Cell& cell, const Region& region, uint32_t thread, const std::byte* at,
             uint32_t flags);
  bool conflicts(const Stamp& old, const Stamp& now) const;
  void remember_read(Cell& cell, const Stamp& now) const;
  Cell& device_cell(uint64_t key);
  void grow();
  void report_race(const Region& region, const Stamp& old, bool old_write, const Stamp& now,
                   bool write, const std::byte* at);
  void report(std::string_view kind, uint32_t base, std::string message);
  std::string thread_name(uint32_t thread) const;
  std::string base_name(uint32_t base) const;

  const Program& program_;
  const Dispatch& dispatch_;
  const GroupState* group_ = nullptr;
  std::vector<Region> regions_;  // by base, then the resident ones
  std::vector<Cell> threadgroup_, device_;
  size_t device_used_ = 0;
  const std::byte* arena_ = nullptr;
  uint32_t serial_ = 0, epoch_ = 0;
  std::vector<uint32_t> simd_epoch_;
  std::vector<std::string> findings_;
  std::set<std::tuple<std::string, uint32_t>> seen_;
  bool out_of_bounds_ = false;
  uint32_t line_ = 0;  // of the access at hand
};

}  // namespace metal_sim::air
