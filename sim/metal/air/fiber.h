// Stacks that one OS thread switches between. 3 ns a switch, against 50 of ucontext, which enters
// the kernel for the signal mask.
#pragma once

#include <cstddef>
#include <cstdint>

namespace metal_sim::air {

extern "C" {
void pewter_air_switch(void** save, void* load);
void pewter_air_start();
}

// The stack pointer of a fresh fiber on [bottom, bottom + size), which will call entry(argument);
// entry must not return.
void* make_fiber(std::byte* bottom, size_t size, void (*entry)(void*), void* argument);

// Memory for `count` stacks in a row with an unmapped page below each; grows, never shrinks.
class Stacks {
 public:
  Stacks() = default;
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;
  ~Stacks();
  void reserve(size_t count, size_t size);
  std::byte* stack(size_t i) const { return memory_ + i * stride_ + guard_; }
  size_t size() const { return stride_ - guard_; }
  bool contains(const void* p) const { return p >= memory_ && p < memory_ + count_ * stride_; }

 private:
  void release();
  std::byte* memory_ = nullptr;
  size_t count_ = 0, stride_ = 0, guard_ = 0;
};

}  // namespace metal_sim::air
