// Reads llvm.global.annotations and calls of llvm.var.annotation; see annotations.h.
#include "annotations.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>

namespace metal_sim::msl {
namespace {

using namespace llvm;

std::string string_at(Value* pointer) {
  const auto* global = dyn_cast<GlobalVariable>(pointer->stripPointerCasts());
  const auto* data = global && global->hasInitializer()
                         ? dyn_cast<ConstantDataSequential>(global->getInitializer())
                         : nullptr;
  return data && data->isCString() ? data->getAsCString().str() : std::string();
}

Annotation annotation(Value* kind, Value* values) {
  Annotation result;
  result.kind = string_at(kind);
  const auto* global = dyn_cast<GlobalVariable>(values->stripPointerCasts());
  if (!global || !global->hasInitializer()) return result;
  const Constant* all = global->getInitializer();
  for (unsigned i = 0; Constant* one = all->getAggregateElement(i); ++i) {
    result.values.push_back(one);
  }
  return result;
}

const Argument* argument_in(const Value* value) {
  if (const auto* widened = dyn_cast<ZExtInst>(value)) value = widened->getOperand(0);
  return dyn_cast<Argument>(value);
}

// The argument with the lowest number that is stored into the slot or a part of it.
const Argument* source_of(Value* slot) {
  if (const auto* argument = dyn_cast<Argument>(slot)) return argument;
  const Argument* first = nullptr;
  for (User* user : slot->users()) {
    const Argument* found = nullptr;
    if (auto* store = dyn_cast<StoreInst>(user)) {
      if (store->getPointerOperand() == slot) found = argument_in(store->getValueOperand());
    } else if (isa<GetElementPtrInst>(user)) {
      found = source_of(user);
    }
    if (found && (!first || found->getArgNo() < first->getArgNo())) first = found;
  }
  return first;
}

}  // namespace

std::optional<int64_t> Annotation::number(size_t i) const {
  const auto* value = i < values.size() ? dyn_cast<ConstantInt>(values[i]) : nullptr;
  return value ? std::optional(value->getSExtValue()) : std::nullopt;
}

std::string Annotation::text(size_t i) const {
  return i < values.size() ? string_at(values[i]) : std::string();
}

std::vector<GlobalAnnotation> global_annotations(Module& module) {
  std::vector<GlobalAnnotation> result;
  const auto* list = module.getGlobalVariable("llvm.global.annotations");
  if (!list) return result;
  for (unsigned i = 0; Constant* entry = list->getInitializer()->getAggregateElement(i); ++i) {
    GlobalAnnotation one{
        annotation(entry->getAggregateElement(1u), entry->getAggregateElement(4u)),
        dyn_cast<GlobalValue>(entry->getAggregateElement(0u)->stripPointerCasts())};
    if (one.global) result.push_back(std::move(one));
  }
  return result;
}

std::vector<ParameterAnnotation> parameter_annotations(Function& function) {
  std::vector<ParameterAnnotation> result;
  for (Instruction& i : instructions(function)) {
    auto* call = dyn_cast<IntrinsicInst>(&i);
    if (!call || call->getIntrinsicID() != Intrinsic::var_annotation) continue;
    ParameterAnnotation one{annotation(call->getArgOperand(1), call->getArgOperand(4)),
                            source_of(call->getArgOperand(0)->stripPointerCasts())};
    if (one.argument) result.push_back(std::move(one));
  }
  return result;
}

void erase_annotations(Module& module) {
  for (Function& function : module) {
    for (Instruction& i : make_early_inc_range(instructions(function))) {
      auto* call = dyn_cast<IntrinsicInst>(&i);
      if (!call) continue;
      const auto id = call->getIntrinsicID();
      // The other says that a constant will not change any more, and so keeps it alive.
      if (id == Intrinsic::var_annotation || id == Intrinsic::invariant_start) {
        call->eraseFromParent();
      }
    }
  }
  for (const char* name : {"llvm.global.annotations", "llvm.used", "llvm.compiler.used"}) {
    if (auto* list = module.getGlobalVariable(name)) list->eraseFromParent();
  }
}

}  // namespace metal_sim::msl
