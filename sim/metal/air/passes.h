// The steps from Apple's AIR to code for this machine's processor, in the order in which
// compile.cpp runs them.
#pragma once

#include <span>
#include <string>

#include "program.h"
#include "reflection.h"

namespace llvm {
class CallInst;
class Function;
class Module;
class StringRef;
}  // namespace llvm

namespace metal_sim::air {

// Function constants become literals, and what the module's initialiser computes from them too.
void fold_constants(llvm::Module& module, std::span<const ConstantValue> values);

// Takes out every other kernel and inlines everything into this one. Afterwards the kernel calls
// declared functions only.
void isolate_kernel(llvm::Module& module, llvm::Function& kernel);

// Simdgroup matrices, vectors of 64 of which a lane owns the first two, become vectors of two.
void lower_matrices(llvm::Function& kernel);

// The kernel with one address space and the parameters of ThreadFunction: pointers come from
// GroupState::bases, threadgroup arrays too, built-in values are computed from the thread's
// position. Fills `program->bases`. The old function is erased.
llvm::Function* make_thread_function(llvm::Module& module, Reflection& reflection,
                                     Program* program);

// air.* calls become instructions, calls of libm or calls of the functions in abi.h.
void lower_calls(llvm::Function& thread, Program* program);

// Calls of pewter_air_check before every access; needs `program->bases`, fills granule and written.
void add_checks(llvm::Function& thread, Program* program, bool insert);

// A loop over a group's threads, for kernels in which no thread waits for another.
void make_group_function(llvm::Module& module, llvm::Function& thread);

// lower_math.cpp: true if `name` (without "air.") is a function of one thread's values alone and
// `call` was replaced.
bool lower_math(llvm::CallInst& call, llvm::StringRef name);

constexpr char kThreadSymbol[] = "pewter_air_thread";
constexpr char kGroupSymbol[] = "pewter_air_group";
constexpr char kBaseMetadata[] = "pewter.base";  // on the load of a pointer: its number in bases

}  // namespace metal_sim::air
