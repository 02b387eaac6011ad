#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>
#include <utility>

#include "sim/metal/checks.h"
#include "sim/metal/metal/command.h"

namespace metal_sim {
namespace {

using Clock = std::chrono::steady_clock;

// More than this at once is a leak, not a design.
constexpr int64_t kManyQueues = 16, kManyCommandBuffers = 512;
constexpr auto kGrace = std::chrono::milliseconds(5);  // deferred work waits so long by itself

constinit std::atomic<bool> deferred_flag = false;
constinit std::atomic<uint64_t> seed_value = 0;

std::mutex& random_mutex() {
  static auto* m = new std::mutex;
  return *m;
}
std::mt19937_64& random_numbers() {
  static auto* r = new std::mt19937_64;
  return *r;
}

// Every queue alive, for look_at_everything.
std::mutex& queues_mutex() {
  static auto* m = new std::mutex;
  return *m;
}
std::vector<Queue*>& queues() {
  static auto* all = new std::vector<Queue*>;
  return *all;
}

// The thread that runs deferred work nobody waits for: handlers and polling need it.
class LateRunner {
 public:
  void add(Queue* queue) {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(started_, true)) std::thread([this] { loop(); }).detach();
    work_.push_back({Clock::now() + kGrace, Ref<Queue>(queue)});
    changed_.notify_all();
  }
  void finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return work_.empty() && !busy_; });
  }

 private:
  struct Item {
    Clock::time_point due;
    Ref<Queue> queue;
  };
  void loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return !work_.empty(); });
      Item item = std::move(work_.front());
      work_.pop_front();
      busy_ = true;
      lock.unlock();
      std::this_thread::sleep_until(item.due);
      {
        const Pool pool;
        item.queue->run_ready();
        item.queue = nullptr;
      }
      lock.lock();
      busy_ = false;
      changed_.notify_all();
    }
  }
  bool started_ = false, busy_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> work_;
};

LateRunner& late_runner() {
  static auto* runner = new LateRunner;
  return *runner;
}

}  // namespace

bool deferred() { return deferred_flag.load(std::memory_order_relaxed); }
uint64_t run_seed() { return seed_value.load(std::memory_order_relaxed); }
void finish_late_work() { late_runner().finish(); }
void run_later(Queue* queue) { late_runner().add(queue); }
bool run_early() {
  if (run_seed() == 0) return false;
  const std::lock_guard lock(random_mutex());
  return random_numbers()() % 4 == 0;
}

void set_mode(int mode, uint64_t seed) {
  deferred_flag = mode == METAL_SIM_DEFERRED;
  seed_value = seed;
  const std::lock_guard lock(random_mutex());
  random_numbers().seed(seed);
}

void look_at_everything() {
  if (!checks_on()) return;
  const std::lock_guard lock(queues_mutex());
  for (Queue* queue : queues()) {
    const std::lock_guard queue_lock(queue->mutex);
    const size_t running = queue->pending.size();
    while (queue->unobserved.size() > running) {
      queue->unobserved.front()->stage = WorkState::observed;
      queue->unobserved.pop_front();
    }
  }
}

Queue::Queue() {
  const std::lock_guard lock(queues_mutex());
  queues().push_back(this);
}
Queue::~Queue() {
  const std::lock_guard lock(queues_mutex());
  std::erase(queues(), this);
  counters.queues_alive.fetch_sub(1, std::memory_order_relaxed);
}

CommandBuffer* Queue::command_buffer() { return make_buffer(true, 0); }
CommandBuffer* Queue::command_buffer_unretained() { return make_buffer(false, 0); }
CommandBuffer* Queue::command_buffer_described(BufferDescriptor* d) {
  return d ? make_buffer(d->retained, d->error_options) : make_buffer(true, 0);
}

