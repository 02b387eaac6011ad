#include "sim/metal/metal/event.h"

#include <algorithm>
#include <chrono>

#include "sim/metal/metal/encoder.h"

namespace metal_sim {
namespace {

// One lock for all events' values: they are few and touched rarely.
std::mutex& event_mutex() {
  static auto* m = new std::mutex;
  return *m;
}
std::condition_variable& event_changed() {
  static auto* c = new std::condition_variable;
  return *c;
}

void call(const Block* block, id event, uint64_t value) {
  reinterpret_cast<void (*)(const Block*, id, uint64_t)>(block->invoke)(block, event, value);
  _Block_release(block);
}

}  // namespace

Result EventJob::run() {
  if (kind == signal_event) event->signal(value);
  return {};
}

bool Event::reached(uint64_t wanted) {
  const std::lock_guard lock(event_mutex());
  return value >= wanted;
}

bool Event::stall(Queue* queue, uint64_t wanted) {
  const std::lock_guard lock(event_mutex());
  if (value >= wanted) return false;
  stalled.emplace_back(queue);
  return true;
}

void Event::signal(uint64_t fresh) {
  std::vector<Ref<Queue>> go_on;
  std::vector<Notification> due;
  {
    const std::lock_guard lock(event_mutex());
    value = std::max(value, fresh);
    go_on.swap(stalled);
    const auto late = std::stable_partition(notifications.begin(), notifications.end(),
                                            [&](const Notification& n) { return n.at > value; });
    due.assign(late, notifications.end());
    notifications.erase(late, notifications.end());
  }
  event_changed().notify_all();
  for (const Notification& n : due) call(n.block, this, n.at);
  for (const Ref<Queue>& queue : go_on) queue->run_ready();
}

Listener* Listener::init_queue(id given) {
  queue = given;
  return this;
}

unsigned long SharedEvent::signaled() const {
  uint64_t seen;
  {
    const std::lock_guard lock(event_mutex());
    seen = value;
  }
  look_at_everything();
  return seen;
}
void SharedEvent::set_signaled(unsigned long fresh) {
  {
    const std::lock_guard lock(event_mutex());
    if (fresh < value) value = fresh;  // the host may set it back
  }
  signal(fresh);
}
void SharedEvent::notify(Listener*, unsigned long at, const Block* block) {
  const auto* copy = static_cast<const Block*>(_Block_copy(block));
  {
    const std::lock_guard lock(event_mutex());
    if (value < at) {
      notifications.push_back({at, copy});
      return;
    }
  }
  call(copy, this, at);
}
bool SharedEvent::wait(unsigned long wanted, unsigned long timeout_ms) {
  bool reached;
  {
    std::unique_lock lock(event_mutex());
    const auto there = [&] { return value >= wanted; };
    if (timeout_ms == ~0ul) {
      event_changed().wait(lock, there);
      reached = true;
    } else {
      reached = event_changed().wait_for(lock, std::chrono::milliseconds(timeout_ms), there);
    }
  }
  if (reached) look_at_everything();
  return reached;
}

}  // namespace metal_sim
