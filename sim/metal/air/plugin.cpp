// The entry that Metal's side looks up in libmetal_sim_air.so.
#include "make_executor.h"

extern "C" __attribute__((visibility("default"))) metal_sim::KernelExecutor*
metal_sim_make_executor(uint32_t version) {
  if (version != metal_sim::kExecutorVersion) return nullptr;
  static auto* executor = metal_sim::air::make_executor(metal_sim::air::default_cache()).release();
  return executor;
}
