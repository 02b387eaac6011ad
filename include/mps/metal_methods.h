// Every message that these bindings send to an object of Metal, with its types.
#pragma once

#include <mps/metal_types.h>

namespace apple::mtl {

using objc::Block;
using objc::ClassMethod;
using objc::ErrorOut;
using objc::Id;
using objc::Int;
using objc::Interface;
using objc::Made;
using objc::Method;
using objc::NSObjectInterface;
using objc::Object;
using objc::Self;
using objc::UInt;
class Allocation;
class Device;
class CommandQueue;
class CommandBuffer;
class CommandBufferEncoderInfo;
class CommandEncoder;
class ComputeCommandEncoder;
class BlitCommandEncoder;
class ComputePipelineState;
class Library;
class Function;
class Resource;
class Buffer;
class Heap;
class Event;
class SharedEvent;
class Fence;
class ResidencySet;
class CompileOptions;
class FunctionConstantValues;
class FunctionConstant;
class FunctionDescriptor;
class ComputePipelineDescriptor;
class CommandBufferDescriptor;
class CommandQueueDescriptor;
class HeapDescriptor;
class SharedEventListener;
class ResidencySetDescriptor;
class Architecture;
class ComputePassDescriptor;
class DispatchData;

struct AllocationMethods
    : Interface<"MTLAllocation", NSObjectInterface, Method<"allocatedSize", UInt()>> {};
struct DeviceMethods
    : Interface<
          "MTLDevice", NSObjectInterface, Method<"newCommandQueue", CommandQueue()>,
          Method<"newCommandQueueWithMaxCommandBufferCount:", CommandQueue(UInt)>,
          Method<"newCommandQueueWithDescriptor:", CommandQueue(CommandQueueDescriptor)>,
          Method<"heapBufferSizeAndAlignWithLength:options:", SizeAndAlign(UInt, ResourceOptions)>,
          Method<"newHeapWithDescriptor:", Heap(HeapDescriptor)>,
          Method<"newBufferWithLength:options:", Buffer(UInt, ResourceOptions)>,
          Method<"newBufferWithBytes:length:options:", Buffer(const void*, UInt, ResourceOptions)>,
          Method<"newBufferWithBytesNoCopy:length:options:deallocator:",
                 Buffer(void*, UInt, ResourceOptions, Block<void(void*, UInt)>)>,
          Method<"newDefaultLibrary", Library()>,
          Method<"newLibraryWithURL:error:", Library(ns::URL, ErrorOut)>,
          Method<"newLibraryWithData:error:", Library(DispatchData, ErrorOut)>,
          Method<"newLibraryWithSource:options:error:",
                 Library(ns::String, CompileOptions, ErrorOut)>,
          Method<"newLibraryWithSource:options:completionHandler:",
                 void(ns::String, CompileOptions, Block<void(Library, ns::Error)>)>,
          Method<"newComputePipelineStateWithFunction:error:",
                 ComputePipelineState(Function, ErrorOut)>,
          Method<"newComputePipelineStateWithFunction:options:reflection:error:",
                 ComputePipelineState(Function, PipelineOption, Id*, ErrorOut)>,
          Method<"newComputePipelineStateWithFunction:completionHandler:",
                 void(Function, Block<void(ComputePipelineState, ns::Error)>)>,
          Method<"newComputePipelineStateWithDescriptor:options:reflection:error:",
                 ComputePipelineState(ComputePipelineDescriptor, PipelineOption, Id*, ErrorOut)>,
          Method<"newFence", Fence()>, Method<"supportsFamily:", bool(GPUFamily)>,
          Method<"newEvent", Event()>, Method<"newSharedEvent", SharedEvent()>,
          Method<"newResidencySetWithDescriptor:error:",
                 ResidencySet(ResidencySetDescriptor, ErrorOut)>,
          Method<"name", ns::String()>, Method<"registryID", UInt()>,
          Method<"architecture", Architecture()>, Method<"maxThreadsPerThreadgroup", Size()>,
          Method<"hasUnifiedMemory", bool()>, Method<"recommendedMaxWorkingSetSize", UInt()>,
          Method<"argumentBuffersSupport", ArgumentBuffersTier()>,
          Method<"currentAllocatedSize", UInt()>, Method<"maxThreadgroupMemoryLength", UInt()>,
          Method<"maxBufferLength", UInt()>, Method<"shouldMaximizeConcurrentCompilation", bool()>,
          Method<"setShouldMaximizeConcurrentCompilation:", void(bool)>,
          Method<"maximumConcurrentCompilationTaskCount", UInt()>> {};
struct CommandQueueMethods
    : Interface<"MTLCommandQueue", NSObjectInterface, Method<"commandBuffer", CommandBuffer()>,
                Method<"commandBufferWithDescriptor:", CommandBuffer(CommandBufferDescriptor)>,
                Method<"commandBufferWithUnretainedReferences", CommandBuffer()>,
                Method<"addResidencySet:", void(ResidencySet)>,
                Method<"addResidencySets:count:", void(const Id*, UInt)>,
                Method<"removeResidencySet:", void(ResidencySet)>,
                Method<"removeResidencySets:count:", void(const Id*, UInt)>,
                Method<"label", ns::String()>, Method<"setLabel:", void(ns::String)>,
                Method<"device", Device()>> {};
struct CommandBufferMethods
    : Interface<
          "MTLCommandBuffer", NSObjectInterface, Method<"enqueue", void()>,
          Method<"commit", void()>,
          Method<"addScheduledHandler:", void(Block<void(CommandBuffer)>)>,
          Method<"waitUntilScheduled", void()>,
          Method<"addCompletedHandler:", void(Block<void(CommandBuffer)>)>,
          Method<"waitUntilCompleted", void()>, Method<"blitCommandEncoder", BlitCommandEncoder()>,
          Method<"computeCommandEncoderWithDescriptor:",
                 ComputeCommandEncoder(ComputePassDescriptor)>,
          Method<"computeCommandEncoder", ComputeCommandEncoder()>,
          Method<"computeCommandEncoderWithDispatchType:", ComputeCommandEncoder(DispatchType)>,
          Method<"encodeWaitForEvent:value:", void(Event, UInt)>,
          Method<"encodeSignalEvent:value:", void(Event, UInt)>,
          Method<"useResidencySet:", void(ResidencySet)>,
          Method<"useResidencySets:count:", void(const Id*, UInt)>, Method<"device", Device()>,
          Method<"commandQueue", CommandQueue()>, Method<"retainedReferences", bool()>,
          Method<"errorOptions", CommandBufferErrorOption()>, Method<"label", ns::String()>,
          Method<"setLabel:", void(ns::String)>, Method<"kernelStartTime", double()>,
          Method<"kernelEndTime", double()>, Method<"GPUStartTime", double()>,
          Method<"GPUEndTime", double()>, Method<"status", CommandBufferStatus()>,
          Method<"error", ns::Error()>> {};
struct CommandBufferEncoderInfoMethods
    : Interface<"MTLCommandBufferEncoderInfo", NSObjectInterface, Method<"label", ns::String()>,
                Method<"debugSignposts", ns::Array()>,
                Method<"errorState", CommandEncoderErrorState()>> {};
struct CommandEncoderMethods
    : Interface<"MTLCommandEncoder", NSObjectInterface, Method<"endEncoding", void()>,
                Method<"device", Device()>, Method<"label", ns::String()>,
                Method<"setLabel:", void(ns::String)>> {};
struct ComputeCommandEncoderMethods
    : Interface<
          "MTLComputeCommandEncoder", CommandEncoderMethods,
          Method<"setComputePipelineState:", void(ComputePipelineState)>,
          Method<"setBytes:length:atIndex:", void(const void*, UInt, UInt)>,
          Method<"setBuffer:offset:atIndex:", void(Buffer, UInt, UInt)>,
          Method<"setBufferOffset:atIndex:", void(UInt, UInt)>,
          Method<"setBuffers:offsets:withRange:", void(const Id*, const UInt*, ns::Range)>,
          Method<"setThreadgroupMemoryLength:atIndex:", void(UInt, UInt)>,
          Method<"dispatchThreadgroups:threadsPerThreadgroup:", void(Size, Size)>,
          Method<
              "dispatchThreadgroupsWithIndirectBuffer:indirectBufferOffset:threadsPerThreadgroup:",
              void(Buffer, UInt, Size)>,
          Method<"dispatchThreads:threadsPerThreadgroup:", void(Size, Size)>,
          Method<"updateFence:", void(Fence)>, Method<"waitForFence:", void(Fence)>,
          Method<"useResource:usage:", void(Resource, ResourceUsage)>,
          Method<"useResources:count:usage:", void(const Id*, UInt, ResourceUsage)>,
          Method<"useHeap:", void(Heap)>, Method<"useHeaps:count:", void(const Id*, UInt)>,
          Method<"memoryBarrierWithScope:", void(BarrierScope)>,
          Method<"memoryBarrierWithResources:count:", void(const Id*, UInt)>,
          Method<"dispatchType", DispatchType()>> {};
struct BlitCommandEncoderMethods
    : Interface<"MTLBlitCommandEncoder", CommandEncoderMethods,
                Method<"synchronizeResource:", void(Resource)>,
                Method<"fillBuffer:range:value:", void(Buffer, ns::Range, std::uint8_t)>,
                Method<"copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:",
                       void(Buffer, UInt, Buffer, UInt, UInt)>,
                Method<"updateFence:", void(Fence)>, Method<"waitForFence:", void(Fence)>> {};
struct ComputePipelineStateMethods
    : Interface<
          "MTLComputePipelineState", AllocationMethods, Method<"label", ns::String()>,
          Method<"device", Device()>, Method<"maxTotalThreadsPerThreadgroup", UInt()>,
          Method<"threadExecutionWidth", UInt()>, Method<"staticThreadgroupMemoryLength", UInt()>,
          Method<"gpuResourceID", ResourceID()>, Method<"requiredThreadsPerThreadgroup", Size()>> {
};
struct LibraryMethods
    : Interface<"MTLLibrary", NSObjectInterface,
                Method<"newFunctionWithName:", Function(ns::String)>,
                Method<"newFunctionWithName:constantValues:error:",
                       Function(ns::String, FunctionConstantValues, ErrorOut)>,
                Method<"newFunctionWithName:constantValues:completionHandler:",
                       void(ns::String, FunctionConstantValues, Block<void(Function, ns::Error)>)>,
                Method<"newFunctionWithDescriptor:completionHandler:",
                       void(FunctionDescriptor, Block<void(Function, ns::Error)>)>,
                Method<"newFunctionWithDescriptor:error:", Function(FunctionDescriptor, ErrorOut)>,
                Method<"label", ns::String()>, Method<"setLabel:", void(ns::String)>,
                Method<"device", Device()>, Method<"functionNames", ns::Array()>,
                Method<"type", LibraryType()>, Method<"installName", ns::String()>> {};
struct FunctionMethods
    : Interface<"MTLFunction", NSObjectInterface, Method<"label", ns::String()>,
                Method<"setLabel:", void(ns::String)>, Method<"device", Device()>,
                Method<"functionType", FunctionType()>, Method<"name", ns::String()>,
                Method<"functionConstantsDictionary", ns::Dictionary()>> {};
struct ResourceMethods
    : Interface<"MTLResource", AllocationMethods,
                Method<"setPurgeableState:", PurgeableState(PurgeableState)>,
                Method<"makeAliasable", void()>, Method<"isAliasable", bool()>,
                Method<"label", ns::String()>, Method<"setLabel:", void(ns::String)>,
                Method<"device", Device()>, Method<"cpuCacheMode", CPUCacheMode()>,
                Method<"storageMode", StorageMode()>,
                Method<"hazardTrackingMode", HazardTrackingMode()>,
                Method<"resourceOptions", ResourceOptions()>, Method<"heap", Heap()>,
                Method<"heapOffset", UInt()>> {};
struct BufferMethods : Interface<"MTLBuffer", ResourceMethods, Method<"contents", void*()>,
                                 Method<"didModifyRange:", void(ns::Range)>,
                                 Method<"addDebugMarker:range:", void(ns::String, ns::Range)>,
                                 Method<"removeAllDebugMarkers", void()>, Method<"length", UInt()>,
                                 Method<"gpuAddress", UInt()>> {};
struct HeapMethods
    : Interface<"MTLHeap", AllocationMethods, Method<"maxAvailableSizeWithAlignment:", UInt(UInt)>,
                Method<"newBufferWithLength:options:", Buffer(UInt, ResourceOptions)>,
                Method<"setPurgeableState:", PurgeableState(PurgeableState)>,
                Method<"newBufferWithLength:options:offset:", Buffer(UInt, ResourceOptions, UInt)>,
                Method<"label", ns::String()>, Method<"setLabel:", void(ns::String)>,
                Method<"device", Device()>, Method<"storageMode", StorageMode()>,
                Method<"cpuCacheMode", CPUCacheMode()>,
                Method<"hazardTrackingMode", HazardTrackingMode()>,
                Method<"resourceOptions", ResourceOptions()>, Method<"size", UInt()>,
                Method<"usedSize", UInt()>, Method<"currentAllocatedSize", UInt()>,
                Method<"type", HeapType()>> {};
struct EventMethods
    : Interface<"MTLEvent", NSObjectInterface, Method<"device", Device()>,
                Method<"label", ns::String()>, Method<"setLabel:", void(ns::String)>> {};
struct SharedEventMethods
    : Interface<"MTLSharedEvent", EventMethods,
                Method<"notifyListener:atValue:block:",
                       void(SharedEventListener, UInt, Block<void(SharedEvent, UInt)>)>,
                Method<"waitUntilSignaledValue:timeoutMS:", bool(UInt, UInt)>,
                Method<"signaledValue", UInt()>, Method<"setSignaledValue:", void(UInt)>> {};
struct FenceMethods
    : Interface<"MTLFence", NSObjectInterface, Method<"device", Device()>,
                Method<"label", ns::String()>, Method<"setLabel:", void(ns::String)>> {};
struct ResidencySetMethods
    : Interface<"MTLResidencySet", NSObjectInterface, Method<"requestResidency", void()>,
                Method<"endResidency", void()>, Method<"addAllocation:", void(Allocation)>,
                Method<"addAllocations:count:", void(const Id*, UInt)>,
                Method<"removeAllocation:", void(Allocation)>,
                Method<"removeAllocations:count:", void(const Id*, UInt)>,
                Method<"removeAllAllocations", void()>,
                Method<"containsAllocation:", bool(Allocation)>, Method<"commit", void()>,
                Method<"device", Device()>, Method<"label", ns::String()>,
                Method<"allocatedSize", UInt()>, Method<"allAllocations", ns::Array()>,
                Method<"allocationCount", UInt()>> {};
struct CompileOptionsMethods
    : Interface<"MTLCompileOptions", NSObjectInterface,
                Method<"preprocessorMacros", ns::Dictionary()>,
                Method<"setPreprocessorMacros:", void(ns::Dictionary)>,
                Method<"fastMathEnabled", bool()>, Method<"setFastMathEnabled:", void(bool)>,
                Method<"mathMode", MathMode()>, Method<"setMathMode:", void(MathMode)>,
                Method<"mathFloatingPointFunctions", MathFloatingPointFunctions()>,
                Method<"setMathFloatingPointFunctions:", void(MathFloatingPointFunctions)>,
                Method<"languageVersion", LanguageVersion()>,
                Method<"setLanguageVersion:", void(LanguageVersion)>,
                Method<"setLibraryType:", void(LibraryType)>, Method<"preserveInvariance", bool()>,
                Method<"setPreserveInvariance:", void(bool)>,
                Method<"optimizationLevel", LibraryOptimizationLevel()>,
                Method<"setOptimizationLevel:", void(LibraryOptimizationLevel)>,
                Method<"allowReferencingUndefinedSymbols", bool()>,
                Method<"setAllowReferencingUndefinedSymbols:", void(bool)>,
                Method<"maxTotalThreadsPerThreadgroup", UInt()>,
                Method<"setMaxTotalThreadsPerThreadgroup:", void(UInt)>,
                Method<"requiredThreadsPerThreadgroup", Size()>,
                Method<"setRequiredThreadsPerThreadgroup:", void(Size)>,
                Method<"enableLogging", bool()>, Method<"setEnableLogging:", void(bool)>> {};
struct FunctionConstantValuesMethods
    : Interface<"MTLFunctionConstantValues", NSObjectInterface,
                Method<"setConstantValue:type:atIndex:", void(const void*, DataType, UInt)>,
                Method<"setConstantValues:type:withRange:", void(const void*, DataType, ns::Range)>,
                Method<"setConstantValue:type:withName:", void(const void*, DataType, ns::String)>,
                Method<"reset", void()>> {};
struct FunctionConstantMethods
    : Interface<"MTLFunctionConstant", NSObjectInterface, Method<"name", ns::String()>,
                Method<"type", DataType()>, Method<"index", UInt()>, Method<"required", bool()>> {};
struct FunctionDescriptorMethods
    : Interface<"MTLFunctionDescriptor", NSObjectInterface,
                ClassMethod<"functionDescriptor", FunctionDescriptor()>,
                Method<"name", ns::String()>, Method<"setName:", void(ns::String)>,
                Method<"specializedName", ns::String()>,
                Method<"setSpecializedName:", void(ns::String)>,
                Method<"constantValues", FunctionConstantValues()>,
                Method<"setConstantValues:", void(FunctionConstantValues)>> {};
struct ComputePipelineDescriptorMethods
    : Interface<"MTLComputePipelineDescriptor", NSObjectInterface, Method<"reset", void()>,
                Method<"label", ns::String()>, Method<"setLabel:", void(ns::String)>,
                Method<"computeFunction", Function()>,
                Method<"setComputeFunction:", void(Function)>,
                Method<"threadGroupSizeIsMultipleOfThreadExecutionWidth", bool()>,
                Method<"setThreadGroupSizeIsMultipleOfThreadExecutionWidth:", void(bool)>,
                Method<"maxTotalThreadsPerThreadgroup", UInt()>,
                Method<"setMaxTotalThreadsPerThreadgroup:", void(UInt)>,
                Method<"maxCallStackDepth", UInt()>, Method<"setMaxCallStackDepth:", void(UInt)>,
                Method<"requiredThreadsPerThreadgroup", Size()>,
                Method<"setRequiredThreadsPerThreadgroup:", void(Size)>> {};
struct CommandBufferDescriptorMethods
    : Interface<"MTLCommandBufferDescriptor", NSObjectInterface,
                Method<"retainedReferences", bool()>, Method<"setRetainedReferences:", void(bool)>,
                Method<"errorOptions", CommandBufferErrorOption()>,
                Method<"setErrorOptions:", void(CommandBufferErrorOption)>> {};
struct CommandQueueDescriptorMethods : Interface<"MTLCommandQueueDescriptor", NSObjectInterface,
                                                 Method<"maxCommandBufferCount", UInt()>,
                                                 Method<"setMaxCommandBufferCount:", void(UInt)>> {
};
struct HeapDescriptorMethods
    : Interface<"MTLHeapDescriptor", NSObjectInterface, Method<"size", UInt()>,
                Method<"setSize:", void(UInt)>, Method<"storageMode", StorageMode()>,
                Method<"setStorageMode:", void(StorageMode)>,
                Method<"cpuCacheMode", CPUCacheMode()>,
                Method<"setCpuCacheMode:", void(CPUCacheMode)>,
                Method<"hazardTrackingMode", HazardTrackingMode()>,
                Method<"setHazardTrackingMode:", void(HazardTrackingMode)>,
                Method<"resourceOptions", ResourceOptions()>,
                Method<"setResourceOptions:", void(ResourceOptions)>, Method<"type", HeapType()>,
                Method<"setType:", void(HeapType)>> {};
struct SharedEventListenerMethods
    : Interface<"MTLSharedEventListener", NSObjectInterface,
                ClassMethod<"sharedListener", SharedEventListener()>> {};
struct ResidencySetDescriptorMethods
    : Interface<"MTLResidencySetDescriptor", NSObjectInterface, Method<"label", ns::String()>,
                Method<"setLabel:", void(ns::String)>, Method<"initialCapacity", UInt()>,
                Method<"setInitialCapacity:", void(UInt)>> {};
struct ArchitectureMethods
    : Interface<"MTLArchitecture", NSObjectInterface, Method<"name", ns::String()>> {};
struct ComputePassDescriptorMethods
    : Interface<"MTLComputePassDescriptor", NSObjectInterface,
                ClassMethod<"computePassDescriptor", ComputePassDescriptor()>,
                Method<"dispatchType", DispatchType()>,
                Method<"setDispatchType:", void(DispatchType)>> {};

struct Functions : objc::Functions<objc::CFunction<"MTLCreateSystemDefaultDevice", Device()>,
                                   objc::CFunction<"MTLCopyAllDevices", ns::Array()>> {};
// Of Grand Central Dispatch: bytes, their length, a queue and a destructor. The last two may be
// null.
struct DispatchFunctions
    : objc::Functions<
          objc::CFunction<"dispatch_data_create", DispatchData(const void*, UInt, Object, void*)>> {
};

struct Catalogue
    : objc::Catalogue<
          DeviceMethods, CommandQueueMethods, CommandBufferMethods, CommandBufferEncoderInfoMethods,
          CommandEncoderMethods, ComputeCommandEncoderMethods, BlitCommandEncoderMethods,
          ComputePipelineStateMethods, LibraryMethods, FunctionMethods, AllocationMethods,
          ResourceMethods, BufferMethods, HeapMethods, EventMethods, SharedEventMethods,
          FenceMethods, ResidencySetMethods, CompileOptionsMethods, FunctionConstantValuesMethods,
          FunctionConstantMethods, FunctionDescriptorMethods, ComputePipelineDescriptorMethods,
          CommandBufferDescriptorMethods, CommandQueueDescriptorMethods, HeapDescriptorMethods,
          SharedEventListenerMethods, ResidencySetDescriptorMethods, ArchitectureMethods,
          ComputePassDescriptorMethods> {};

}  // namespace apple::mtl
