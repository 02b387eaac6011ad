// The structures and enumerations of Metal Performance Shaders.
#pragma once

#include <mps/metal.h>

#include <cstdint>

namespace apple::mps {

using objc::Int;
using objc::UInt;

struct DimensionSlice {
  UInt start = 0, length = 0;
};
struct MatrixOffset {
  std::uint32_t row_offset = 0, column_offset = 0;
};
struct MatrixCopyOffsets {
  std::uint32_t source_row_offset = 0, source_column_offset = 0;
  std::uint32_t destination_row_offset = 0, destination_column_offset = 0;
};
struct NDArrayOffsets {
  Int dimensions[16] = {};
};
// 16 bytes in one vector register, both as argument and as result.
using UChar16 = unsigned char __attribute__((vector_size(16)));

using apple::operator|;
using apple::operator&;

}  // namespace apple::mps

namespace apple::objc {
template <>
struct LayoutOf<mps::DimensionSlice>
    : Layout<"MPSDimensionSlice", Field<"start", &mps::DimensionSlice::start>,
             Field<"length", &mps::DimensionSlice::length>> {};
template <>
struct LayoutOf<mps::MatrixOffset>
    : Layout<"MPSMatrixOffset", Field<"rowOffset", &mps::MatrixOffset::row_offset>,
             Field<"columnOffset", &mps::MatrixOffset::column_offset>> {};
template <>
struct LayoutOf<mps::MatrixCopyOffsets>
    : Layout<"MPSMatrixCopyOffsets",
             Field<"sourceRowOffset", &mps::MatrixCopyOffsets::source_row_offset>,
             Field<"sourceColumnOffset", &mps::MatrixCopyOffsets::source_column_offset>,
             Field<"destinationRowOffset", &mps::MatrixCopyOffsets::destination_row_offset>,
             Field<"destinationColumnOffset", &mps::MatrixCopyOffsets::destination_column_offset>> {
};
template <>
struct LayoutOf<mps::NDArrayOffsets>
    : Layout<"MPSNDArrayOffsets", Field<"dimensions", &mps::NDArrayOffsets::dimensions>> {};
}  // namespace apple::objc

// clang-format off
// The low 16 bits are the size in bits; the bits above say what kind of number it is.
#define APPLE_LIST(X) X(invalid, Invalid, 0) X(float_bit, FloatBit, 0x10000000u) \
  X(float16, Float16, 0x10000010u) X(float32, Float32, 0x10000020u) \
  X(complex_bit, ComplexBit, 0x01000000u) X(complex_float16, ComplexFloat16, 0x11000020u) \
  X(complex_float32, ComplexFloat32, 0x11000040u) X(signed_bit, SignedBit, 0x20000000u) \
  X(int_bit, IntBit, 0x20000000u) X(int2, Int2, 0x20000002u) X(int4, Int4, 0x20000004u) \
  X(int8, Int8, 0x20000008u) X(int16, Int16, 0x20000010u) X(int32, Int32, 0x20000020u) \
  X(int64, Int64, 0x20000040u) X(uint2, UInt2, 0x2) X(uint4, UInt4, 0x4) X(uint8, UInt8, 0x8) \
  X(uint16, UInt16, 0x10) X(uint32, UInt32, 0x20) X(uint64, UInt64, 0x40) \
  X(alternate_encoding_bit, AlternateEncodingBit, 0x80000000u) X(bool_, Bool, 0x80000008u) \
  X(bfloat16, BFloat16, 0x90000010u) X(complex_bfloat16, ComplexBFloat16, 0x91000020u) \
  X(normalized_bit, NormalizedBit, 0x40000000u) X(unorm1, Unorm1, 0x40000001u) \
  X(unorm8, Unorm8, 0x40000008u)
