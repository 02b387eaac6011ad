// An Objective-C runtime of a few classes, built as a library of its own so that the bindings load
// it as they would load Apple's. It computes nothing: it counts references, pools and blocks, and
// keeps what the last message brought, which is what the tests look at.
//
// A selector points at its one implementation, so objc_msgSend is a jump.
#include "mps/fake_objc.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using Int = long;
using UInt = unsigned long;

struct Selector {
  const std::string* name;
  void (*implementation)();  // objc_msgSend jumps to what lies at byte 8
};

struct Object {
  std::string type;
  int references = 1;
  std::string text;
};

FakeState state;
std::vector<std::vector<Object*>> pools;
void* handler = nullptr;  // the block that addCompletedHandler: was given

Object* make(const std::string& type, const std::string& text = {}) {
  ++state.live_objects;
  return new Object{type, 1, text};
}

Object* autoreleased(Object* object) {
  if (pools.empty()) {
    ++state.without_pool;
  } else {
    pools.back().push_back(object);
  }
  return object;
}

struct Size {
  UInt a, b, c;
};
struct Pair {
  UInt a, b;
};
using Bytes = unsigned char __attribute__((vector_size(16)));

Size origin;

// --- implementations, as a compiler would emit them: self, _cmd, then the arguments

Object* alloc(Object* self, Selector*) { return make(self->type); }
Object* init(Object* self, Selector*) { return self; }
Object* init_with_device(Object* self, Selector*, Object* device) {
  state.last_object = device;
  return self;
}
Object* init_product(Object* self, Selector*, Object* device, signed char left, signed char right,
                     UInt rows, UInt columns, UInt interior, double alpha, double beta) {
  state.last_object = device;
  state.last = {double(left),     double(right), double(rows), double(columns),
                double(interior), alpha,         beta};
  return self;
}
Object* describe(Object* self, Selector*, UInt rows, UInt columns, UInt row_bytes, unsigned type) {
  state.last = {double(rows), double(columns), double(row_bytes), double(type)};
  return autoreleased(make(self->type));
}
Object* string_with(Object* self, Selector*, const char* text) {
  return autoreleased(make(self->type, text));
}
const char* utf8(Object* self, Selector*) { return self->text.c_str(); }
Object* new_queue(Object*, Selector*) { return make("Queue"); }
Object* new_buffer(Object*, Selector*, UInt length, UInt options) {
  state.last = {double(length), double(options)};
  return length ? make("Buffer") : nullptr;
}
Object* command_buffer(Object*, Selector*) { return autoreleased(make("CommandBuffer")); }
Object* new_library(Object*, Selector*, Object*, Object*, Object** error) {
  *error = autoreleased(make("NSError", "program_source:3: unknown type name 'flot'"));
  return nullptr;
}
Object* description(Object* self, Selector*) { return autoreleased(make("NSString", self->text)); }
Object* domain(Object*, Selector*) {
  return autoreleased(make("NSString", "MTLLibraryErrorDomain"));
}
Int code(Object*, Selector*) { return 3; }
Size max_threads(Object*, Selector*) { return {1024, 512, 64}; }
void set_origin(Object*, Selector*, Size value) { origin = value; }
Size get_origin(Object*, Selector*) { return origin; }
double start_time(Object*, Selector*) { return 1.25; }
float parameter(Object*, Selector*) { return 0.5f; }
signed char unified(Object*, Selector*) { return 1; }
Pair slice(Object*, Selector*, UInt dimension) { return {dimension + 1, dimension + 2}; }
Bytes dimension_order(Object*, Selector*) { return Bytes{2, 1, 0}; }
void set_neuron(Object*, Selector*, int type, float a, float b, float c) {
  state.last = {double(type), a, b, c};
}
void fill(Object*, Selector*, Object* buffer, Pair range, unsigned char value) {
  state.last_object = buffer;
  state.last = {double(range.a), double(range.b), double(value)};
}
void add_handler(Object*, Selector*, void* block) { handler = _Block_copy(block); }
void commit(Object* self, Selector*) {
  if (!handler) return;
  // By hand, from the published layout: a block's code is at byte 16 and gets the block first.
  void (*invoke)(void*, Object*);
  std::memcpy(&invoke, static_cast<char*>(handler) + 16, sizeof invoke);
  invoke(handler, self);
  _Block_release(std::exchange(handler, nullptr));
}
signed char responds(Object*, Selector*, Selector* asked) {
  return asked->implementation != nullptr;
}

template <class F>
void (*code_of(F* function))() {
  return reinterpret_cast<void (*)()>(function);
}

