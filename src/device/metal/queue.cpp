#include "queue.h"

#include "device/graph.h"
#include "encoder.h"

namespace pewter::metal {

Queue::Queue(const mtl::Device& device, std::string name)
    : device_(device),
      queue_(device.new_command_queue()),
      has_mps_(apple::mps::supports(device)),
      name_(std::move(name)) {}

// Buffers that the commands use are retained by them: the allocator may give one back to the system
// while work on it is queued.
void Queue::open() {
  if (batch_.commands) return;
  reap();
  batch_.commands = queue_.command_buffer();
  batch_.serial = serial_;
}

void Queue::note(const char* op) {
  ++batch_.count;
  for (OpCount& known : batch_.ops) {
    if (known.op == op) {
      ++known.count;
      return;
    }
  }
  batch_.ops.push_back({op, 1});
}

void Queue::encode(const char* op, void (*call)(void*, Encoder&), void* context) {
  const std::lock_guard lock(mutex_);
  try {
    open();
    note(op);
    Encoder encoder(*this);
    call(context, encoder);
    if (full()) commit();
  } catch (...) {
    rethrow_naming(op, name_.c_str());
  }
}

void Queue::end_encoder() {
  if (compute_) compute_.end_encoding();
  if (blit_) blit_.end_encoding();
  compute_ = {};
  blit_ = {};
  pipeline_ = nullptr;
}

bool Queue::full() {
  if (batch_.count < kIdleOps && batch_.bytes < kIdleBytes) return false;
  if (batch_.count >= kBusyOps || batch_.bytes >= kBusyBytes) return true;
  reap();
  return in_flight_.empty();
}

void Queue::commit() {
  end_encoder();
  batch_.commands.commit();
  in_flight_.push_back(std::exchange(batch_, {}));
  ++serial_;
  if (in_flight_.size() <= kMaxInFlight) return;
  in_flight_.front().commands.wait_until_completed();
  reap();
}

void Queue::reap() {
  while (!in_flight_.empty() &&
         in_flight_.front().commands.status() >= mtl::CommandBufferStatus::completed) {
    retire_oldest();
  }
}

// An error is there only once the buffer is complete. The buffers behind one that failed fail too;
// the first is the cause.
void Queue::retire_oldest() {
  const Batch batch = std::move(in_flight_.front());
  in_flight_.pop_front();
  finished_ = batch.serial;
  gpu_seconds_ += batch.commands.gpu_end_time() - batch.commands.gpu_start_time();
  try {
    batch.commands.check();
  } catch (const apple::Failure& e) {
    constexpr long kOutOfMemory = static_cast<long>(mtl::CommandBufferError::out_of_memory);
    const ErrorCode code =
        e.code() == kOutOfMemory ? ErrorCode::out_of_memory : ErrorCode::device_failure;
    if (!failure_)
      failure_.emplace(code, fmt::format("{} on {}: {}", named(batch), name_, e.what()));
  }
}

// "[softmax] failed", or which ops it was among.
std::string Queue::named(const Batch& batch) const {
  std::string names;
  for (const OpCount& o : batch.ops) {
    names += names.empty() ? "" : ", ";
    names += o.op;
  }
  if (batch.count == 1) return fmt::format("[{}] failed", names);
  return fmt::format("[{}] one of {} operations that were queued together failed", names,
                     batch.count);
}

// Others may encode, and commit more, while this thread sleeps.
void Queue::wait_until(std::unique_lock<std::mutex>& lock, uint64_t serial) {
  if (serial <= finished_) return;
  if (batch_.commands && batch_.serial <= serial) commit();
  mtl::CommandBuffer last;
  uint64_t until = 0;
  for (const Batch& b : in_flight_) {
    if (b.serial > serial) break;
    last = b.commands;
    until = b.serial;
  }
  if (!last) return;
  lock.unlock();
  last.wait_until_completed();
  lock.lock();
  while (!in_flight_.empty() && in_flight_.front().serial <= until) retire_oldest();
}

void Queue::wait_for(uint64_t serial) {
  std::unique_lock lock(mutex_);
  wait_until(lock, serial);
  if (!failure_) return;
  const Error failure = *std::exchange(failure_, std::nullopt);
  throw failure;
}

void Queue::wait_all() { wait_for(UINT64_MAX); }

void Queue::finish() noexcept {
  std::unique_lock lock(mutex_);
  wait_until(lock, UINT64_MAX);
}

bool Queue::is_finished(uint64_t serial) {
  if (serial <= finished_) return true;
  const std::lock_guard lock(mutex_);
  reap();
  return serial <= finished_;
}

int64_t Queue::staged() {
  const std::lock_guard lock(mutex_);
  reap();
  int64_t bytes = batch_.staged;
  for (const Batch& b : in_flight_) bytes += b.staged;
  return bytes;
}

double Queue::gpu_seconds() {
  const std::lock_guard lock(mutex_);
  reap();
  return gpu_seconds_;
}

void Queue::close() noexcept {
  finish();
  const std::lock_guard lock(mutex_);
  objects_.clear();
  queue_ = {};
  device_ = {};
}

}  // namespace pewter::metal
