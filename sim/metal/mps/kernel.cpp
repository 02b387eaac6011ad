#include "sim/metal/mps/kernel.h"

#include "sim/metal/checks.h"

namespace metal_sim {

MpsKernel* MpsKernel::init_device(Device* d) {
  device = Ref<Device>(d);
  return this;
}

id MpsKernel::copy_with_device(void* zone, Device* d) {
  static const SEL name = selector("copyWithZone:");
  auto* copy = send<MpsKernel*>(this, name, zone);
  if (d) copy->device = Ref<Device>(d);
  return copy;
}

CommandBuffer* MpsKernel::target(id command_buffer) const {
  CommandBuffer* b = command_buffer_of(command_buffer);
  if (!device)
    failed_assertion("-[" + isa->info->name + " encodeToCommandBuffer:]",
                     "kernel has no device: use initWithDevice:...");
  b->check_open("-[IOGPUMetalCommandBuffer setCurrentCommandEncoder:]");
  count(counters.mps_encodes);
  return b;
}

void MpsKernel::refuse(const char* file, int line, const std::string& text) const {
  failed_assertion(std::string("/AppleInternal/Library/") + file + ":" + std::to_string(line),
                   text);
}

namespace {

template <typename T>
void check_temporary(CommandBuffer* target, T* temporary) {
  if (temporary->owner != target) {
    failed_assertion("/AppleInternal/Library/MPSMatrix.mm:740",
                     "a temporary object is used on another command buffer than its own");
  }
}

template <typename T>
void count_reader(CommandBuffer* target, T* temporary) {
  check_temporary(target, temporary);
  if (temporary->read_count == 0) {
    failed_assertion(
        "/AppleInternal/Library/MPSMatrix.mm:744",
        "a temporary object is read after its readCount reached 0: its storage is gone");
  }
  --temporary->read_count;
}

}  // namespace

// An operand whose memory could not be had fails the command buffer before anything touches it.
void require_memory(CommandBuffer* target, Storage* operand) {
  if (operand->data()) return;
  target->encode([]() -> Result {
    return Failure{FailureKind::out_of_memory, "no memory for a matrix made without a buffer"};
  });
}

void reads(CommandBuffer* target, Storage* operand) {
  if (!operand) return;
  require_memory(target, operand);
  if (auto* m = as<TemporaryMatrix>(operand)) count_reader(target, m);
  if (auto* v = as<TemporaryVector>(operand)) count_reader(target, v);
  target->keep(operand->data());
}
void writes(CommandBuffer* target, Storage* operand) {
  if (!operand) return;
  require_memory(target, operand);
  if (auto* m = as<TemporaryMatrix>(operand)) check_temporary(target, m);
  if (auto* v = as<TemporaryVector>(operand)) check_temporary(target, v);
  target->keep(operand->data());
  target->writes(operand->data());
}

}  // namespace metal_sim
