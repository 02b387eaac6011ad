// Libraries, functions, constants, pipelines: what wraps the executor's objects (executor.h).
#pragma once

#include "sim/metal/metal/resource.h"

namespace metal_sim {

struct MetalCompileOptions : Object {
  SIM_CLASS(MetalCompileOptions, MTLCompileOptions)
  Ref<Dictionary> macros;
  Ref<Array> libraries;
  Ref<String> install_name;
  bool fast_math = true;
  unsigned long math_mode = 2, math_functions = 0, language_version = 0, library_type = 0;
  long optimization_level = 0, symbol_visibility = 0;
  bool preserve_invariance = false, allow_undefined = false, logging = false;
  unsigned long max_threads = 0;
  Size required_threads = {0, 0, 0};
  void set_fast_math(bool on);
  void set_math_mode(unsigned long mode);
  id copy_with_zone(void* zone);
  CompileOptions plain() const;
};

struct ConstantValues : Object {
  SIM_CLASS(ConstantValues, MTLFunctionConstantValues)
  std::vector<ConstantValue> values;
  void set_at(const void* value, unsigned long type, unsigned long index);
  void set_range(const void* value, unsigned long type, Range range);
  void set_named(const void* value, unsigned long type, String* name);
  void reset();
  id copy_with_zone(void* zone);
};

struct ConstantObject : Object {
  SIM_CLASS(ConstantObject, MTLFunctionConstant)
  Ref<String> name;
  unsigned long type = 0, index = 0;
  bool required = false;
};

struct FunctionDescriptor : Object {
  SIM_CLASS(FunctionDescriptor, MTLFunctionDescriptor)
  Ref<String> name, specialized_name;
  Ref<ConstantValues> constants;
  unsigned long options = 0;
  id copy_with_zone(void* zone);
};

struct Library : Object {
  SIM_CLASS(Library, MTLSimLibrary)
  Ref<Device> device;
  Ref<String> label;
  std::shared_ptr<KernelLibrary> plain;
  Function* new_function(String* name);
  Function* new_specialized(String* name, ConstantValues* values, Error** error);
  void new_specialized_async(String* name, ConstantValues* values, const Block* done);
  Function* new_described(FunctionDescriptor* descriptor, Error** error);
  Array* function_names() const;
  long type() const;
  String* install_name() const;
};

struct Function : Object {
  SIM_CLASS(Function, MTLSimFunction)
  Ref<Library> library;
  Ref<String> label, name;
  FunctionInfo info;
  std::vector<ConstantValue> constants;
  Device* device() const;
  unsigned long type() const;
  unsigned long patch_type() const;
  long patch_points() const;
  Dictionary* constants_dictionary() const;
  unsigned long options() const;
};

struct Binding : Object {  // MTLBinding and the older MTLArgument
  SIM_CLASS(Binding, MTLSimBinding)
  KernelArgument argument;
  String* name() const;
  long type() const;
  unsigned long access() const;
  unsigned long index() const;
  bool used() const;
  bool is_argument() const;
  unsigned long alignment() const;
  unsigned long data_size() const;
  unsigned long data_type() const;
};

struct Reflection : Object {
  SIM_CLASS(Reflection, MTLComputePipelineReflection)
  Ref<Array> bindings;
};

struct PipelineBuffer : Object {
  SIM_CLASS(PipelineBuffer, MTLPipelineBufferDescriptor)
  unsigned long mutability = 0;
};
struct PipelineBuffers : Object {
  SIM_CLASS(PipelineBuffers, MTLPipelineBufferDescriptorArray)
  std::array<Ref<PipelineBuffer>, kMaxBuffers> all;
  PipelineBuffer* at(unsigned long index);
  void set(PipelineBuffer* descriptor, unsigned long index);
};

struct PipelineDescriptor : Object {
  SIM_CLASS(PipelineDescriptor, MTLComputePipelineDescriptor)
  Ref<String> label;
  Ref<Function> function;
  Ref<PipelineBuffers> buffers_object;
  bool multiple = false, indirect = false, adding = false;
  unsigned long max_threads = 0, stack_depth = 1;
  long validation = 0;
  Size required = {0, 0, 0};
  PipelineBuffers* buffers();
  void reset();
  id copy_with_zone(void* zone);
};

struct Pipeline : Object {
  SIM_CLASS(Pipeline, MTLSimComputePipelineState)
  Ref<Device> device;
  Ref<String> label;
  std::shared_ptr<Kernel> kernel;
  unsigned long max_threads() const;
  unsigned long width() const;
  unsigned long static_memory() const;
  ResourceId resource_id() const;
  Size required() const;
  Reflection* reflection() const;
};

// The executor in charge; null with the reason why there is none.
KernelExecutor* executor(std::string& why);
// NSError of a failure to make a library or function.
Error* library_error(const Failure& failure);

}  // namespace metal_sim
