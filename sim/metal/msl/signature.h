// A function's parameters as C++ sees them. Bitcode has lost address spaces and cut vectors into
// words; the mangled name still tells them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llvm {
class Argument;
class Function;
class LLVMContext;
class Type;
}  // namespace llvm

namespace metal_sim::msl {

enum class Space : uint8_t { none = 0, device = 1, constant = 2, threadgroup = 3 };

struct Parameter {
  std::string name, type;  // the type that a pointer points to, in Metal's words
  Space space = Space::none;
  bool read_only = false, reference = false;
  std::vector<llvm::Argument*> arguments;
};

// LLVM 19 knows no bfloat in mangled names.
std::string demangled(const std::string& name);

// Throws air::Error where name and code disagree.
std::vector<Parameter> parameters_of(llvm::Function& function);
std::string base_name(const llvm::Function& function);  // "ns::f<int>" is "f"

std::string metal_name(std::string type);  // "metal::vec<unsigned int, 3>" is "uint3"

// Of a scalar or vector by Metal's name: "uint3". Null where it is neither.
llvm::Type* type_named(const std::string& name, llvm::LLVMContext& context);

}  // namespace metal_sim::msl
