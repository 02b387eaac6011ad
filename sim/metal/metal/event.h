// Events and fences. A queue that waits for an event's value stops and goes on when it is
// signalled.
#pragma once

#include <condition_variable>

#include "sim/metal/metal/device.h"

namespace metal_sim {

struct Fence : Object {
  SIM_CLASS(Fence, MTLSimFence)
  Ref<Device> device;
  Ref<String> label;
};

struct Event : Object {
  SIM_CLASS(Event, MTLSimEvent)
  Ref<Device> device;
  Ref<String> label;
  uint64_t value = 0;  // guarded by event_mutex()
  std::vector<Ref<Queue>> stalled;
  struct Notification {
    uint64_t at;
    const Block* block;
  };
  std::vector<Notification> notifications;

  bool reached(uint64_t wanted);
  bool stall(Queue* queue, uint64_t wanted);  // false: it was reached meanwhile
  void signal(uint64_t value);
};

struct Listener : Object {
  SIM_CLASS(Listener, MTLSharedEventListener)
  id queue = nullptr;
  Listener* init_queue(id queue);
};

struct SharedEvent : Event {
  SIM_CLASS(SharedEvent, MTLSimSharedEvent)
  unsigned long signaled() const;
  void set_signaled(unsigned long value);
  void notify(Listener* listener, unsigned long value, const Block* block);
  bool wait(unsigned long value, unsigned long timeout_ms);
};

}  // namespace metal_sim
