// Captured work, for every device that keeps it as a list: the same pieces are run (on the CPU) or
// encoded (on Metal) again, on the same memory.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "allocator.h"

namespace pewter {

class Backend;

struct Captured {
  const char* op;
  std::function<void()> run;  // throws an Error that names the op
};

struct Graph::Impl {
  const Backend* of = nullptr;  // whose stream is recorded
  std::vector<Captured> work;
  std::shared_ptr<Allocator> pool;  // tensors made inside live here as long as the graph
};

// What this thread records into for `of`, or null.
Graph::Impl* recording(const Backend& of);

// Runs `work` and records what it queues on `of`; `memory` is the device's.
Graph record_graph(const Backend& of, const std::shared_ptr<Allocator>& memory,
                   const std::function<void()>& work);

// To be called while an exception is handled: throws it again, as an Error that names `op` if it is
// none yet: out_of_memory for std::bad_alloc, device_failure for all others.
[[noreturn]] void rethrow_naming(const char* op, const char* device);

}  // namespace pewter
