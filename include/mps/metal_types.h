// Metal's structures and enumerations, as far as a compute program meets them.
#pragma once

#include <mps/foundation.h>

namespace apple::mtl {

using objc::UInt;

struct Size {
  UInt width = 0, height = 0, depth = 0;
};
struct Origin {
  UInt x = 0, y = 0, z = 0;
};
struct Region {
  Origin origin;
  Size size;
};
struct SizeAndAlign {
  UInt size = 0, align = 0;
};
struct ResourceID {
  UInt impl = 0;
};
// What an indirect dispatch reads from its buffer.
struct DispatchThreadgroupsIndirectArguments {
  unsigned threadgroups_per_grid[3] = {};
};

using apple::operator|;
using apple::operator&;

}  // namespace apple::mtl

namespace apple::objc {
template <>
struct LayoutOf<mtl::Size>
    : Layout<"MTLSize", Field<"width", &mtl::Size::width>, Field<"height", &mtl::Size::height>,
             Field<"depth", &mtl::Size::depth>> {};
template <>
struct LayoutOf<mtl::Origin> : Layout<"MTLOrigin", Field<"x", &mtl::Origin::x>,
                                      Field<"y", &mtl::Origin::y>, Field<"z", &mtl::Origin::z>> {};
template <>
struct LayoutOf<mtl::Region> : Layout<"MTLRegion", Field<"origin", &mtl::Region::origin>,
                                      Field<"size", &mtl::Region::size>> {};
template <>
struct LayoutOf<mtl::SizeAndAlign>
    : Layout<"MTLSizeAndAlign", Field<"size", &mtl::SizeAndAlign::size>,
             Field<"align", &mtl::SizeAndAlign::align>> {};
template <>
struct LayoutOf<mtl::ResourceID> : Layout<"MTLResourceID", Field<"_impl", &mtl::ResourceID::impl>> {
};
template <>
struct LayoutOf<mtl::DispatchThreadgroupsIndirectArguments>
    : Layout<"MTLDispatchThreadgroupsIndirectArguments",
             Field<"threadgroupsPerGrid",
                   &mtl::DispatchThreadgroupsIndirectArguments::threadgroups_per_grid>> {};
}  // namespace apple::objc

// clang-format off
#define APPLE_LIST(X) X(not_enqueued, NotEnqueued, 0) X(enqueued, Enqueued, 1) \
  X(committed, Committed, 2) X(scheduled, Scheduled, 3) X(completed, Completed, 4) \
  X(error, Error, 5)
