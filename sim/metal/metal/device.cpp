#include "sim/metal/metal/device.h"

#include <sys/sysinfo.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "sim/metal/checks.h"
#include "sim/metal/metal/command.h"
#include "sim/metal/metal/library.h"

// A pipeline's errors carry the driver's domain, not MTLLibraryErrorDomain.
SIM_STRING(MTLSimDriverDomain, "MTLSimDriver");

namespace metal_sim {

void note_new_queue();

namespace {

constinit std::atomic<int64_t> memory_limit = 0;

size_t machine_memory() {
  struct sysinfo s {};
  sysinfo(&s);
  return static_cast<size_t>(s.totalram) * s.mem_unit;
}

Buffer* new_buffer_over(Device* device, std::byte* memory, size_t size, unsigned long options,
                        Buffer::Owner owner) {
  auto* buffer = make<Buffer>();
  buffer->device = Ref<Device>(device);
  buffer->memory = memory;
  buffer->size = size;
  buffer->options = options;
  buffer->owner = owner;
  count(counters.buffers);
  counters.buffers_alive.fetch_add(1, std::memory_order_relaxed);
  return buffer;
}

Library* library_from(Device* device, Outcome<std::shared_ptr<KernelLibrary>> outcome,
                      Error** error) {
  if (auto* failure = std::get_if<Failure>(&outcome)) {
    if (error) *error = library_error(*failure);
    return nullptr;
  }
  auto* library = make<Library>();
  library->device = Ref<Device>(device);
  library->plain = std::get<0>(std::move(outcome));
  const std::string warnings = library->plain->warnings();
  if (error && !warnings.empty()) *error = library_error({static_cast<FailureKind>(4), warnings});
  return library;
}

Library* library_from_bytes(Device* device, std::span<const std::byte> bytes, Error** error) {
  std::string why;
  KernelExecutor* e = executor(why);
  if (e) return library_from(device, e->load_metallib(bytes), error);
  return library_from(device, Failure{FailureKind::unsupported, why}, error);
}

}  // namespace

bool take_memory(size_t bytes) {
  const auto n = static_cast<int64_t>(bytes);
  const int64_t now = counters.bytes_alive.fetch_add(n) + n;
  const int64_t limit = memory_limit;
  if (limit && now > limit) {
    counters.bytes_alive.fetch_sub(n);
    return false;
  }
  counters.bytes_made.fetch_add(bytes);
  int64_t peak = counters.bytes_peak;
  while (now > peak && !counters.bytes_peak.compare_exchange_weak(peak, now)) {
  }
  return true;
}
void give_memory(size_t bytes) { counters.bytes_alive.fetch_sub(static_cast<int64_t>(bytes)); }

Device* Device::one() {
  static Device* device = [] {
    auto* d = make<Device>();
    kClass.info->alive -= 1;  // lives as long as the process: not alive at exit
    return d;
  }();
  return device;
}

String* Architecture::name() const { return string("applegpu_g15g"); }
String* Device::name() const { return string("Software Metal"); }
unsigned long Device::registry_id() const { return 0x5349'4d00'0000'0001; }
Architecture* Device::architecture() const { return make_ref<Architecture>().autoreleased(); }
Size Device::max_threads() const { return {1024, 1024, 1024}; }
bool Device::unified() const { return true; }
unsigned long Device::recommended_working_set() const {
  const auto limit = static_cast<size_t>(memory_limit.load());
  return limit ? limit : machine_memory() / 4 * 3;
}
unsigned long Device::argument_buffers() const { return 1; }
unsigned long Device::allocated() const {
  return static_cast<unsigned long>(std::max<int64_t>(0, counters.bytes_alive));
}
unsigned long Device::max_threadgroup_memory() const { return kMaxThreadgroupMemory; }
unsigned long Device::max_buffer() const {
  return std::max<size_t>(machine_memory() / 2, 256ul << 20);
}
unsigned long Device::max_compilations() const { return 2; }
bool Device::always() const { return true; }
bool Device::never() const { return false; }

// An M3's: Apple9, Mac2, Common3 and Metal3, each with what it includes.
bool Device::supports_family(long family) const {
  return (family >= 1001 && family <= 1009) || family == 2001 || family == 2002 ||
         (family >= 3001 && family <= 3003) || family == 5001;
}

Queue* Device::new_queue() { return new_queue_bounded(64); }
Queue* Device::new_queue_bounded(unsigned long bound) {
  if (bound == 0)
    failed_assertion("-[MTLDevice newCommandQueueWithMaxCommandBufferCount:]",
                     "maxCommandBufferCount must be > 0");
  auto* queue = make<Queue>();
  queue->device = Ref<Device>(this);
  queue->bound = bound;
  note_new_queue();
  return queue;
}
Queue* Device::new_queue_described(QueueDescriptor* d) {
  return new_queue_bounded(d ? d->max_buffers : 64);
}

Buffer* Device::new_buffer(unsigned long length, unsigned long options) {
  if (length == 0) {
    failed_assertion("-[MTLDebugDevice newBufferWithLength:options:]:642",
                     "Buffer Validation\nCannot create buffer of zero length.\n");
  }
  if (length > max_buffer() || !take_memory(length)) return nullptr;
  std::byte* memory = new_pages(length);
  if (memory) return new_buffer_over(this, memory, length, options, Buffer::ours);
  give_memory(length);
  return nullptr;
}
Buffer* Device::new_buffer_bytes(const void* bytes, unsigned long length, unsigned long options) {
  Buffer* buffer = new_buffer(length, options);
  if (buffer) std::memcpy(buffer->memory, bytes, length);
  return buffer;
}
Buffer* Device::new_buffer_no_copy(void* bytes, unsigned long length, unsigned long options,
                                   const Block* done) {
  const char* method = "-[MTLDebugDevice newBufferWithBytesNoCopy:length:options:deallocator:]";
  char address[32];
  std::snprintf(address, sizeof address, "%p", bytes);
  if (reinterpret_cast<uintptr_t>(bytes) % 4096 || !bytes) {
    failed_assertion(method, std::string("newBufferWithBytesNoCopy:pointer ") + address +
                                 " is not 4096 byte aligned.");
  }
  if (length % 4096 || length == 0) {
    failed_assertion(method, "newBufferWithBytesNoCopy:length " + std::to_string(length) +
                                 " is not 4096 byte aligned.");
  }
  Buffer* buffer =
      new_buffer_over(this, static_cast<std::byte*>(bytes), length, options, Buffer::callers);
  if (done) buffer->deallocator = static_cast<const Block*>(_Block_copy(done));
  return buffer;
}

SizeAndAlign Device::heap_size_and_align(unsigned long length, unsigned long) const {
  return {(length + 255) / 256 * 256, 256};
}
Heap* Device::new_heap(HeapDescriptor* d) {
  if (!d || d->size == 0)
    failed_assertion("-[MTLDevice newHeapWithDescriptor:]", "heap size must be > 0");
  if (!take_memory(d->size)) return nullptr;
  std::byte* memory = new_pages(d->size);
  if (!memory) {
    give_memory(d->size);
    return nullptr;
  }
  auto* heap = make<Heap>();
  heap->device = Ref<Device>(this);
  heap->memory = memory;
  heap->size = d->size;
  heap->options = d->resource_options();
  heap->type = d->type;
  return heap;
}
template <typename T>
static T* new_on(Device* device) {
  auto* object = make<T>();
  object->device = Ref<Device>(device);
  return object;
}
Event* Device::new_event() { return new_on<Event>(this); }
SharedEvent* Device::new_shared_event() { return new_on<SharedEvent>(this); }
Fence* Device::new_fence() { return new_on<Fence>(this); }
ResidencySet* Device::new_residency_set(ResidencySetDescriptor* d, Error**) {
  auto* set = new_on<ResidencySet>(this);
  if (d) set->label = d->label;
  return set;
}

// A Mac has default.metallib in the program's bundle; here a variable may name another file.
Library* Device::new_default_library() {
  const char* given = std::getenv("METAL_SIM_DEFAULT_LIBRARY");
  const std::string path = given ? given : "default.metallib";
  if (!path.ends_with(".metal")) return new_library_file(string(path), nullptr);
  std::ifstream file(path, std::ios::binary);
  if (!file) return nullptr;
  return new_library_source(string(std::string((std::istreambuf_iterator<char>(file)), {})),
                            nullptr, nullptr);
}
Library* Device::new_library_file(String* path, Error** error) {
  std::ifstream file(std::string(text(path)), std::ios::binary);
  if (!file)
    return library_from(
        this, Failure{FailureKind::file, "library not found: " + std::string(text(path))}, error);
  const std::string all((std::istreambuf_iterator<char>(file)), {});
  return library_from_bytes(this, std::as_bytes(std::span(all)), error);
}
Library* Device::new_library_url(Url* url, Error** error) {
  return new_library_file(url->path(), error);
}
Library* Device::new_library_data(Data* data, Error** error) {
  if (!as<Data>(data))
    return library_from(this, Failure{FailureKind::unsupported, "not a dispatch_data_t or NSData"},
                        error);
  return library_from_bytes(this, {static_cast<const std::byte*>(data->memory), data->size}, error);
}
Library* Device::new_library_source(String* source, MetalCompileOptions* options, Error** error) {
  std::string why;
  KernelExecutor* e = executor(why);
  if (!e) return library_from(this, Failure{FailureKind::unsupported, why}, error);
  return library_from(
      this, e->compile_source(text(source), options ? options->plain() : CompileOptions{}), error);
}
void Device::new_library_source_async(String* source, MetalCompileOptions* options,
                                      const Block* done) {
  Error* error = nullptr;
  auto library = Ref<Library>::adopt(new_library_source(source, options, &error));
  reinterpret_cast<void (*)(const Block*, id, id)>(done->invoke)(done, library.get(), error);
}

namespace {

Pipeline* pipeline_from(Device* device, Function* function, const PipelineOptions& options,
                        Error** error) {
  if (!function)
    failed_assertion("-[MTLDevice newComputePipelineStateWithFunction:error:]",
                     "computeFunction must not be nil.");
  auto outcome =
      function->library->plain->make_kernel(function->info.name, function->constants, options);
  if (auto* failure = std::get_if<Failure>(&outcome)) {
    if (error)
      *error = error_with(MTLSimDriverDomain, static_cast<long>(failure->kind), failure->message);
    return nullptr;
  }
  auto pipeline = make_ref<Pipeline>();
  pipeline->device = Ref<Device>(device);
  pipeline->kernel = std::get<0>(std::move(outcome));
  const size_t memory = pipeline->static_memory();
  if (memory <= kMaxThreadgroupMemory) return pipeline.take();
  if (error) {
    *error = error_with(MTLSimDriverDomain, 3,
                        "Threadgroup memory size (" + std::to_string(memory) +
                            ") exceeds the maximum threadgroup memory allowed (32768)");
  }
  return nullptr;
}

}  // namespace

Pipeline* Device::new_pipeline(Function* function, Error** error) {
  return pipeline_from(this, function, {}, error);
}
Pipeline* Device::new_pipeline_reflected(Function* function, unsigned long, Reflection** reflection,
                                         Error** error) {
  Pipeline* pipeline = new_pipeline(function, error);
  if (pipeline && reflection) *reflection = pipeline->reflection();
  return pipeline;
}
Pipeline* Device::new_pipeline_described(PipelineDescriptor* d, unsigned long,
                                         Reflection** reflection, Error** error) {
  PipelineOptions options;
  options.max_total_threads = static_cast<uint32_t>(d->max_threads);
  options.multiple_of_execution_width = d->multiple;
  Pipeline* pipeline = pipeline_from(this, d->function.get(), options, error);
  if (pipeline) pipeline->label = d->label;
  if (pipeline && reflection) *reflection = pipeline->reflection();
  return pipeline;
}
void Device::new_pipeline_async(Function* function, const Block* done) {
  Error* error = nullptr;
  auto pipeline = Ref<Pipeline>::adopt(new_pipeline(function, &error));
  reinterpret_cast<void (*)(const Block*, id, id)>(done->invoke)(done, pipeline.get(), error);
}

}  // namespace metal_sim

using namespace metal_sim;

SIM_EXPORT void metal_sim_set_memory_limit(uint64_t bytes) {
  memory_limit = static_cast<int64_t>(bytes);
}
SIM_EXPORT id MTLCreateSystemDefaultDevice() { return retain(Device::one()); }
SIM_EXPORT id MTLCopyAllDevices() {
  auto all = make_ref<Array>();
  all->items.emplace_back(Device::one());
  return all.take();
}
