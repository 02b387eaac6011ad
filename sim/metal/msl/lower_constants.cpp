// Function constants. The headers' initialisers call a function for each value; here it gets a body
// that reads the value's global, as Apple's initialisers do. Which variable has which number, the
// annotations tell. is_function_constant_defined reads a global of its own.
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <map>

#include "../air/error.h"
#include "annotations.h"
#include "lower.h"
#include "signature.h"

namespace metal_sim::msl {
namespace {

using namespace llvm;
using air::fail;

constexpr char kValueFunction[] = "metal::__function_constant_value<";
constexpr char kDefinedMark[] = ".MTL_FC_DEFINED_";

struct Slot {
  GlobalVariable* variable = nullptr;
  std::string name, type;
  int64_t index = 0;
  bool required = true;
};

GlobalVariable* make_global(Module& module, Type* type, const std::string& name) {
  auto* global =
      new GlobalVariable(module, type, false, GlobalValue::InternalLinkage, UndefValue::get(type),
                         name, nullptr, GlobalValue::NotThreadLocal, 2, true);
  global->setSection("air.fc_initializer");
  return global;
}

std::string variable_name(const GlobalValue& global) {
  const std::string name = demangled(global.getName().str());
  const size_t colon = name.rfind("::");
  return colon == std::string::npos ? name : name.substr(colon + 2);
}

class Constants {
 public:
  explicit Constants(Module& module) : module_(module) {}

  void run() {
    for (const auto& annotation : global_annotations(module_)) {
      if (annotation.kind != "msl.function_constant") continue;
      Slot slot;
      slot.variable = dyn_cast<GlobalVariable>(annotation.global);
      slot.name = variable_name(*annotation.global);
      slot.index = annotation.number().value_or(-1);
      if (!slot.variable || !slots_.emplace(slot.index, slot).second) {
        fail(FailureKind::compile, "program_source: error: function constant {} is declared twice",
             slot.index);
      }
    }
    lower_tests();
    for (Function& function : module_) {
      const std::string name = demangled(function.getName().str());
      const size_t at = name.find(kValueFunction);
      if (function.isDeclaration() && at != std::string::npos) {
        give_body(function, name.substr(at + sizeof kValueFunction - 1));
      }
    }
  }

 private:
  // `arguments` is "3, bool>()".
  void give_body(Function& function, const std::string& arguments) {
    const size_t comma = arguments.find(',');
    const auto found = slots_.find(std::stoll(arguments));
    if (found == slots_.end() || comma == std::string::npos) {
      fail(FailureKind::internal, "function constant {} has no variable", arguments);
    }
    Slot& slot = found->second;
    slot.type = metal_name(arguments.substr(comma + 1, arguments.rfind('>') - comma - 1));
    Type* type = type_named(slot.type, module_.getContext());
    if (!type) {
      fail(FailureKind::compile, "program_source: error: function constant '{}' has type {}",
           slot.name, slot.type);
    }
    const std::string suffix = kConstantMark + std::to_string(slot.index) + "_" + slot.type;
    auto* value = make_global(module_, type, slot.variable->getName().str() + suffix);
    note(slot, value);
    IRBuilder<> b(BasicBlock::Create(module_.getContext(), "", &function));
    Type* result = function.getReturnType();
    if (result->isVoidTy()) {
      b.CreateStore(b.CreateLoad(type, value), function.getArg(0));
      b.CreateRetVoid();
    } else if (result->isIntegerTy(1)) {
      b.CreateRet(b.CreateTrunc(b.CreateLoad(type, value), result));
    } else {
      b.CreateRet(b.CreateLoad(result, value));
    }
  }

  void note(const Slot& slot, GlobalVariable* value) {
    auto& c = module_.getContext();
    const auto number = [&](Type* type, int64_t n) {
      return ConstantAsMetadata::get(ConstantInt::get(type, uint64_t(n)));
    };
    module_.getOrInsertNamedMetadata("air.function_constants")
        ->addOperand(
            MDNode::get(c, {ConstantAsMetadata::get(value), MDString::get(c, slot.type),
                            MDString::get(c, slot.name), number(Type::getInt32Ty(c), slot.index),
                            number(Type::getInt1Ty(c), slot.required)}));
  }

  void lower_tests() {
    Function* test = module_.getFunction("msl.is_defined");
    if (!test) return;
    for (User* user : make_early_inc_range(test->users())) {
      auto* call = cast<CallInst>(user);
      Slot* slot = slot_of(call->getArgOperand(0)->stripPointerCasts());
      if (!slot) {
        fail(FailureKind::compile,
             "program_source: error: is_function_constant_defined needs a function constant");
      }
      slot->required = false;
      IRBuilder<> b(call);
      const std::string name =
          slot->variable->getName().str() + kDefinedMark + std::to_string(slot->index);
      GlobalVariable* defined = module_.getGlobalVariable(name, true);
      if (!defined) defined = make_global(module_, b.getInt8Ty(), name);
      call->replaceAllUsesWith(b.CreateTrunc(b.CreateLoad(b.getInt8Ty(), defined), b.getInt1Ty()));
      call->eraseFromParent();
    }
    test->eraseFromParent();
  }

  Slot* slot_of(const Value* variable) {
    for (auto& [index, slot] : slots_) {
      if (slot.variable == variable) return &slot;
    }
    return nullptr;
  }

  Module& module_;
  std::map<int64_t, Slot> slots_;
};

}  // namespace

void lower_constants(Module& module) { Constants(module).run(); }

}  // namespace metal_sim::msl
