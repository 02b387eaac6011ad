// The names under which Objective-C sees libraries, functions and pipelines.
#include "sim/metal/metal/library.h"

namespace metal_sim {
namespace {

id new_descriptor(Class cls) { return autorelease(Object::make_new(cls)); }

void register_options() {
  using O = MetalCompileOptions;
  Cls<O>(Object::kClass)
      .property<&O::macros>("preprocessorMacros")
      .read_only<&O::fast_math>("fastMathEnabled")
      .method<&O::set_fast_math>("setFastMathEnabled:")
      .read_only<&O::math_mode>("mathMode")
      .method<&O::set_math_mode>("setMathMode:")
      .property<&O::math_functions>("mathFloatingPointFunctions")
      .property<&O::language_version>("languageVersion")
      .property<&O::library_type>("libraryType")
      .property<&O::install_name>("installName")
      .property<&O::libraries>("libraries")
      .property<&O::preserve_invariance>("preserveInvariance")
      .property<&O::optimization_level>("optimizationLevel")
      .property<&O::symbol_visibility>("compileSymbolVisibility")
      .property<&O::allow_undefined>("allowReferencingUndefinedSymbols")
      .property<&O::max_threads>("maxTotalThreadsPerThreadgroup")
      .property<&O::required_threads>("requiredThreadsPerThreadgroup")
      .property<&O::logging>("enableLogging")
      .method<&O::copy_with_zone>("copyWithZone:");
  Cls<ConstantValues>(Object::kClass)
      .method<&ConstantValues::set_at>("setConstantValue:type:atIndex:")
      .method<&ConstantValues::set_range>("setConstantValues:type:withRange:")
      .method<&ConstantValues::set_named>("setConstantValue:type:withName:")
      .method<&ConstantValues::reset>("reset")
      .method<&ConstantValues::copy_with_zone>("copyWithZone:");
  Cls<ConstantObject>(Object::kClass)
      .read_only<&ConstantObject::name>("name")
      .read_only<&ConstantObject::type>("type")
      .read_only<&ConstantObject::index>("index")
      .read_only<&ConstantObject::required>("required");
  Cls<FunctionDescriptor>(Object::kClass)
      .class_method<&new_descriptor>("functionDescriptor")
      .property<&FunctionDescriptor::name>("name")
      .property<&FunctionDescriptor::specialized_name>("specializedName")
      .property<&FunctionDescriptor::constants>("constantValues")
      .property<&FunctionDescriptor::options>("options")
      .method<&FunctionDescriptor::copy_with_zone>("copyWithZone:");
}

void register_functions() {
  Cls<Library>(Object::kClass)
      .conforms("MTLLibrary")
      .read_only<&Library::device>("device")
      .property<&Library::label>("label")
      .method<&Library::new_function>("newFunctionWithName:")
      .method<&Library::new_specialized>("newFunctionWithName:constantValues:error:")
      .method<&Library::new_specialized_async>(
          "newFunctionWithName:constantValues:completionHandler:")
      .method<&Library::new_described>("newFunctionWithDescriptor:error:")
      .method<&Library::function_names>("functionNames")
      .method<&Library::type>("type")
      .method<&Library::install_name>("installName");
  Cls<Function>(Object::kClass)
      .conforms("MTLFunction")
      .method<&Function::device>("device")
      .property<&Function::label>("label")
      .read_only<&Function::name>("name")
      .method<&Function::type>("functionType")
      .method<&Function::patch_type>("patchType")
      .method<&Function::patch_points>("patchControlPointCount")
      .method<&Function::constants_dictionary>("functionConstantsDictionary")
      .method<&Function::options>("options");
  Cls<Binding>(Object::kClass)
      .conforms("MTLBufferBinding")
      .method<&Binding::name>("name")
      .method<&Binding::type>("type")
      .method<&Binding::access>("access")
      .method<&Binding::index>("index")
      .method<&Binding::used>("isUsed")
      .method<&Binding::used>("isActive")
      .method<&Binding::is_argument>("isArgument")
      .method<&Binding::alignment>("bufferAlignment")
      .method<&Binding::data_size>("bufferDataSize")
      .method<&Binding::data_type>("bufferDataType")
      .method<&Binding::alignment>("threadgroupMemoryAlignment")
      .method<&Binding::data_size>("threadgroupMemoryDataSize");
  Cls<Reflection>(Object::kClass)
      .read_only<&Reflection::bindings>("bindings")
      .read_only<&Reflection::bindings>("arguments");
}

void register_pipelines() {
  Cls<PipelineBuffer>(Object::kClass).property<&PipelineBuffer::mutability>("mutability");
  Cls<PipelineBuffers>(Object::kClass)
      .method<&PipelineBuffers::at>("objectAtIndexedSubscript:")
      .method<&PipelineBuffers::set>("setObject:atIndexedSubscript:");
  using D = PipelineDescriptor;
  Cls<D>(Object::kClass)
      .property<&D::label>("label")
      .property<&D::function>("computeFunction")
      .property<&D::multiple>("threadGroupSizeIsMultipleOfThreadExecutionWidth")
      .property<&D::max_threads>("maxTotalThreadsPerThreadgroup")
      .property<&D::indirect>("supportIndirectCommandBuffers")
      .property<&D::adding>("supportAddingBinaryFunctions")
      .property<&D::stack_depth>("maxCallStackDepth")
      .property<&D::validation>("shaderValidation")
      .property<&D::required>("requiredThreadsPerThreadgroup")
      .method<&D::buffers>("buffers")
      .method<&D::reset>("reset")
      .method<&D::copy_with_zone>("copyWithZone:");
  Cls<Pipeline>(Object::kClass)
      .conforms("MTLComputePipelineState")
      .read_only<&Pipeline::device>("device")
      .read_only<&Pipeline::label>("label")
      .method<&Pipeline::max_threads>("maxTotalThreadsPerThreadgroup")
      .method<&Pipeline::width>("threadExecutionWidth")
      .method<&Pipeline::static_memory>("staticThreadgroupMemoryLength")
      .method<&Pipeline::resource_id>("gpuResourceID")
      .method<&Pipeline::required>("requiredThreadsPerThreadgroup")
      .method<&Pipeline::reflection>("reflection");
}

}  // namespace

void register_libraries() {
  register_options();
  register_functions();
  register_pipelines();
}

}  // namespace metal_sim