CommandBuffer* Queue::make_buffer(bool retains, unsigned long options) {
  {
    std::unique_lock lock(mutex);
    while (unfinished >= bound) {
      lock.unlock();
      run_ready();
      lock.lock();
      if (unfinished < bound) break;
      if (checks_on() && pending.empty()) {
        finding(Finding::pile_of_buffers,
                std::to_string(unfinished) +
                    " command buffers of one queue were made and not committed: "
                    "the next call of commandBuffer never returns");
        failed_assertion("-[MTLSimCommandQueue commandBuffer]",
                         "the queue's command buffers are used up");
      }
      changed.wait(lock, [&] { return unfinished < bound; });
    }
    ++unfinished;
  }
  auto* buffer = make<CommandBuffer>();
  buffer->queue = Ref<Queue>(this);
  buffer->retained = retains;
  buffer->error_options = options;
  count(counters.command_buffers);
  const int64_t alive = counters.command_buffers_alive.fetch_add(1, std::memory_order_relaxed) + 1;
  if (checks_on()) {
    buffer->state = std::make_shared<WorkState>();
    if (alive == kManyCommandBuffers) {
      finding(Finding::pile_of_buffers,
              std::to_string(alive) + " command buffers are alive at once");
    }
  }
  return static_cast<CommandBuffer*>(autorelease(buffer));
}

void Queue::enqueue(CommandBuffer* buffer) {
  const std::lock_guard lock(mutex);
  if (buffer->status_value >= Status::enqueued) return;
  buffer->status_value = Status::enqueued;
  pending.emplace_back(buffer);
}

void Queue::run_ready() {
  std::unique_lock lock(mutex);
  again = true;
  if (running) return;  // that thread will see `again`
  while (again && !pending.empty() && pending.front()->status_value >= Status::committed) {
    again = false;
    running = true;
    Ref<CommandBuffer> buffer = pending.front();
    lock.unlock();
    const bool done = buffer->run();
    lock.lock();
    running = false;
    if (!done) continue;
    pending.pop_front();
    again = true;
    changed.notify_all();
    lock.unlock();  // a handler may commit and wait itself
    buffer->call_completed();
    buffer = nullptr;
    lock.lock();
    if (running) return;
  }
}

void Queue::release_slot() {
  const std::lock_guard lock(mutex);
  --unfinished;
  changed.notify_all();
}

// Whoever saw this work's end knows that everything before it on the queue ended too.
void Queue::observed(const std::shared_ptr<WorkState>& state) {
  const std::lock_guard lock(mutex);
  if (std::find(unobserved.begin(), unobserved.end(), state) == unobserved.end()) return;
  while (!unobserved.empty()) {
    const auto first = std::move(unobserved.front());
    unobserved.pop_front();
    first->stage = WorkState::observed;
    if (first == state) return;
  }
}

void Queue::add_residency(ResidencySet* set) { residency.emplace_back(set); }
void Queue::add_residencies(ResidencySet* const* sets, unsigned long n) {
  for (unsigned long i = 0; i < n; ++i) add_residency(sets[i]);
}
void Queue::remove_residency(ResidencySet* set) {
  std::erase_if(residency, [&](const Ref<ResidencySet>& s) { return s.get() == set; });
}
void Queue::remove_residencies(ResidencySet* const* sets, unsigned long n) {
  for (unsigned long i = 0; i < n; ++i) remove_residency(sets[i]);
}

void note_new_queue() {
  count(counters.queues);
  const int64_t alive = counters.queues_alive.fetch_add(1, std::memory_order_relaxed) + 1;
  if (alive == kManyQueues) {
    finding(Finding::pile_of_queues,
            std::to_string(alive) + " command queues are alive at once; one is enough");
  }
}

}  // namespace metal_sim

namespace metal_sim {

void read_mode() {
  const char* mode = std::getenv("METAL_SIM_MODE");
  const char* seed = std::getenv("METAL_SIM_SEED");
  if (!mode && !seed) return;
  const bool late = mode && std::string_view(mode) == "deferred";
  set_mode(late ? METAL_SIM_DEFERRED : METAL_SIM_SYNCHRONOUS,
           seed ? std::strtoull(seed, nullptr, 10) : 0);
}

}  // namespace metal_sim

using namespace metal_sim;

SIM_EXPORT void metal_sim_set_mode(int mode, uint64_t seed) { set_mode(mode, seed); }
