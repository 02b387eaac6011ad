// What the fake runtime counts. The library is both linked, for this, and loaded by the bindings.
#pragma once

#include <cstdint>
#include <vector>

struct FakeState {
  int live_objects = 0;
  int live_blocks = 0;
  int pushes = 0;         // of pools
  int without_pool = 0;   // objects that were autoreleased while the thread had no pool
  int registrations = 0;  // of selectors
  void* last_object = nullptr;
  std::vector<double> last;  // the last message's numbers
};

FakeState& fake_state();

extern "C" {
void* _Block_copy(const void* block);
void _Block_release(const void* block);
}
