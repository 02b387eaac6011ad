// See fiber.h.
#include "fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "error.h"

namespace metal_sim::air {

void* make_fiber(std::byte* bottom, size_t size, void (*entry)(void*), void* argument) {
  auto* top = reinterpret_cast<uint64_t*>(bottom + size / 16 * 16);
#if defined(__x86_64__)
  // r15 r14 r13 r12 rbx rbp, return address; at pewter_air_start the stack is aligned for its call.
  uint64_t* frame = top - 9;
  std::memset(frame, 0, 9 * sizeof *frame);
  frame[2] = reinterpret_cast<uint64_t>(entry);
  frame[3] = reinterpret_cast<uint64_t>(argument);
  frame[6] = reinterpret_cast<uint64_t>(&pewter_air_start);
#elif defined(__aarch64__)
  uint64_t* frame = top - 20;
  std::memset(frame, 0, 20 * sizeof *frame);
  frame[0] = reinterpret_cast<uint64_t>(argument);
  frame[1] = reinterpret_cast<uint64_t>(entry);
  frame[11] = reinterpret_cast<uint64_t>(&pewter_air_start);
#else
#error "fibers are written for x86-64 and aarch64"
#endif
  return frame;
}

Stacks::~Stacks() { release(); }

void Stacks::release() {
  if (memory_) munmap(memory_, count_ * stride_);
  memory_ = nullptr;
  count_ = 0;
}

void Stacks::reserve(size_t count, size_t size) {
  const size_t page = size_t(sysconf(_SC_PAGESIZE));
  const size_t stride = (size + page - 1) / page * page + page;
  if (count <= count_ && stride <= stride_) return;
  const size_t wide = std::max(stride, stride_);
  count = std::max(count, count_);
  release();
  stride_ = wide;
  guard_ = page;
  void* memory = mmap(nullptr, count * stride_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    fail(FailureKind::out_of_memory, "{} stacks of {} bytes: {}", count, stride_,
         std::strerror(errno));
  }
  memory_ = static_cast<std::byte*>(memory);
  count_ = count;
  for (size_t i = 0; i < count; ++i) {
    if (mprotect(memory_ + i * stride_, page, PROT_NONE) != 0) {
      fail(FailureKind::out_of_memory, "guard page of stack {}: {}", i, std::strerror(errno));
    }
  }
}

}  // namespace metal_sim::air
