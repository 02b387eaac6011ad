// The seam between Metal's objects and whatever runs kernels. Metal's side (sim/metal/metal/)
// checks arguments, keeps order and owns memory; an executor turns a metallib or source into code
// and runs one dispatch at a time. Nothing here knows Objective-C, and nothing throws across the
// seam: the executor may live in a shared library of its own.
//
// That library is libmetal_sim_air.so beside libmetal_sim.so, or what METAL_SIM_EXECUTOR names. It
// exports `metal_sim_make_executor` (below) and is loaded when a program first makes a library, so
// that programs without kernels of their own never load a compiler.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace metal_sim {

constexpr uint32_t kExecutorVersion = 1;
constexpr size_t kMaxBuffers = 31;        // argument slots of a kernel
constexpr uint32_t kExecutionWidth = 32;  // threads of a simdgroup
constexpr uint32_t kMaxThreadsPerThreadgroup = 1024;
constexpr uint32_t kMaxThreadgroupMemory = 32768;

// What went wrong. The numbers of the first group are MTLLibraryError's, those of the second
// MTLCommandBufferError's plus 100.
enum class FailureKind : int32_t {
  unsupported = 1,
  internal = 2,
  compile = 3,
  function_not_found = 5,
  file = 6,
  run_internal = 101,
  timeout = 102,
  page_fault = 103,
  out_of_memory = 108,
  invalid_resource = 109,
};

struct Failure {
  FailureKind kind = FailureKind::internal;
  std::string message;  // for compile: the compiler's messages, lines as in the user's source
};

template <typename T>
using Outcome = std::variant<T, Failure>;

struct Size3 {
  uint64_t x = 1, y = 1, z = 1;
  uint64_t count() const { return x * y * z; }
};

enum class BindingKind : uint8_t { buffer = 0, threadgroup_memory = 1, texture = 2, sampler = 3 };
enum class BindingAccess : uint8_t { read = 0, read_write = 1, write = 2 };  // MTLBindingAccess

// One argument that a kernel's caller binds.
struct KernelArgument {
  std::string name;
  BindingKind kind = BindingKind::buffer;
  BindingAccess access = BindingAccess::read_write;
  uint32_t index = 0;      // [[buffer(index)]], [[threadgroup(index)]]
  uint32_t data_size = 0;  // of the pointed-to type, bytes
  uint32_t alignment = 1;
  uint32_t data_type = 0;  // MTLDataType
  bool constant_space = false;
  bool active = true;  // false: the specialised kernel never uses it
};

struct FunctionConstant {
  std::string name;
  uint32_t type = 0;  // MTLDataType
  uint32_t index = 0;
  bool required = true;  // false: only asked for with is_function_constant_defined
};

struct FunctionInfo {
  std::string name;
  uint32_t type = 3;  // MTLFunctionType; 3 is a kernel
  std::vector<FunctionConstant> constants;
};

// A function constant's value, by index; one given by name has index kByName.
struct ConstantValue {
  static constexpr uint32_t kByName = UINT32_MAX;
  uint32_t index = kByName;
  std::string name;
  uint32_t type = 0;  // MTLDataType
  std::array<std::byte, 32> bytes{};
};

struct KernelInfo {
  uint32_t max_total_threads = kMaxThreadsPerThreadgroup;
  uint32_t execution_width = kExecutionWidth;
  uint32_t static_threadgroup_memory = 0;
  Size3 required_threads{0, 0, 0};  // of [[required_threads_per_threadgroup]]; 0: any
  std::vector<KernelArgument> arguments;
};

// Bytes a kernel may reach: a bound argument (from its offset to the buffer's end), or a resource
// that was made resident and is reached through an address held in memory. GPU addresses are host
// addresses.
struct MemoryRange {
  std::byte* data = nullptr;
  size_t length = 0;
  bool read_only = false;
};

struct Dispatch {
  Size3 grid;         // threads in all, not threadgroups
  Size3 threadgroup;  // threads of a full threadgroup; groups at the edges may be smaller
  std::array<MemoryRange, kMaxBuffers> buffers{};        // data null: nothing is bound
  std::array<size_t, kMaxBuffers> threadgroup_memory{};  // bytes for [[threadgroup(i)]]
  std::span<const MemoryRange> resident;                 // useResource, useHeap, residency sets
  bool checks = false;                                   // bounds, races, reads before writes
  uint64_t seed = 0;  // not 0: shuffles the order of threads and threadgroups
};

// A compute pipeline: one function, specialised and compiled.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual const KernelInfo& info() const = 0;
  // Runs to completion; the monostate is success. Called from one thread at a time per kernel, but
  // different kernels may run at once.
  virtual Outcome<std::monostate> run(const Dispatch& dispatch) = 0;
};

struct PipelineOptions {
  uint32_t max_total_threads = 0;  // 0: the device's
  bool multiple_of_execution_width = false;
};

class KernelLibrary {
 public:
  virtual ~KernelLibrary() = default;
  virtual std::vector<std::string> function_names() const = 0;
  virtual Outcome<FunctionInfo> describe(std::string_view function) const = 0;
  // A missing required constant is Failure::compile.
  virtual Outcome<std::shared_ptr<Kernel>> make_kernel(std::string_view function,
                                                       std::span<const ConstantValue> constants,
                                                       const PipelineOptions& options) = 0;
  virtual std::string warnings() const { return {}; }  // of a compile that passed
};

struct CompileOptions {
  std::map<std::string, std::string> macros;
  uint32_t language_version = 0;    // MTLLanguageVersion; 0: the newest known
  uint32_t math_mode = 2;           // MTLMathMode: safe 0, relaxed 1, fast 2
  uint32_t math_functions = 0;      // MTLMathFloatingPointFunctions: fast 0, precise 1
  uint32_t optimization_level = 0;  // MTLLibraryOptimizationLevel: default 0, size 1
  uint32_t max_total_threads = 0;
  bool preserve_invariance = false;
};

class KernelExecutor {
 public:
  virtual ~KernelExecutor() = default;
  // The bytes are the executor's to copy; they are not kept alive.
  virtual Outcome<std::shared_ptr<KernelLibrary>> load_metallib(
      std::span<const std::byte> bytes) = 0;
  virtual Outcome<std::shared_ptr<KernelLibrary>> compile_source(std::string_view source,
                                                                 const CompileOptions& options) = 0;
};

// Registered here, an executor takes the place of the loaded one; null puts that back. Not owned.
__attribute__((visibility("default"))) void set_executor(KernelExecutor* executor);

}  // namespace metal_sim

// Exported by an executor's library; null when `version` is not the one it was built for. The
// object lives until the process ends.
extern "C" metal_sim::KernelExecutor* metal_sim_make_executor(uint32_t version);