const std::map<std::string, void (*)()> implementations = {
    {"alloc", code_of(alloc)},
    {"init", code_of(init)},
    {"initWithDevice:", code_of(init_with_device)},
    {"initWithDevice:transposeLeft:transposeRight:resultRows:resultColumns:interiorColumns:alpha:"
     "beta:",
     code_of(init_product)},
    {"matrixDescriptorWithRows:columns:rowBytes:dataType:", code_of(describe)},
    {"stringWithUTF8String:", code_of(string_with)},
    {"UTF8String", code_of(utf8)},
    {"newCommandQueue", code_of(new_queue)},
    {"newBufferWithLength:options:", code_of(new_buffer)},
    {"commandBuffer", code_of(command_buffer)},
    {"newLibraryWithSource:options:error:", code_of(new_library)},
    {"localizedDescription", code_of(description)},
    {"domain", code_of(domain)},
    {"code", code_of(code)},
    {"maxThreadsPerThreadgroup", code_of(max_threads)},
    {"setLeftMatrixOrigin:", code_of(set_origin)},
    {"leftMatrixOrigin", code_of(get_origin)},
    {"GPUStartTime", code_of(start_time)},
    {"neuronParameterA", code_of(parameter)},
    {"hasUnifiedMemory", code_of(unified)},
    {"sliceRangeForDimension:", code_of(slice)},
    {"dimensionOrder", code_of(dimension_order)},
    {"setNeuronType:parameterA:parameterB:parameterC:", code_of(set_neuron)},
    {"fillBuffer:range:value:", code_of(fill)},
    {"addCompletedHandler:", code_of(add_handler)},
    {"commit", code_of(commit)},
    {"respondsToSelector:", code_of(responds)},
};

struct Literal {
  void* isa;
  std::int32_t flags, reserved;
  void (*invoke)();
  struct Descriptor {
    unsigned long reserved, size;
    void (*copy)(void*, const void*);
    void (*dispose)(const void*);
  } const* descriptor;
};
constexpr std::int32_t kHeapBlock = 1 << 24;
constexpr std::int32_t kReferences = 0xffff;

}  // namespace

FakeState& fake_state() { return state; }

extern "C" {

void* _NSConcreteStackBlock[32];
void* _NSConcreteMallocBlock[32];

void* sel_registerName(const char* name) {
  static std::map<std::string, std::unique_ptr<Selector>> known;
  const auto entry = known.try_emplace(name).first;
  if (!entry->second) {
    const auto found = implementations.find(name);
    const auto code = found == implementations.end() ? nullptr : found->second;
    entry->second.reset(new Selector{&entry->first, code});
  }
  ++state.registrations;
  return entry->second.get();
}

void* objc_getClass(const char* name) {
  static std::map<std::string, std::unique_ptr<Object>> known;
  if (std::string(name) == "MPSNDArrayGather") return nullptr;  // as on a system that is too old
  auto& type = known[name];
  if (!type) type.reset(new Object{name, 1, {}});
  return type.get();
}

void* objc_retain(void* object) {
  ++static_cast<Object*>(object)->references;
  return object;
}
void objc_release(void* released) {
  auto* object = static_cast<Object*>(released);
  if (--object->references) return;
  --state.live_objects;
  delete object;
}

void* objc_autoreleasePoolPush() {
  ++state.pushes;
  pools.emplace_back();
  return reinterpret_cast<void*>(pools.size());
}
void objc_autoreleasePoolPop(void* token) {
  while (pools.size() >= reinterpret_cast<std::size_t>(token)) {
    const std::vector<Object*> drained = std::move(pools.back());
    pools.pop_back();
    for (Object* object : drained) objc_release(object);
  }
}

void* _Block_copy(const void* block) {
  auto* from = static_cast<Literal*>(const_cast<void*>(block));
  if (from->flags & kHeapBlock) {
    ++from->flags;
    return from;
  }
  ++state.live_blocks;
  auto* to = static_cast<Literal*>(std::malloc(from->descriptor->size));
  std::memcpy(static_cast<void*>(to), block, from->descriptor->size);
  to->isa = _NSConcreteMallocBlock;
  to->flags = from->flags | kHeapBlock | 1;
  from->descriptor->copy(to, from);
  return to;
}
void _Block_release(const void* block) {
  auto* literal = static_cast<Literal*>(const_cast<void*>(block));
  if ((--literal->flags & kReferences) != 0) return;
  --state.live_blocks;
  literal->descriptor->dispose(literal);
  std::free(literal);
}

void* MTLCreateSystemDefaultDevice() { return make("Device"); }

}  // extern "C"

#if defined(__x86_64__)
asm(R"(
  .globl objc_msgSend
  .type objc_msgSend, @function
objc_msgSend:
  jmp *8(%rsi)
  .globl objc_msgSend_stret
  .type objc_msgSend_stret, @function
objc_msgSend_stret:
  jmp *8(%rdx)
)");
#elif defined(__aarch64__)
asm(R"(
  .globl objc_msgSend
  .type objc_msgSend, %function
objc_msgSend:
  ldr x16, [x1, #8]
  br x16
)");
#endif
