// What an AIR module says of its kernel: parameters and function constants, from the metadata that
// Apple's compiler writes beside the code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "../executor.h"
#include "abi.h"

namespace llvm {
class Function;
class GlobalVariable;
class Module;
}  // namespace llvm

namespace metal_sim::air {

struct Parameter {
  BuiltIn builtin = BuiltIn::none;  // none: `argument` says what memory it is
  KernelArgument argument;
  bool threadgroup = false;
  llvm::GlobalVariable* predicate = nullptr;  // an i8; the parameter exists where it is not 0
  bool present = true;                        // known once constants are folded
};

struct Reflection {
  llvm::Function* kernel = nullptr;
  std::vector<Parameter> parameters;
  uint32_t max_threads = kMaxThreadsPerThreadgroup;
};

struct ConstantSlot {
  FunctionConstant constant;
  llvm::GlobalVariable* global = nullptr;
};

Reflection reflect(llvm::Module& module, const std::string& kernel);
// Reads the predicates; they are gone after isolate_kernel.
void resolve_predicates(Reflection* reflection);
std::vector<ConstantSlot> constant_slots(llvm::Module& module);
uint32_t metal_data_type(std::string_view type_name);  // MTLDataType; 0 where it has none

}  // namespace metal_sim::air
