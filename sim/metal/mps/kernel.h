// MPSKernel and its unary and binary kinds: what every matrix kernel has, and the steps that every
// encode begins with.
#pragma once

#include "sim/metal/mps/matrix.h"

namespace metal_sim {

struct MpsKernel : Object {
  SIM_CLASS(MpsKernel, MPSKernel)
  Ref<Device> device;
  Ref<String> label;
  unsigned long options = 0;

  MpsKernel* init_device(Device* d);
  id copy_with_device(void* zone, Device* d);

  bool validates() const { return !(options & 1); }  // SkipAPIValidation
  // The command buffer to encode into; refuses one that is committed or has an open encoder.
  CommandBuffer* target(id command_buffer) const;
  [[noreturn]] void refuse(const char* file, int line, const std::string& text) const;
};

// Origins have rows in x and columns in y.
struct UnaryKernel : MpsKernel {
  SIM_CLASS(UnaryKernel, MPSMatrixUnaryKernel)
  Origin source_origin{0, 0, 0}, result_origin{0, 0, 0};
  unsigned long batch_start = 0, batch_size = kAll;
};

struct BinaryKernel : MpsKernel {
  SIM_CLASS(BinaryKernel, MPSMatrixBinaryKernel)
  Origin primary_origin{0, 0, 0}, secondary_origin{0, 0, 0}, result_origin{0, 0, 0};
  unsigned long batch_start = 0, batch_size = kAll;
};

// A kernel keeps plain values and references only, so a copy is the same members in a new object.
template <typename T>
id copy_kernel(T* self, SEL, void*) {
  T* copy = make<T>();
  *copy = *self;
  copy->isa = self->isa;
  return copy;
}
template <typename T>
Cls<T> kernel_class(objc_class& superclass) {
  Cls<T> cls(superclass);
  cls.raw_method("copyWithZone:", reinterpret_cast<IMP>(&copy_kernel<T>), "@@:^v");
  return cls;
}

// How many members of a batch there are to work on, from `start`.
inline size_t batch_count(unsigned long start, unsigned long size,
                          std::initializer_list<unsigned long> members) {
  size_t n = size;
  for (unsigned long m : members) n = std::min<size_t>(n, m > start ? m - start : 0);
  return n;
}
inline size_t clamp(unsigned long wanted, unsigned long extent, unsigned long origin) {
  return std::min<size_t>(wanted, extent > origin ? extent - origin : 0);
}

// An operand takes part: it is kept alive, and a temporary one counts its reader.
void reads(CommandBuffer* target, Storage* operand);
void writes(CommandBuffer* target, Storage* operand);

}  // namespace metal_sim
