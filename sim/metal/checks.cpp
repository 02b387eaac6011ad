// Counting and complaining; see checks.h and include/metal_sim/metal_sim.h.
#include "sim/metal/checks.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <vector>

#include "sim/metal/objc/bind.h"

namespace metal_sim {

constinit std::atomic<bool> checks_flag = false;
constinit Counters counters{};

extern "C" {
extern thread_local int64_t metal_sim_thread_messages;
// Hidden and initial-exec: the assembly adds to it without a call.
__attribute__((
    visibility("hidden"),
    tls_model("initial-exec"))) constinit thread_local int64_t metal_sim_thread_messages = -1;
}

namespace {

constinit std::mutex mutex;  // of what follows
constinit uint64_t finding_count = 0;
constinit uint64_t messages_base = 0, objects_base = 0;  // at the last reset
constinit uint64_t messages_of_ended_threads = 0;

std::string& last_finding() {
  static auto* text = new std::string;
  return *text;
}
std::vector<const int64_t*>& threads() {
  static auto* all = new std::vector<const int64_t*>;
  return *all;
}

uint64_t count_of(const int64_t* thread) { return static_cast<uint64_t>(*thread + 1); }

struct ThreadLeaving {
  ~ThreadLeaving() {
    const std::lock_guard lock(mutex);
    messages_of_ended_threads += count_of(&metal_sim_thread_messages);
    std::erase(threads(), &metal_sim_thread_messages);
  }
};

struct Grave {
  id object;
  Class was;
};
constexpr size_t kGraves = 1 << 16;
std::deque<Grave>& graves() {
  static auto* all = new std::deque<Grave>;
  return *all;
}

// What a deallocated object's class becomes; it has no methods.
struct Zombie : objc_object {
  SIM_CLASS(Zombie, _MetalSimZombie)
};

uint64_t objects_made() {
  uint64_t n = 0;
  for (Class cls : all_classes()) n += static_cast<uint64_t>(cls->info->made.load());
  return n;
}
uint64_t alive(const std::atomic<int64_t>& n) {
  return static_cast<uint64_t>(std::max<int64_t>(0, n.load()));
}

bool is_shared_for_ever(const ClassInfo& info) { return info.counting == Counting::immortal; }

void report_alive() {
  for (Class cls : all_classes()) {
    const int64_t n = cls->info->alive;
    if (n <= 0 || is_shared_for_ever(*cls->info)) continue;
    finding(Finding::alive_at_exit,
            std::to_string(n) + " object(s) of class " + cls->info->name + " alive at exit");
  }
}

void at_exit() {
  if (!checks_on()) return;
  finish_late_work();
  report_alive();
  if (finding_count == 0) return;
  std::fprintf(stderr, "metal-sim: %lu finding(s)\n", static_cast<unsigned long>(finding_count));
  std::fflush(nullptr);
  _exit(70);
}

}  // namespace

extern "C" __attribute__((visibility("hidden"))) void metal_sim_new_thread() {
  {
    const std::lock_guard lock(mutex);
    threads().push_back(&metal_sim_thread_messages);
  }
  thread_local ThreadLeaving leaving;
  static_cast<void>(leaving);
}

uint64_t messages_sent() {
  const std::lock_guard lock(mutex);
  uint64_t n = messages_of_ended_threads;
  for (const int64_t* thread : threads()) n += count_of(thread);
  return n;
}

void finding(Finding, const std::string& text) {
  if (!checks_on()) return;
  const std::lock_guard lock(mutex);
  ++finding_count;
  last_finding() = text;
  std::fprintf(stderr, "metal-sim: %s\n", text.c_str());
}

void failed_assertion(const std::string& where, const std::string& text) {
  std::fprintf(stderr, "%s: failed assertion `%s'\n", where.c_str(), text.c_str());
  std::abort();
}

void bury(id object, Class cls) {
  object->isa = &Zombie::kClass;
  const std::lock_guard lock(mutex);
  graves().push_back({object, cls});
  if (graves().size() <= kGraves) return;
  std::free(&header_of(graves().front().object));
  graves().pop_front();
}

void register_checks() {
  fill_class(&Zombie::kClass, &Zombie::kMeta, nullptr, Zombie::kName, sizeof(objc_object));
  register_class(&Zombie::kClass);
  const char* wanted = std::getenv("METAL_SIM_CHECKS");
  checks_flag = wanted && *wanted && *wanted != '0';
  std::atexit(at_exit);
}

std::string zombie_class_name(id object) {
  if (object->isa != &Zombie::kClass) return {};
  const std::lock_guard lock(mutex);
  for (const Grave& g : graves()) {
    if (g.object == object) return g.was->info->name;
  }
  return "unknown";
}

}  // namespace metal_sim

using namespace metal_sim;

SIM_EXPORT void metal_sim_set_checks(int on) { checks_flag = on != 0; }
SIM_EXPORT int metal_sim_get_checks() { return checks_on(); }
SIM_EXPORT uint64_t metal_sim_findings() {
  const std::lock_guard lock(mutex);
  return finding_count;
}
SIM_EXPORT const char* metal_sim_last_finding() { return last_finding().c_str(); }
SIM_EXPORT void metal_sim_forget_findings() {
  const std::lock_guard lock(mutex);
  finding_count = 0;
  last_finding().clear();
}

SIM_EXPORT void metal_sim_get_counters(metal_sim_counters* out) {
  const Counters& c = counters;
  *out = {};
  out->messages = messages_sent() - messages_base;
  out->objects_made = objects_made() - objects_base;
  for (Class cls : all_classes()) {
    if (!is_shared_for_ever(*cls->info)) out->objects_alive += alive(cls->info->alive);
  }
  out->queues_made = c.queues;
  out->queues_alive = alive(c.queues_alive);
  out->command_buffers_made = c.command_buffers;
  out->command_buffers_alive = alive(c.command_buffers_alive);
  out->encoders = c.encoders;
  out->dispatches = c.dispatches;
  out->mps_encodes = c.mps_encodes;
  out->blits = c.blits;
  out->commits = c.commits;
  out->waits = c.waits;
  out->buffers_made = c.buffers;
  out->buffers_alive = alive(c.buffers_alive);
  out->bytes_made = c.bytes_made;
  out->bytes_alive = alive(c.bytes_alive);
  out->bytes_peak = alive(c.bytes_peak);
}

SIM_EXPORT void metal_sim_reset_counters() {
  messages_base = messages_sent();
  objects_base = objects_made();
  Counters& c = counters;
  for (auto* n : {&c.queues, &c.command_buffers, &c.encoders, &c.dispatches, &c.mps_encodes,
                  &c.blits, &c.commits, &c.waits, &c.buffers, &c.bytes_made}) {
    *n = 0;
  }
  c.bytes_peak = c.bytes_alive.load();
}
