// See checker.h. Books are kept per granule (the smallest unit the kernel reads or writes): in a
// row for threadgroup memory, in a hash table for buffers, of which only those that are written
// matter.
#include "checker.h"

#include <fmt/format.h>

#include <algorithm>

namespace metal_sim::air {
namespace {

constexpr size_t kMaxFindings = 8;

}  // namespace

Checker::Checker(const Program& program, const Dispatch& dispatch)
    : program_(program), dispatch_(dispatch), simd_epoch_(kMaxThreadsPerThreadgroup / kLanes) {
  device_.resize(1 << 12);
  for (uint32_t i = 0; i < program.bases.size(); ++i) {
    const Base& base = program.bases[i];
    Region region;
    region.base = i;
    region.threadgroup = base.kind != Base::Kind::buffer;
    if (base.kind == Base::Kind::buffer) {
      const MemoryRange& range = dispatch.buffers[base.index];
      region.begin = range.data;
      region.size = range.length;
      region.read_only = range.read_only;
      region.tracked = overlaps_written(range);
    } else if (base.kind != Base::Kind::none) {
      region.tracked = true;
      region.size = base.kind == Base::Kind::threadgroup_array
                        ? base.size
                        : dispatch.threadgroup_memory[base.index];
    }
    regions_.push_back(region);
  }
  for (const MemoryRange& range : dispatch.resident) {
    regions_.push_back({range.data, range.length, kUnknownBase, false, true, range.read_only});
  }
}

bool Checker::overlaps_written(const MemoryRange& range) const {
  for (const Base& base : program_.bases) {
    if (base.kind != Base::Kind::buffer || !base.written) continue;
    const MemoryRange& other = dispatch_.buffers[base.index];
    if (other.data < range.data + range.length && range.data < other.data + other.length)
      return true;
  }
  return false;
}

void Checker::begin_group(const GroupState& group, const std::byte* arena, size_t arena_size) {
  group_ = &group;
  arena_ = arena;
  ++serial_;
  epoch_ = 0;
  device_used_ = 0;
  std::fill(simd_epoch_.begin(), simd_epoch_.end(), 0);
  threadgroup_.resize(std::max(threadgroup_.size(), arena_size / program_.granule + 1));
  for (uint32_t i = 0; i < program_.bases.size(); ++i) {
    if (regions_[i].threadgroup) regions_[i].begin = group.bases[i];
  }
}

const Checker::Region* Checker::find(const std::byte* address, uint64_t size, uint32_t base) const {
  const auto inside = [&](const Region& r) {
    return address >= r.begin && size <= r.size && uint64_t(address - r.begin) <= r.size - size;
  };
  if (base != kUnknownBase) return inside(regions_[base]) ? &regions_[base] : nullptr;
  const auto found = std::find_if(regions_.begin(), regions_.end(), inside);
  return found == regions_.end() ? nullptr : &*found;
}

bool Checker::access(uint32_t thread, const void* address, uint64_t size, uint32_t base,
                     uint32_t flags) {
  if (size == 0) return true;
  line_ = flags >> kAccessLineShift;
  const auto* at = static_cast<const std::byte*>(address);
  const bool write = flags & kAccessWrite;
  const Region* region = find(at, size, base);
  const char* verb = write ? "write" : "read";
  if (!region) {
    out_of_bounds_ = true;
    std::string where = "to no buffer that is bound";
    if (base != kUnknownBase) {
      const Region& meant = regions_[base];
      where = meant.begin ? fmt::format("at offset {} of {}, which has {} bytes", at - meant.begin,
                                        base_name(base), meant.size)
                          : fmt::format("of {}, which is not bound", base_name(base));
    }
    report("bounds", base,
           fmt::format("out of bounds: {} of {} bytes {}, {}", verb, size, where,
                       thread_name(thread)));
    return false;
  }
  if (write && region->read_only) {
    report("read-only", region->base,
           fmt::format("write to {}, which is read-only, {}", base_name(region->base),
                       thread_name(thread)));
    return false;
  }
  if (region->tracked) track(*region, thread, at, size, flags);
  return true;
}

bool Checker::private_access(uint32_t thread, const void* address, uint64_t size,
                             const void* object, uint64_t object_size) {
  line_ = 0;
  const auto offset =
      static_cast<const std::byte*>(address) - static_cast<const std::byte*>(object);
  if (offset >= 0 && size <= object_size && uint64_t(offset) <= object_size - size) return true;
  out_of_bounds_ = true;
  report(
      "private", 0,
      fmt::format(
          "out of bounds: access of {} bytes at offset {} of a thread's own array of {} bytes, {}",
          size, offset, object_size, thread_name(thread)));
  return false;
}

void Checker::diverged_barrier(uint32_t thread) {
  line_ = 0;
  report("barrier", 0,
         fmt::format("threads of one group wait at different barriers, {}", thread_name(thread)));
}

void Checker::track(const Region& region, uint32_t thread, const std::byte* address, uint64_t size,
                    uint32_t flags) {
  const uint64_t granule = program_.granule;
  if (region.threadgroup) {
    const size_t first = size_t(address - arena_) / granule;
    const size_t last = size_t(address - arena_ + size - 1) / granule;
    for (size_t i = first; i <= last; ++i)
      judge(threadgroup_[i], region, thread, address + (i - first) * granule, flags);
    return;
  }
  const uint64_t first = reinterpret_cast<uint64_t>(address) / granule;
  const uint64_t last = (reinterpret_cast<uint64_t>(address) + size - 1) / granule;
  for (uint64_t key = first; key <= last; ++key)
    judge(device_cell(key), region, thread, address + (key - first) * granule, flags);
}

bool Checker::conflicts(const Stamp& old, const Stamp& now) const {
  if (!old.set || old.thread == now.thread || old.epoch != now.epoch || (old.atomic && now.atomic))
    return false;
  const bool together = old.thread / kLanes == now.thread / kLanes;
  return !together || old.simd_epoch == now.simd_epoch;
}

void Checker::judge(Cell& cell, const Region& region, uint32_t thread, const std::byte* at,
                    uint32_t flags) {
  if (cell.group != serial_) {
    cell = Cell{{}, {}, {}, cell.key, serial_};
  }
  const bool write = flags & kAccessWrite, atomic = flags & kAccessAtomic;
  Stamp now;
  now.epoch = epoch_;
  now.simd_epoch = simd_epoch_[thread / kLanes];
  now.thread = thread;
  now.atomic = atomic;
  now.set = 1;
  const bool reads = !write || (flags & kAccessExchange);
  if (region.threadgroup && !cell.write.set && reads) {
    report("unwritten", region.base,
           fmt::format("read before written: offset {} of {}, {}", at - region.begin,
                       base_name(region.base), thread_name(thread)));
  }
  if (conflicts(cell.write, now)) {
    report_race(region, cell.write, true, now, write, at);
  } else if (write && conflicts(cell.read, now)) {
    report_race(region, cell.read, false, now, write, at);
  } else if (write && conflicts(cell.other_read, now)) {
    report_race(region, cell.other_read, false, now, write, at);
  }
  if (write) {
    cell.write = now;
  } else {
    remember_read(cell, now);
  }
}

// Two readers are enough to know that whoever writes next races with one of them, if they are from
// different threads; from different simdgroups they stay so over a simdgroup's barrier.
void Checker::remember_read(Cell& cell, const Stamp& now) const {
  const bool fresh =
      !cell.read.set || cell.read.epoch != now.epoch || cell.read.thread == now.thread;
  if (fresh) {
    cell.read = now;
    return;
  }
  const bool other_fresh = !cell.other_read.set || cell.other_read.epoch != now.epoch;
  const bool apart = cell.other_read.thread / kLanes != cell.read.thread / kLanes;
  if (other_fresh || !apart) cell.other_read = now;
}

Checker::Cell& Checker::device_cell(uint64_t key) {
  if (device_used_ * 2 > device_.size()) grow();
  const size_t mask = device_.size() - 1;
  for (size_t i = size_t(key * 0x9e3779b97f4a7c15u >> 20) & mask;; i = (i + 1) & mask) {
    Cell& cell = device_[i];
    if (cell.group == serial_ && cell.key == key) return cell;
    if (cell.group != serial_) {
      ++device_used_;
      cell = Cell{{}, {}, {}, key, serial_};
      return cell;
    }
  }
}

void Checker::grow() {
  std::vector<Cell> old(device_.size() * 2);
  old.swap(device_);
  device_used_ = 0;
  for (const Cell& cell : old) {
    if (cell.group == serial_) device_cell(cell.key) = cell;
  }
}

void Checker::report_race(const Region& region, const Stamp& old, bool old_write, const Stamp& now,
                          bool write, const std::byte* at) {
  report("race", region.base,
         fmt::format("data race at offset {} of {}: {} by {}, {} by {}, no barrier between",
                     at - region.begin, base_name(region.base), old_write ? "written" : "read",
                     thread_name(old.thread), write ? "written" : "read", thread_name(now.thread)));
}

void Checker::report(std::string_view kind, uint32_t base, std::string message) {
  if (findings_.size() >= kMaxFindings || !seen_.emplace(kind, base).second) return;
  if (line_ > 0) message += fmt::format(", line {}", line_);
  findings_.push_back(std::move(message));
}

std::string Checker::thread_name(uint32_t thread) const {
  const auto* t = group_->threads;
  const auto* g = group_->position;
  return fmt::format("thread ({}, {}, {}) of threadgroup ({}, {}, {})", thread % t[0],
                     thread / t[0] % t[1], thread / t[0] / t[1], g[0], g[1], g[2]);
}

std::string Checker::base_name(uint32_t base) const {
  if (base >= program_.bases.size()) return "a resident resource";
  const Base& b = program_.bases[base];
  if (b.kind == Base::Kind::buffer) return fmt::format("buffer {} '{}'", b.index, b.name);
  if (b.kind == Base::Kind::threadgroup_array) return fmt::format("threadgroup array '{}'", b.name);
  return fmt::format("threadgroup memory {} '{}'", b.index, b.name);
}

}  // namespace metal_sim::air
