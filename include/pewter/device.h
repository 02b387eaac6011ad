// Devices, streams and captured work. A Device is a name for a place that computes; work asked of
// it is queued in order and the host waits only where it reads a value.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pewter {

enum class DeviceKind : uint8_t {
  cpu,        // SIMD kernels on this machine's cores
  ref,        // the double-precision definitions of the ops, in plain loops: slow, for checking
  cuda,       // NVIDIA GPUs
  metal,      // Apple GPUs: macOS
  metal_sim,  // Metal in software, where there is no Mac; never chosen by default
};

class Device {
 public:
  Device();  // default_device()
  constexpr Device(DeviceKind kind, int index = 0) : kind_(kind), index_(index) {}
  // "cpu", "ref", "cuda", "cuda:1", "metal", "metal-sim"; throws ErrorCode::device for other names.
  Device(std::string_view name);
  Device(const char* name) : Device(std::string_view(name)) {}
  Device(const std::string& name) : Device(std::string_view(name)) {}

  DeviceKind kind() const { return kind_; }
  int index() const { return index_; }
  std::string name() const;
  friend bool operator==(Device a, Device b) = default;

 private:
  DeviceKind kind_;
  int index_ = 0;
};

// cpu; cuda and metal will come before it, the first present, once they have every op.
Device default_device();
// The devices this build has and this machine offers, in order of preference; `ref` is last.
std::vector<Device> devices();
bool is_present(Device device);

// What a device holds, in bytes. live: in use by tensors; cached: freed and kept for reuse. The
// scratch of the CPU's kernels is not in it: each thread that runs them keeps its own until it
// ends, about 0.2 MiB, and one that calls products also 1.2 KiB a row of the largest so far.
struct MemoryUse {
  int64_t live = 0;
  int64_t cached = 0;
  int64_t peak = 0;    // the largest live + cached so far
  int64_t budget = 0;  // live + cached never exceeds this
};
MemoryUse memory_use(Device device);
// An allocation that would exceed the budget throws ErrorCode::out_of_memory and leaves everything
// as it was. Throws ErrorCode::argument if bytes < 1.
void set_memory_budget(Device device, int64_t bytes);
void release_cached_memory(Device device);

// The queue of a device. Work enters it in program order. The CPU's stream runs each piece inside
// the call that queues it, so waiting for it returns at once. What fails on another device is told
// by the next wait or read that covers it, as an Error that names the ops.
class Stream {
 public:
  explicit Stream(Device device) : device_(device) {}
  Device device() const { return device_; }
  void wait() const;

 private:
  Device device_;
};
Stream default_stream(Device device);

// Work recorded once and run again: a CUDA graph on CUDA, a replayed list elsewhere. replay() runs
// the same kernels on the same memory, so what changes between runs is written into tensors that
// the captured function reads. Tensors made inside live in memory the graph owns.
class Graph {
 public:
  struct Impl;
  Graph() = default;
  explicit Graph(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  // Throws ErrorCode::argument if nothing was captured.
  void replay() const;
  int64_t size() const;  // pieces of work in it

 private:
  std::shared_ptr<Impl> impl_;
};
// Runs `work` once, for real, and records what it queues on `stream` from this thread. Throws
// ErrorCode::argument when this thread is capturing already.
Graph capture(const Stream& stream, const std::function<void()>& work);

// CPU threads used by one call, the caller's own included. Results never depend on it.
void set_num_threads(int threads);  // ErrorCode::argument unless 1 <= threads <= 1024
int num_threads();

}  // namespace pewter
