// Libraries of kernels, their functions, and pipelines made of those.
#pragma once

#include <mps/metal_resources.h>

namespace apple::mtl {

class CompileOptions : public objc::Of<Catalogue, CompileOptionsMethods> {
 public:
  using Of::Of;
  CompileOptions() = default;
  static CompileOptions make() { return CompileOptions(init<"init">()); }
  ns::Dictionary preprocessor_macros() const { return send<"preprocessorMacros">(); }
  void set_preprocessor_macros(const ns::Dictionary& value) const {
    send<"setPreprocessorMacros:">(value);
  }
  bool fast_math_enabled() const { return send<"fastMathEnabled">(); }
  void set_fast_math_enabled(bool value) const { send<"setFastMathEnabled:">(value); }
  MathMode math_mode() const { return send<"mathMode">(); }
  void set_math_mode(MathMode value) const { send<"setMathMode:">(value); }
  MathFloatingPointFunctions math_floating_point_functions() const {
    return send<"mathFloatingPointFunctions">();
  }
  void set_math_floating_point_functions(MathFloatingPointFunctions value) const {
    send<"setMathFloatingPointFunctions:">(value);
  }
  LanguageVersion language_version() const { return send<"languageVersion">(); }
  void set_language_version(LanguageVersion value) const { send<"setLanguageVersion:">(value); }
  void set_library_type(LibraryType value) const { send<"setLibraryType:">(value); }
  bool preserve_invariance() const { return send<"preserveInvariance">(); }
  void set_preserve_invariance(bool value) const { send<"setPreserveInvariance:">(value); }
  LibraryOptimizationLevel optimization_level() const { return send<"optimizationLevel">(); }
  void set_optimization_level(LibraryOptimizationLevel value) const {
    send<"setOptimizationLevel:">(value);
  }
  bool allow_referencing_undefined_symbols() const {
    return send<"allowReferencingUndefinedSymbols">();
  }
  void set_allow_referencing_undefined_symbols(bool value) const {
    send<"setAllowReferencingUndefinedSymbols:">(value);
  }
  UInt max_total_threads_per_threadgroup() const { return send<"maxTotalThreadsPerThreadgroup">(); }
  void set_max_total_threads_per_threadgroup(UInt value) const {
    send<"setMaxTotalThreadsPerThreadgroup:">(value);
  }
  Size required_threads_per_threadgroup() const { return send<"requiredThreadsPerThreadgroup">(); }
  void set_required_threads_per_threadgroup(const Size& value) const {
    send<"setRequiredThreadsPerThreadgroup:">(value);
  }
  bool enable_logging() const { return send<"enableLogging">(); }
  void set_enable_logging(bool value) const { send<"setEnableLogging:">(value); }
};

// What dispatch_data_create gives; it is an object like any other.
class DispatchData : public objc::Object {
 public:
  using Object::Object;
};

class FunctionConstantValues : public objc::Of<Catalogue, FunctionConstantValuesMethods> {
 public:
  using Of::Of;
  FunctionConstantValues() = default;
  static FunctionConstantValues make() { return FunctionConstantValues(init<"init">()); }
  void set_constant_value(const void* constant_value, DataType type, UInt index) const {
    send<"setConstantValue:type:atIndex:">(constant_value, type, index);
  }
  void set_constant_values(const void* constant_values, DataType type, ns::Range range) const {
    send<"setConstantValues:type:withRange:">(constant_values, type, range);
  }
  void set_constant_value(const void* constant_value, DataType type, const ns::String& name) const {
    send<"setConstantValue:type:withName:">(constant_value, type, name);
  }
  void reset() const { send<"reset">(); }
};

class FunctionConstant : public objc::Of<Catalogue, FunctionConstantMethods> {
 public:
  using Of::Of;
  FunctionConstant() = default;
  ns::String name() const { return send<"name">(); }
  DataType type() const { return send<"type">(); }
  UInt index() const { return send<"index">(); }
  bool required() const { return send<"required">(); }
};

class FunctionDescriptor : public objc::Of<Catalogue, FunctionDescriptorMethods> {
 public:
  using Of::Of;
  FunctionDescriptor() = default;
  static FunctionDescriptor function_descriptor() { return send_class<"functionDescriptor">(); }
  ns::String name() const { return send<"name">(); }
  void set_name(const ns::String& value) const { send<"setName:">(value); }
  ns::String specialized_name() const { return send<"specializedName">(); }
  void set_specialized_name(const ns::String& value) const { send<"setSpecializedName:">(value); }
  FunctionConstantValues constant_values() const { return send<"constantValues">(); }
  void set_constant_values(const FunctionConstantValues& value) const {
    send<"setConstantValues:">(value);
  }
};

class Function : public objc::Of<Catalogue, FunctionMethods> {
 public:
  using Of::Of;
  Function() = default;
  ns::String label() const { return send<"label">(); }
  void set_label(const ns::String& value) const { send<"setLabel:">(value); }
  Device device() const;
  FunctionType function_type() const { return send<"functionType">(); }
  ns::String name() const { return send<"name">(); }
  ns::Dictionary function_constants_dictionary() const {
    return send<"functionConstantsDictionary">();
  }
};

class Library : public objc::Of<Catalogue, LibraryMethods> {
 public:
  using Of::Of;
  Library() = default;
  Function new_function(const ns::String& name) const {
    Function found = send<"newFunctionWithName:">(name);
    if (!found) throw Failure("the library has no function '" + name.str() + "'");
    return found;
  }
  Function new_function(const ns::String& name,
                        const FunctionConstantValues& constant_values) const {
    return obtain_or_error<Function, "newFunctionWithName:constantValues:error:">(name,
                                                                                  constant_values);
  }
  void new_function(const ns::String& name, const FunctionConstantValues& constant_values,
                    const Block<void(Function, ns::Error)>& completion_handler) const {
    send<"newFunctionWithName:constantValues:completionHandler:">(name, constant_values,
                                                                  completion_handler);
  }
  void new_function(const FunctionDescriptor& descriptor,
                    const Block<void(Function, ns::Error)>& completion_handler) const {
    send<"newFunctionWithDescriptor:completionHandler:">(descriptor, completion_handler);
  }
  Function new_function(const FunctionDescriptor& descriptor) const {
    return obtain_or_error<Function, "newFunctionWithDescriptor:error:">(descriptor);
  }
  ns::String label() const { return send<"label">(); }
  void set_label(const ns::String& value) const { send<"setLabel:">(value); }
  Device device() const;
  ns::Array function_names() const { return send<"functionNames">(); }
  LibraryType type() const { return send<"type">(); }
  ns::String install_name() const { return send<"installName">(); }
};

class ComputePipelineDescriptor : public objc::Of<Catalogue, ComputePipelineDescriptorMethods> {
 public:
  using Of::Of;
  ComputePipelineDescriptor() = default;
  static ComputePipelineDescriptor make() { return ComputePipelineDescriptor(init<"init">()); }
  void reset() const { send<"reset">(); }
  ns::String label() const { return send<"label">(); }
  void set_label(const ns::String& value) const { send<"setLabel:">(value); }
  Function compute_function() const { return send<"computeFunction">(); }
  void set_compute_function(const Function& value) const { send<"setComputeFunction:">(value); }
  bool thread_group_size_is_multiple_of_thread_execution_width() const {
    return send<"threadGroupSizeIsMultipleOfThreadExecutionWidth">();
  }
  void set_thread_group_size_is_multiple_of_thread_execution_width(bool value) const {
    send<"setThreadGroupSizeIsMultipleOfThreadExecutionWidth:">(value);
  }
  UInt max_total_threads_per_threadgroup() const { return send<"maxTotalThreadsPerThreadgroup">(); }
  void set_max_total_threads_per_threadgroup(UInt value) const {
    send<"setMaxTotalThreadsPerThreadgroup:">(value);
  }
  UInt max_call_stack_depth() const { return send<"maxCallStackDepth">(); }
  void set_max_call_stack_depth(UInt value) const { send<"setMaxCallStackDepth:">(value); }
  Size required_threads_per_threadgroup() const { return send<"requiredThreadsPerThreadgroup">(); }
  void set_required_threads_per_threadgroup(const Size& value) const {
    send<"setRequiredThreadsPerThreadgroup:">(value);
  }
};

class ComputePipelineState : public objc::Of<Catalogue, ComputePipelineStateMethods, Allocation> {
 public:
  using Of::Of;
  ComputePipelineState() = default;
  ns::String label() const { return send<"label">(); }
  Device device() const;
  UInt max_total_threads_per_threadgroup() const { return send<"maxTotalThreadsPerThreadgroup">(); }
  UInt thread_execution_width() const { return send<"threadExecutionWidth">(); }
  UInt static_threadgroup_memory_length() const { return send<"staticThreadgroupMemoryLength">(); }
  ResourceID gpu_resource_id() const { return send<"gpuResourceID">(); }
  Size required_threads_per_threadgroup() const { return send<"requiredThreadsPerThreadgroup">(); }
};

}  // namespace apple::mtl
