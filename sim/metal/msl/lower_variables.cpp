// Variables that outlive a call: threadgroup arrays, which C++ knows as static and initialises once
// (nobody initialises them in Metal), and tables in constant space.
#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

#include <set>

#include "annotations.h"
#include "lower.h"

namespace metal_sim::msl {
namespace {

using namespace llvm;

void move_to(GlobalVariable& old, unsigned space) {
  Constant* value = space == 3 ? UndefValue::get(old.getValueType()) : old.getInitializer();
  auto* made = new GlobalVariable(*old.getParent(), old.getValueType(), old.isConstant(),
                                  GlobalValue::InternalLinkage, value, "", nullptr,
                                  GlobalValue::NotThreadLocal, space);
  made->takeName(&old);
  made->setAlignment(old.getAlign());
  old.replaceAllUsesWith(ConstantExpr::getAddrSpaceCast(made, old.getType()));
  old.eraseFromParent();
}

// "_ZGVZ1fvE1x" says whether "_ZZ1fvE1x" was initialised; it always was.
void forget_initialisation(GlobalVariable& guard) {
  for (User* user : make_early_inc_range(guard.users())) {
    if (auto* load = dyn_cast<LoadInst>(user)) {
      load->replaceAllUsesWith(ConstantInt::get(load->getType(), 1));
      load->eraseFromParent();
    }
  }
}

}  // namespace

void lower_variables(Module& module) {
  std::set<GlobalVariable*> threadgroup;
  for (const auto& annotation : global_annotations(module)) {
    auto* variable = dyn_cast<GlobalVariable>(annotation.global);
    if (variable && annotation.kind == "msl.threadgroup") threadgroup.insert(variable);
  }
  for (GlobalVariable* variable : threadgroup) {
    auto* guard = module.getGlobalVariable("_ZGV" + variable->getName().drop_front(2).str(), true);
    if (guard) forget_initialisation(*guard);
  }
  SmallVector<GlobalVariable*, 32> all;
  for (GlobalVariable& global : module.globals()) {
    const bool plain = !global.getName().starts_with("llvm.") && global.hasInitializer();
    if (plain && global.getAddressSpace() == 0) all.push_back(&global);
  }
  for (GlobalVariable* global : all) move_to(*global, threadgroup.count(global) ? 3 : 2);
}

}  // namespace metal_sim::msl
