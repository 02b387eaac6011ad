// What the headers' attributes left in a module: annotations of functions, variables and
// parameters.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace llvm {
class Argument;
class CallInst;
class Constant;
class Function;
class GlobalValue;
class Module;
class Value;
}  // namespace llvm

namespace metal_sim::msl {

struct Annotation {
  std::string kind;  // "msl.index"
  std::vector<llvm::Constant*> values;
  std::optional<int64_t> number(size_t i = 0) const;
  std::string text(size_t i = 0) const;
};

struct GlobalAnnotation : Annotation {
  llvm::GlobalValue* global = nullptr;
};

// A parameter's annotation names its stack slot, or the parameter where it came by address.
struct ParameterAnnotation : Annotation {
  const llvm::Argument* argument = nullptr;  // the first that the slot is filled from
};

std::vector<GlobalAnnotation> global_annotations(llvm::Module& module);
std::vector<ParameterAnnotation> parameter_annotations(llvm::Function& function);
void erase_annotations(llvm::Module& module);

}  // namespace metal_sim::msl
