#include <algorithm>
#include <ctime>

#include "sim/metal/checks.h"
#include "sim/metal/metal/encoder.h"

SIM_STRING(MTLCommandBufferErrorDomain, "MTLCommandBufferErrorDomain");
SIM_STRING(MTLCommandBufferEncoderInfoErrorKey, "MTLCommandBufferEncoderInfoErrorKey");

namespace metal_sim {

constinit std::atomic<bool> null_execution = false;

namespace {

constexpr auto kPatience = std::chrono::seconds(2);  // for a commit from another thread
constinit std::atomic<int> next_failure = 0;

struct GpuError {
  int code;
  const char* text;
};
// MTLCommandBufferError and what drivers print; some pairings are guesses.
constexpr GpuError kErrors[] = {
    {1, "Internal Error (0000000e:Internal Error)"},
    {2, "Caused GPU Timeout Error (00000002:kIOGPUCommandBufferCallbackErrorTimeout)"},
    {3, "Caused GPU Address Fault Error (0000000b:kIOGPUCommandBufferCallbackErrorPageFault)"},
    {4,
     "Ignored (for causing prior/excessive GPU errors) "
     "(00000004:kIOGPUCommandBufferCallbackErrorSubmissionsIgnored)"},
    {8, "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)"},
    {9, "Invalid Resource (00000009:kIOGPUCommandBufferCallbackErrorInvalidResource)"},
};

int code_of(FailureKind kind) {
  const int code = static_cast<int>(kind) - 100;
  return code > 0 ? code : 1;
}

Failure failure_of(int code, std::string detail = {}) {
  return {static_cast<FailureKind>(code + 100), std::move(detail)};
}

Ref<Error> error_of(const Failure& failure, const std::vector<Ref<EncoderInfo>>& encoders,
                    bool with_info) {
  const int code = code_of(failure.kind);
  const auto* known = std::find_if(std::begin(kErrors), std::end(kErrors),
                                   [&](const GpuError& e) { return e.code == code; });
  std::string message = known != std::end(kErrors) ? known->text : kErrors[0].text;
  if (!failure.message.empty()) message += ": " + failure.message;
  Ref<Error> error(error_with(MTLCommandBufferErrorDomain, code, message));
  if (with_info) {
    std::vector<Ref<Object>> all;
    for (const Ref<EncoderInfo>& e : encoders) all.emplace_back(e.get());
    error->info->put(MTLCommandBufferEncoderInfoErrorKey, array(std::move(all)));
  }
  return error;
}

void call(const Block* block, id argument) {
  reinterpret_cast<void (*)(const Block*, id)>(block->invoke)(block, argument);
  _Block_release(block);
}

}  // namespace

double now_seconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

CommandBuffer::~CommandBuffer() {
  counters.command_buffers_alive.fetch_sub(1, std::memory_order_relaxed);
  if (holds_slot && queue) queue->release_slot();
  for (const Block* block : scheduled) _Block_release(block);
  for (const Block* block : completed) _Block_release(block);
}

void CommandBuffer::enqueue() { queue->enqueue(this); }

void CommandBuffer::commit() {
  if (status_value >= Status::committed) {
    failed_assertion("-[IOGPUMetalCommandBuffer validate]:214",
                     "commit an already committed command buffer");
  }
  if (open_encoder) {
    failed_assertion("-[IOGPUMetalCommandBuffer validate]:215",
                     "commit command buffer with uncommitted encoder");
  }
  count(counters.commits);
  queue->enqueue(this);
  {
    const std::lock_guard lock(queue->mutex);
    if (state) {
      state->stage = WorkState::committed;
      queue->unobserved.push_back(state);
      for (Buffer* buffer : written) buffer->writer = state;
    }
    if (run_seed()) jobs.shuffle(run_seed());
    next_job = jobs.first();
    status_value = Status::committed;
    queue->changed.notify_all();
  }
  if (!deferred() || run_early()) {
    queue->run_ready();
  } else {
    run_later(queue.get());
  }
}

bool CommandBuffer::run() {
  if (status_value == Status::committed) {
    status_value = Status::scheduled;
    kernel_start = gpu_start = now_seconds();
    for (const Block* block : std::exchange(scheduled, {})) call(block, this);
  }
  if (queue->faulted) return finish(failure_of(4)), true;
  if (const int code = next_failure.exchange(0)) return finish(failure_of(code)), true;
  const bool idle = null_execution.load(std::memory_order_relaxed);
  while (next_job) {
    Job* job = next_job;
    if (job->kind == Job::wait_event) {
      auto* wait = static_cast<EventJob*>(job);
      if (wait->event->stall(queue.get(), wait->value)) return false;
    } else if (job->kind == Job::signal_event || !idle) {
      if (Result failure = job->run()) return finish(std::move(failure)), true;
    }
    next_job = job->next;
  }
  finish({});
  return true;
}

void CommandBuffer::finish(Result failure) {
  gpu_end = kernel_end = now_seconds();
  if (failure) {
    for (const Ref<EncoderInfo>& e : encoders) e->state = 2;  // affected
    error_object = error_of(*failure, encoders, error_options & 1);
    queue->faulted = true;
  }
  jobs.clear();
  next_job = nullptr;
  kept.clear();
  status_value = failure ? Status::error : Status::completed;
  holds_slot = false;
  queue->release_slot();
}

void CommandBuffer::call_completed() {
  for (const Block* block : std::exchange(completed, {})) {
    mark_observed();
    call(block, this);
  }
  const std::lock_guard lock(queue->mutex);
  handled = true;
  queue->changed.notify_all();
}

void CommandBuffer::mark_observed() {
  if (status_value == Status::error) {
    const std::lock_guard lock(queue->mutex);
    queue->faulted = false;
  }
  if (state && state->stage == WorkState::committed) queue->observed(state);
}

void CommandBuffer::add_scheduled(const Block* block) {
  if (status_value >= Status::committed) {
    failed_assertion("-[_MTLCommandBuffer addScheduledHandler:]:976",
                     "Scheduled handler provided after commit call");
  }
  scheduled.push_back(static_cast<const Block*>(_Block_copy(block)));
}
void CommandBuffer::add_completed(const Block* block) {
  if (status_value >= Status::committed) {
    failed_assertion("-[_MTLCommandBuffer addCompletedHandler:]:1011",
                     "Completed handler provided after commit call");
  }
  completed.push_back(static_cast<const Block*>(_Block_copy(block)));
}

void CommandBuffer::wait_scheduled() {
  if (deferred()) queue->run_ready();
  std::unique_lock lock(queue->mutex);
  queue->changed.wait(lock, [&] { return status_value >= Status::scheduled; });
}

void CommandBuffer::wait_completed() {
  count(counters.waits);
  if (status_value < Status::committed) {
    std::unique_lock lock(queue->mutex);
    if (!queue->changed.wait_for(lock, kPatience,
                                 [&] { return status_value >= Status::committed; })) {
      failed_assertion("-[_MTLCommandBuffer waitUntilCompleted]",
                       "waiting for a command buffer that is not committed never ends");
    }
  }
  const auto over = [&] { return status_value >= Status::completed && handled; };
  if (!over()) {
    queue->run_ready();
    std::unique_lock lock(queue->mutex);
    queue->changed.wait(lock, over);
  }
  mark_observed();
}

Status CommandBuffer::status() {
  const Status s = status_value;
  if (s >= Status::completed) mark_observed();
  return s;
}
Error* CommandBuffer::error() {
  if (status_value < Status::completed) return nullptr;
  mark_observed();
  return error_object.get();
}
Device* CommandBuffer::device() const { return queue->device.get(); }
id CommandBuffer::logs() const { return nullptr; }
void CommandBuffer::push_debug(String*) {}
void CommandBuffer::pop_debug() {}

void CommandBuffer::check_open(const char* method) {
  if (status_value >= Status::committed) {
    failed_assertion(
        "-[IOGPUMetalCommandBuffer setCurrentCommandEncoder:]:323",
        std::string("_status < MTLCommandBufferStatusCommitted at line 323 in ") + method);
  }
  if (open_encoder)
    failed_assertion(method, "A command encoder is already encoding to this command buffer");
}

void CommandBuffer::begin(objc_object* encoder, String* encoder_label) {
  open_encoder = encoder;
  if (!(error_options & 1)) return;
  auto info = make_ref<EncoderInfo>();
  info->label = Ref<String>(encoder_label);
  info->state = 3;  // pending
  encoders.push_back(std::move(info));
}

void CommandBuffer::writes(Buffer* buffer) {
  if (state && buffer) written.push_back(buffer);
}

Array* EncoderInfo::signposts() const { return array({}); }

ComputeEncoder* CommandBuffer::compute_encoder() {
  return compute_encoder_typed(DispatchType::serial);
}
ComputeEncoder* CommandBuffer::compute_encoder_typed(DispatchType type) {
  check_open("-[IOGPUMetalCommandBuffer setCurrentCommandEncoder:]");
  auto encoder = make_ref<ComputeEncoder>();
  encoder->open(this);
  encoder->type = type;
  return encoder.autoreleased();
}
ComputeEncoder* CommandBuffer::compute_encoder_described(PassDescriptor* d) {
  return compute_encoder_typed(d ? d->type : DispatchType::serial);
}
BlitEncoder* CommandBuffer::blit_encoder() {
  check_open("-[IOGPUMetalCommandBuffer setCurrentCommandEncoder:]");
  auto encoder = make_ref<BlitEncoder>();
  encoder->open(this);
  return encoder.autoreleased();
}
BlitEncoder* CommandBuffer::blit_encoder_described(id) { return blit_encoder(); }

void CommandBuffer::encode_wait(Event* event, unsigned long value) {
  if (open_encoder) {
    failed_assertion("-[IOGPUMetalCommandBuffer encodeWaitForEvent:value:timeout:]:488",
                     "encodeWaitForEvent:value: with uncommitted encoder");
  }
  check_open("-[IOGPUMetalCommandBuffer encodeWaitForEvent:value:]");
  keep(event);
  jobs.add<EventJob>(Job::wait_event, event, value);
}
void CommandBuffer::encode_signal(Event* event, unsigned long value) {
  if (open_encoder) {
    failed_assertion("-[IOGPUMetalCommandBuffer encodeSignalEvent:value:]:460",
                     "encodeSignalEvent:value: with uncommitted encoder");
  }
  check_open("-[IOGPUMetalCommandBuffer encodeSignalEvent:value:]");
  keep(event);
  jobs.add<EventJob>(Job::signal_event, event, value);
}

void CommandBuffer::use_residency(ResidencySet* set) {
  if (!set) return;
  keep(set);
  for (const Ref<Object>& o : set->members) {
    if (Buffer* buffer = as<Buffer>(o.get())) resident.push_back(buffer->range(0));
    if (Heap* heap = as<Heap>(o.get())) resident.push_back({heap->memory, heap->size, false});
  }
}
void CommandBuffer::use_residencies(ResidencySet* const* sets, unsigned long n) {
  for (unsigned long i = 0; i < n; ++i) use_residency(sets[i]);
}

}  // namespace metal_sim

using namespace metal_sim;

SIM_EXPORT void metal_sim_fail_next_command_buffer(int code) { next_failure = code; }
SIM_EXPORT void metal_sim_set_null_execution(int on) { null_execution = on != 0; }