APPLE_ENUM(mtl, CommandBufferStatus, objc::UInt, "MTLCommandBufferStatus", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(none, None, 0) X(internal, Internal, 1) X(timeout, Timeout, 2) \
  X(page_fault, PageFault, 3) X(access_revoked, AccessRevoked, 4) \
  X(not_permitted, NotPermitted, 7) \
  X(out_of_memory, OutOfMemory, 8) X(invalid_resource, InvalidResource, 9) \
  X(memoryless, Memoryless, 10) X(device_removed, DeviceRemoved, 11) \
  X(stack_overflow, StackOverflow, 12)
APPLE_ENUM(mtl, CommandBufferError, objc::UInt, "MTLCommandBufferError", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(none, None, 0) X(encoder_execution_status, EncoderExecutionStatus, 1)
APPLE_ENUM(mtl, CommandBufferErrorOption, objc::UInt, "MTLCommandBufferErrorOption", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(unknown, Unknown, 0) X(completed, Completed, 1) X(affected, Affected, 2) \
  X(pending, Pending, 3) X(faulted, Faulted, 4)
APPLE_ENUM(mtl, CommandEncoderErrorState, objc::Int, "MTLCommandEncoderErrorState", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(serial, Serial, 0) X(concurrent, Concurrent, 1)
APPLE_ENUM(mtl, DispatchType, objc::UInt, "MTLDispatchType", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(buffers, Buffers, 1) X(textures, Textures, 2) \
  X(render_targets, RenderTargets, 4)
APPLE_ENUM(mtl, BarrierScope, objc::UInt, "MTLBarrierScope", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(cpu_cache_mode_default_cache, CPUCacheModeDefaultCache, 0) \
  X(cpu_cache_mode_write_combined, CPUCacheModeWriteCombined, 1) \
  X(storage_mode_shared, StorageModeShared, 0) X(storage_mode_managed, StorageModeManaged, 0x10) \
  X(storage_mode_private, StorageModePrivate, 0x20) \
  X(storage_mode_memoryless, StorageModeMemoryless, 0x30) \
  X(hazard_tracking_mode_default, HazardTrackingModeDefault, 0) \
  X(hazard_tracking_mode_untracked, HazardTrackingModeUntracked, 0x100) \
  X(hazard_tracking_mode_tracked, HazardTrackingModeTracked, 0x200)
APPLE_ENUM(mtl, ResourceOptions, objc::UInt, "MTLResource", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(shared, Shared, 0) X(managed, Managed, 1) X(private_, Private, 2) \
  X(memoryless, Memoryless, 3)
APPLE_ENUM(mtl, StorageMode, objc::UInt, "MTLStorageMode", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(default_cache, DefaultCache, 0) X(write_combined, WriteCombined, 1)
APPLE_ENUM(mtl, CPUCacheMode, objc::UInt, "MTLCPUCacheMode", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(default_, Default, 0) X(untracked, Untracked, 1) X(tracked, Tracked, 2)
APPLE_ENUM(mtl, HazardTrackingMode, objc::UInt, "MTLHazardTrackingMode", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(keep_current, KeepCurrent, 1) X(non_volatile, NonVolatile, 2) \
  X(volatile_, Volatile, 3) X(empty, Empty, 4)
APPLE_ENUM(mtl, PurgeableState, objc::UInt, "MTLPurgeableState", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(automatic, Automatic, 0) X(placement, Placement, 1) X(sparse, Sparse, 2)
APPLE_ENUM(mtl, HeapType, objc::Int, "MTLHeapType", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(read, Read, 1) X(write, Write, 2) X(sample, Sample, 4)
APPLE_ENUM(mtl, ResourceUsage, objc::UInt, "MTLResourceUsage", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(apple1, Apple1, 1001) X(apple2, Apple2, 1002) X(apple3, Apple3, 1003) \
  X(apple4, Apple4, 1004) X(apple5, Apple5, 1005) X(apple6, Apple6, 1006) X(apple7, Apple7, 1007) \
  X(apple8, Apple8, 1008) X(apple9, Apple9, 1009) X(apple10, Apple10, 1010) X(mac1, Mac1, 2001) \
  X(mac2, Mac2, 2002) X(common1, Common1, 3001) X(common2, Common2, 3002) \
  X(common3, Common3, 3003) X(metal3, Metal3, 5001) X(metal4, Metal4, 5002)
APPLE_ENUM(mtl, GPUFamily, objc::Int, "MTLGPUFamily", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(v1_0, 1_0, 0x10000) X(v1_1, 1_1, 0x10001) X(v1_2, 1_2, 0x10002) \
  X(v2_0, 2_0, 0x20000) X(v2_1, 2_1, 0x20001) X(v2_2, 2_2, 0x20002) X(v2_3, 2_3, 0x20003) \
  X(v2_4, 2_4, 0x20004) X(v3_0, 3_0, 0x30000) X(v3_1, 3_1, 0x30001) X(v3_2, 3_2, 0x30002) \
  X(v4_0, 4_0, 0x40000)
APPLE_ENUM(mtl, LanguageVersion, objc::UInt, "MTLLanguageVersion", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(unsupported, Unsupported, 1) X(internal, Internal, 2) \
  X(compile_failure, CompileFailure, 3) X(compile_warning, CompileWarning, 4) \
  X(function_not_found, FunctionNotFound, 5) X(file_not_found, FileNotFound, 6)
APPLE_ENUM(mtl, LibraryError, objc::UInt, "MTLLibraryError", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(executable, Executable, 0) X(dynamic, Dynamic, 1)
APPLE_ENUM(mtl, LibraryType, objc::Int, "MTLLibraryType", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(default_, Default, 0) X(size, Size, 1)
APPLE_ENUM(mtl, LibraryOptimizationLevel, objc::Int, "MTLLibraryOptimizationLevel", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(safe, Safe, 0) X(relaxed, Relaxed, 1) X(fast, Fast, 2)
APPLE_ENUM(mtl, MathMode, objc::Int, "MTLMathMode", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(fast, Fast, 0) X(precise, Precise, 1)
APPLE_ENUM(mtl, MathFloatingPointFunctions, objc::Int, "MTLMathFloatingPointFunctions", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(vertex, Vertex, 1) X(fragment, Fragment, 2) X(kernel, Kernel, 3) \
  X(visible, Visible, 5) X(intersection, Intersection, 6) X(mesh, Mesh, 7) X(object, Object, 8)
APPLE_ENUM(mtl, FunctionType, objc::UInt, "MTLFunctionType", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(none, None, 0) X(binding_info, BindingInfo, 1) \
  X(buffer_type_info, BufferTypeInfo, 2) X(fail_on_binary_archive_miss, FailOnBinaryArchiveMiss, 4)
APPLE_ENUM(mtl, PipelineOption, objc::UInt, "MTLPipelineOption", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(tier1, Tier1, 0) X(tier2, Tier2, 1)
APPLE_ENUM(mtl, ArgumentBuffersTier, objc::UInt, "MTLArgumentBuffers", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(none, None, 0) X(float_, Float, 3) X(float2, Float2, 4) \
  X(float3, Float3, 5) X(float4, Float4, 6) X(half, Half, 16) X(half2, Half2, 17) \
  X(half3, Half3, 18) X(half4, Half4, 19) X(int_, Int, 29) X(int2, Int2, 30) X(int3, Int3, 31) \
  X(int4, Int4, 32) X(uint, UInt, 33) X(uint2, UInt2, 34) X(uint3, UInt3, 35) X(uint4, UInt4, 36) \
  X(short_, Short, 37) X(ushort, UShort, 41) X(char_, Char, 45) X(uchar, UChar, 49) \
  X(bool_, Bool, 53) X(bool2, Bool2, 54) X(bool3, Bool3, 55) X(bool4, Bool4, 56) \
  X(long_, Long, 81) X(ulong, ULong, 85) X(bfloat, BFloat, 121)
APPLE_ENUM(mtl, DataType, objc::UInt, "MTLDataType", APPLE_LIST);
#undef APPLE_LIST
// clang-format on

namespace apple::objc {
template <>
inline constexpr bool kIsFlags<mtl::ResourceOptions> = true;
template <>
inline constexpr bool kIsFlags<mtl::ResourceUsage> = true;
template <>
inline constexpr bool kIsFlags<mtl::BarrierScope> = true;
template <>
inline constexpr bool kIsFlags<mtl::PipelineOption> = true;
template <>
inline constexpr bool kIsFlags<mtl::CommandBufferErrorOption> = true;

// Which structures and enumerations there are, for the tests.
using MetalStructs = TypeList<ns::Range, mtl::Size, mtl::Origin, mtl::Region, mtl::SizeAndAlign,
                              mtl::ResourceID, mtl::DispatchThreadgroupsIndirectArguments>;
using MetalEnums =
    TypeList<mtl::CommandBufferStatus, mtl::CommandBufferError, mtl::CommandBufferErrorOption,
             mtl::CommandEncoderErrorState, mtl::DispatchType, mtl::BarrierScope,
             mtl::ResourceOptions, mtl::StorageMode, mtl::CPUCacheMode, mtl::HazardTrackingMode,
             mtl::PurgeableState, mtl::HeapType, mtl::ResourceUsage, mtl::GPUFamily,
             mtl::LanguageVersion, mtl::LibraryError, mtl::LibraryType,
             mtl::LibraryOptimizationLevel, mtl::MathMode, mtl::MathFloatingPointFunctions,
             mtl::FunctionType, mtl::PipelineOption, mtl::ArgumentBuffersTier, mtl::DataType>;
}  // namespace apple::objc
