// Function constants and inlining. A constant is a global in section air.fc_initializer; an
// initialiser function copies and combines them into the globals that kernels read. Running that
// function here, in LLVM's evaluator, leaves plain constants for the optimiser to fold.
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/TargetParser/Triple.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/Utils/Evaluator.h>
#include <llvm/Transforms/Utils/ModuleUtils.h>

#include <algorithm>

#include "error.h"
#include "passes.h"

namespace metal_sim::air {
namespace {

using namespace llvm;

Constant* literal(Type* type, const std::array<std::byte, 32>& bytes, const std::string& name) {
  const uint64_t width = type->getScalarSizeInBits() / 8;
  const auto* vector = dyn_cast<FixedVectorType>(type);
  const unsigned count = vector ? vector->getNumElements() : 1;
  const bool number = type->isIntOrIntVectorTy() || type->isFPOrFPVectorTy();
  if (!number || width == 0 || width * count > bytes.size()) {
    fail(FailureKind::unsupported, "function constant '{}' has a type that is not supported", name);
  }
  const StringRef raw(reinterpret_cast<const char*>(bytes.data()), width * count);
  Constant* row = ConstantDataVector::getRaw(raw, count, type->getScalarType());
  return vector ? row : row->getAggregateElement(0u);
}

const ConstantValue* find_value(const FunctionConstant& slot,
                                std::span<const ConstantValue> values) {
  for (const auto& value : values) {
    const bool by_name = value.index == ConstantValue::kByName;
    if (by_name ? value.name == slot.name : value.index == slot.index) return &value;
  }
  return nullptr;
}

void set_slot(const ConstantSlot& slot, const ConstantValue* value) {
  if (!value && slot.constant.required) {
    fail(FailureKind::compile, "function constant {} '{}' has no value", slot.constant.index,
         slot.constant.name);
  }
  if (value && value->type != 0 && slot.constant.type != 0 && value->type != slot.constant.type) {
    fail(FailureKind::compile, "function constant {} '{}' has type {}, the value's is {}",
         slot.constant.index, slot.constant.name, slot.constant.type, value->type);
  }
  GlobalVariable& global = *slot.global;
  Type* type = global.getValueType();
  global.setInitializer(value ? literal(type, value->bytes, slot.constant.name)
                              : Constant::getNullValue(type));
  global.setExternallyInitialized(false);
  global.setConstant(true);
}

// "x.MTL_FC_DEFINED_3" of our own front end: whether constant 3 was given.
void set_tests(Module& module, std::span<const ConstantValue> values) {
  for (const ConstantSlot& slot : constant_slots(module)) {
    const std::string end = ".MTL_FC_DEFINED_" + std::to_string(slot.constant.index);
    for (GlobalVariable& global : module.globals()) {
      if (!global.getName().ends_with(end)) continue;
      const bool given = find_value(slot.constant, values) != nullptr;
      global.setInitializer(ConstantInt::get(global.getValueType(), given));
      global.setExternallyInitialized(false);
      global.setConstant(true);
    }
  }
}

void replace_normalise(Module& module) {
  for (Function& function : llvm::make_early_inc_range(module)) {
    if (!function.getName().starts_with("air.normalize_function_constant_predicate")) continue;
    for (User* user : llvm::make_early_inc_range(function.users())) {
      auto* call = cast<CallInst>(user);
      IRBuilder<> b(call);
      Value* set = b.CreateICmpNE(call->getArgOperand(0), Constant::getNullValue(call->getType()));
      call->replaceAllUsesWith(b.CreateZExt(set, call->getType()));
      call->eraseFromParent();
    }
    function.eraseFromParent();
  }
}

void run_initialiser(Module& module, Function& function) {
  TargetLibraryInfoImpl library{Triple(module.getTargetTriple())};
  const TargetLibraryInfo info(library);
  Evaluator evaluator(module.getDataLayout(), &info);
  Constant* result = nullptr;
  if (!evaluator.EvaluateFunction(&function, result, SmallVector<Constant*, 0>())) {
    fail(FailureKind::compile, "initialiser '{}' could not be evaluated", function.getName().str());
  }
  for (const auto& [global, value] : evaluator.getMutatedInitializers()) {
    global->setInitializer(value);
  }
}

std::vector<Function*> initialisers(Module& module) {
  std::vector<Function*> found;
  const auto* list = module.getGlobalVariable("llvm.global_ctors");
  const auto* entries =
      list && list->hasInitializer() ? dyn_cast<ConstantArray>(list->getInitializer()) : nullptr;
  for (unsigned i = 0; entries && i < entries->getNumOperands(); ++i) {
    auto* entry = cast<Constant>(entries->getOperand(i));
    auto* function = dyn_cast<Function>(entry->getAggregateElement(1u)->stripPointerCasts());
    if (function) found.push_back(function);
  }
  return found;
}

void erase_global(Module& module, StringRef name) {
  if (auto* global = module.getGlobalVariable(name, true)) global->eraseFromParent();
}

// Attributes of Apple's processors would forbid inlining and code for this one.
void strip_attributes(Function& function) {
  const AttributeList old = function.getAttributes();
  AttributeList kept;
  for (const auto kind : {Attribute::NoUnwind, Attribute::Convergent, Attribute::Memory}) {
    if (old.hasFnAttr(kind)) {
      kept = kept.addFnAttribute(function.getContext(), old.getFnAttr(kind));
    }
  }
  function.setAttributes(kept);
}

}  // namespace

void fold_constants(Module& module, std::span<const ConstantValue> values) {
  for (const ConstantSlot& slot : constant_slots(module)) {
    set_slot(slot, find_value(slot.constant, values));
  }
  set_tests(module, values);
  replace_normalise(module);
  const auto functions = initialisers(module);
  for (Function* function : functions) run_initialiser(module, *function);
  erase_global(module, "llvm.global_ctors");
  erase_global(module, "llvm.compiler.used");
  erase_global(module, "llvm.used");
  for (GlobalVariable& global : module.globals()) {
    if (global.getAddressSpace() == 2) global.setConstant(true);
  }
}

void isolate_kernel(Module& module, Function& kernel) {
  for (Function& function : module) {
    if (function.isDeclaration()) continue;
    strip_attributes(function);
    function.setComdat(nullptr);
    function.setLinkage(GlobalValue::InternalLinkage);
    function.setCallingConv(CallingConv::C);
    for (User* user : function.users()) {
      if (auto* call = dyn_cast<CallBase>(user)) call->setCallingConv(CallingConv::C);
    }
    if (&function != &kernel) function.addFnAttr(Attribute::AlwaysInline);
  }
  kernel.setLinkage(GlobalValue::ExternalLinkage);
  if (auto* metadata = module.getNamedMetadata("air.kernel")) metadata->eraseFromParent();
  if (auto* metadata = module.getNamedMetadata("air.function_constants"))
    metadata->eraseFromParent();
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager graph;
  ModuleAnalysisManager modules;
  PassBuilder builder;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  ModulePassManager passes;
  passes.addPass(AlwaysInlinerPass());
  if (auto error = builder.parsePassPipeline(passes,
                                             "globaldce,function(sroa,instcombine<no-verify-"
                                             "fixpoint>,simplifycfg,sroa,early-cse),globaldce")) {
    fail(FailureKind::internal, "{}", toString(std::move(error)));
  }
  passes.run(module, modules);
  for (BasicBlock& block : kernel) {
    for (Instruction& i : block) {
      const auto* call = dyn_cast<CallBase>(&i);
      if (call && (!call->getCalledFunction() || !call->getCalledFunction()->isDeclaration())) {
        fail(FailureKind::unsupported,
             "{}: a call could not be inlined (recursion, or through a pointer)",
             kernel.getName().str());
      }
    }
  }
}

}  // namespace metal_sim::air