APPLE_ENUM(mps, DataType, std::uint32_t, "MPSDataType", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(none, None, 0) X(skip_api_validation, SkipAPIValidation, 1) \
  X(allow_reduced_precision, AllowReducedPrecision, 2) \
  X(disable_internal_tiling, DisableInternalTiling, 4) \
  X(insert_debug_groups, InsertDebugGroups, 8) X(verbose, Verbose, 16)
APPLE_ENUM(mps, KernelOptions, objc::UInt, "MPSKernelOptions", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(success, Success, 0) X(failure, Failure, -1) X(singular, Singular, -2) \
  X(non_positive_definite, NonPositiveDefinite, -3)
APPLE_ENUM(mps, MatrixDecompositionStatus, int, "MPSMatrixDecompositionStatus", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(default_, Default, 1) X(uniform, Uniform, 2) X(normal, Normal, 3)
APPLE_ENUM(mps, MatrixRandomDistribution, objc::UInt, "MPSMatrixRandomDistribution", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(default_, Default, 0) X(dont_care, DontCare, 0) \
  X(shall_alias, ShallAlias, 1) X(shall_not_alias, ShallNotAlias, 2) \
  X(prefer_temporary_memory, PreferTemporaryMemory, 4) \
  X(prefer_non_temporary_memory, PreferNonTemporaryMemory, 8)
APPLE_ENUM(mps, AliasingStrategy, objc::UInt, "MPSAliasingStrategy", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(none, TypeNone, 0) X(affine, TypeAffine, 1) X(lut, TypeLUT, 2)
APPLE_ENUM(mps, NDArrayQuantizationScheme, objc::UInt, "MPSNDArrayQuantization", APPLE_LIST);
#undef APPLE_LIST

// With a, b, c for the parameters A, B, C:
//   relu: x >= 0 ? x : a x           linear: a x + b            sigmoid: 1 / (1 + exp(-x))
//   hard_sigmoid: clamp(a x + b)     tanh: a tanh(b x)          soft_plus: a log(1 + exp(b x))
//   elu: x >= 0 ? x : a (exp(x) - 1) relun: min(relu, b)        power: (a x + b) to the c
//   gelu: x (1 + erf(x / sqrt 2)) / 2
#define APPLE_LIST(X) X(none, None, 0) X(relu, ReLU, 1) X(linear, Linear, 2) \
  X(sigmoid, Sigmoid, 3) X(hard_sigmoid, HardSigmoid, 4) X(tanh, TanH, 5) \
  X(absolute, Absolute, 6) X(soft_plus, SoftPlus, 7) X(soft_sign, SoftSign, 8) X(elu, ELU, 9) \
  X(prelu, PReLU, 10) X(relun, ReLUN, 11) X(power, Power, 12) X(exponential, Exponential, 13) \
  X(logarithm, Logarithm, 14) X(gelu, GeLU, 15) X(count, Count, 16)
APPLE_ENUM(mps, CNNNeuronType, std::int32_t, "MPSCNNNeuronType", APPLE_LIST);
#undef APPLE_LIST

#define APPLE_LIST(X) X(default_, Default, 0) X(low_power, LowPower, 1) \
  X(skip_removable, SkipRemovable, 2)
APPLE_ENUM(mps, DeviceOptions, objc::UInt, "MPSDeviceOptions", APPLE_LIST);
#undef APPLE_LIST
// clang-format on

namespace apple::objc {
template <>
inline constexpr bool kIsFlags<mps::KernelOptions> = true;
template <>
inline constexpr bool kIsFlags<mps::AliasingStrategy> = true;

using MpsStructs =
    TypeList<mps::DimensionSlice, mps::MatrixOffset, mps::MatrixCopyOffsets, mps::NDArrayOffsets>;
using MpsEnums = TypeList<mps::DataType, mps::KernelOptions, mps::MatrixDecompositionStatus,
                          mps::MatrixRandomDistribution, mps::AliasingStrategy,
                          mps::NDArrayQuantizationScheme, mps::CNNNeuronType, mps::DeviceOptions>;
}  // namespace apple::objc
