// Queues, command buffers and the work in them.
//
// Work is a list of jobs. Commit runs them before it returns (or, in deferred mode, when somebody
// waits: queue.cpp), in order within a queue; a job that waits for an event not yet signalled stops
// the queue there. After a failure everything that a program commits to the queue fails as well,
// until the program looked at the result: that is what it would see on a GPU, where the later
// buffers were under way already.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <optional>

#include "sim/metal/metal/event.h"
#include "sim/metal/metal/resource.h"

namespace metal_sim {

struct CommandBuffer;
struct ComputeEncoder;
struct BlitEncoder;
struct PassDescriptor;
struct BufferDescriptor;

using Result = std::optional<Failure>;  // empty: success

struct Job {
  enum Kind : uint8_t { work, wait_event, signal_event } kind = work;
  bool movable = false;  // of a concurrent encoder, until the next barrier
  Job* next = nullptr;
  virtual ~Job() = default;
  virtual Result run() = 0;
};

// Jobs of one command buffer, in memory that is taken in chunks and given back as a whole.
class JobList {
 public:
  JobList() = default;
  JobList(const JobList&) = delete;
  ~JobList() { clear(); }
  void* allocate(size_t bytes);
  template <typename J, typename... A>
  J* add(A&&... arguments) {
    static_assert(sizeof(J) <= kChunk / 2);
    J* job = new (allocate(sizeof(J))) J(std::forward<A>(arguments)...);
    *tail_ = job;
    tail_ = &job->next;
    return job;
  }
  Job* first() const { return first_; }
  void shuffle(uint64_t seed);
  void clear();

 private:
  static constexpr size_t kChunk = 16384;
  struct Chunk {
    Chunk* next;
    size_t used;
    alignas(16) std::byte data[kChunk];
  };
  Chunk* chunk_ = nullptr;
  Job* first_ = nullptr;
  Job** tail_ = &first_;
};

template <typename F>
struct FunctionJob : Job {
  F function;
  explicit FunctionJob(F f) : function(std::move(f)) {}
  Result run() override { return function(); }
};

struct QueueDescriptor : Object {
  SIM_CLASS(QueueDescriptor, MTLCommandQueueDescriptor)
  unsigned long max_buffers = 64;
  Ref<Object> log_state;
};

struct Queue : Object {
  SIM_CLASS(Queue, MTLSimCommandQueue)
  Ref<Device> device;
  Ref<String> label;
  unsigned long bound = 64;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Ref<CommandBuffer>> pending;  // enqueued or committed, not finished
  unsigned long unfinished = 0;            // made, neither finished nor released
  bool running = false;                    // some thread runs this queue's work,
  bool again = false;                      // and has to look once more before it stops
  std::atomic<bool> faulted = false;       // an error that nobody looked at yet
  std::vector<Ref<ResidencySet>> residency;
  std::deque<std::shared_ptr<WorkState>> unobserved;

  Queue();
  ~Queue();
  CommandBuffer* command_buffer();
  CommandBuffer* command_buffer_unretained();
  CommandBuffer* command_buffer_described(BufferDescriptor* descriptor);
  void add_residency(ResidencySet* set);
  void add_residencies(ResidencySet* const* sets, unsigned long n);
  void remove_residency(ResidencySet* set);
  void remove_residencies(ResidencySet* const* sets, unsigned long n);

  CommandBuffer* make_buffer(bool retained, unsigned long error_options);
  void enqueue(CommandBuffer* buffer);
  void run_ready();  // everything at the front that is committed and not stalled
  void release_slot();
  void observed(const std::shared_ptr<WorkState>& state);
};

struct BufferDescriptor : Object {
  SIM_CLASS(BufferDescriptor, MTLCommandBufferDescriptor)
  bool retained = true;
  unsigned long error_options = 0;
  Ref<Object> log_state;
};

struct EncoderInfo : Object {
  SIM_CLASS(EncoderInfo, MTLSimCommandBufferEncoderInfo)
  Ref<String> label;
  long state = 0;
  Array* signposts() const;
};

struct CommandBuffer : Object {
  SIM_CLASS(CommandBuffer, MTLSimCommandBuffer)
  Ref<Queue> queue;
  Ref<String> label;
  Ref<Error> error_object;
  std::atomic<Status> status_value = Status::not_enqueued;
  bool retained = true;
  bool holds_slot = true;
  std::atomic<bool> handled = false;  // its completed handlers ran
  unsigned long error_options = 0;
  objc_object* open_encoder = nullptr;
  JobList jobs;
  Job* next_job = nullptr;
  std::vector<Ref<Object>> kept;
  std::vector<const Block*> scheduled, completed;
  std::vector<Buffer*> written;  // with checks on
  std::vector<MemoryRange> resident;
  std::vector<Ref<EncoderInfo>> encoders;
  double gpu_start = 0, gpu_end = 0, kernel_start = 0, kernel_end = 0;
  std::shared_ptr<WorkState> state;

  ~CommandBuffer();
  void enqueue();
  void commit();
  void add_scheduled(const Block* block);
  void add_completed(const Block* block);
  void wait_scheduled();
  void wait_completed();
  ComputeEncoder* compute_encoder();
  ComputeEncoder* compute_encoder_typed(DispatchType type);
  ComputeEncoder* compute_encoder_described(PassDescriptor* descriptor);
  BlitEncoder* blit_encoder();
  BlitEncoder* blit_encoder_described(id descriptor);
  void encode_wait(Event* event, unsigned long value);
  void encode_signal(Event* event, unsigned long value);
  void use_residency(ResidencySet* set);
  void use_residencies(ResidencySet* const* sets, unsigned long n);
  Device* device() const;
  Status status();
  Error* error();
  id logs() const;
  void push_debug(String* name);
  void pop_debug();

  // Encoding, for encoders and MPS.
  void check_open(const char* method);  // not committed, no other encoder
  void begin(objc_object* encoder, String* label);
  void keep(Object* object) {
    if (retained && object) kept.emplace_back(object);
  }
  void writes(Buffer* buffer);
  template <typename F>
  Job* encode(F function) {
    return jobs.add<FunctionJob<F>>(std::move(function));
  }
  // Running; false: stopped at an event.
  bool run();
  void finish(Result failure);
  void call_completed();
  void mark_observed();
};

extern std::atomic<bool> null_execution;
double now_seconds();
void look_at_everything();  // all that ran counts as observed (an event was seen)

// Modes of execution (metal_sim_set_mode).
bool deferred();
uint64_t run_seed();
void run_later(Queue* queue);
bool run_early();  // as the seed has it
void read_mode();  // from the environment

struct PassDescriptor : Object {
  SIM_CLASS(PassDescriptor, MTLComputePassDescriptor)
  DispatchType type = DispatchType::serial;
};
struct BlitPassDescriptor : Object {
  SIM_CLASS(BlitPassDescriptor, MTLBlitPassDescriptor)
};

}  // namespace metal_sim
