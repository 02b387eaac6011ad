// From clang's bitcode to AIR: kernels with AIR's parameters and metadata, address spaces, calls of
// air.* functions, function constants.
#pragma once

#include <string>
#include <vector>

namespace llvm {
class Function;
class Module;
}  // namespace llvm

namespace metal_sim::msl {

struct KernelCode {
  std::string name;
  std::string bitcode;
};

// Throws air::Error; `bitcode` is clang's, unoptimised. A limit of 0 threads is none.
std::vector<KernelCode> lower(const std::string& bitcode, uint32_t max_threads);

// The steps, in this order. make_kernels leaves the functions of the source internal.
void lower_constants(llvm::Module& module);
void lower_variables(llvm::Module& module);
std::vector<llvm::Function*> make_kernels(llvm::Module& module, uint32_t max_threads);
void lower_matrix_calls(llvm::Module& module);
void simplify(llvm::Module& module);
void lower_conversions(llvm::Module& module);

// A constant's own copy of its value, before anything was computed from it; its name ends in this,
// index, "_" and type.
constexpr char kConstantMark[] = ".MTL_FC_INIT_";

}  // namespace metal_sim::msl
