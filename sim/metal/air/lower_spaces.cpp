// Device, constant and threadgroup memory all become host memory. The kernel is cloned into a
// function with ThreadFunction's parameters; a type mapper changes every pointer on the way. What
// were globals in threadgroup space are now addresses from GroupState::bases, one set per group.
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/ReplaceConstant.h>
#include <llvm/Transforms/Utils/Cloning.h>
#include <llvm/Transforms/Utils/ValueMapper.h>

#include <map>

#include "error.h"
#include "passes.h"

namespace metal_sim::air {
namespace {

using namespace llvm;

class OneSpace : public ValueMapTypeRemapper {
 public:
  Type* remapType(Type* type) override {
    if (auto* pointer = dyn_cast<PointerType>(type)) {
      return pointer->getAddressSpace() ? PointerType::get(type->getContext(), 0) : type;
    }
    if (type->getNumContainedTypes() == 0) return type;
    auto [entry, fresh] = known_.try_emplace(type, type);
    if (fresh) {
      Type* made = rebuild(type);
      known_[type] = made;
      return made;
    }
    return entry->second;
  }

 private:
  Type* rebuild(Type* type) {
    SmallVector<Type*, 8> parts;
    bool same = true;
    for (Type* part : type->subtypes()) {
      parts.push_back(remapType(part));
      same = same && parts.back() == part;
    }
    if (same) return type;
    if (auto* array = dyn_cast<ArrayType>(type))
      return ArrayType::get(parts[0], array->getNumElements());
    if (auto* vector = dyn_cast<VectorType>(type))
      return VectorType::get(parts[0], vector->getElementCount());
    if (auto* function = dyn_cast<FunctionType>(type)) {
      return FunctionType::get(parts[0], ArrayRef(parts).drop_front(), function->isVarArg());
    }
    return StructType::get(type->getContext(), parts, cast<StructType>(type)->isPacked());
  }

  std::map<Type*, Type*> known_;
};

// Builds the head of the thread function: loads of addresses, and the built-in values.
class Prologue {
 public:
  Prologue(Function& thread, BasicBlock& block)
      : thread_(thread), b_(&block), context_(thread.getContext()) {}

  Value* base(unsigned number) {
    Value* table = load(b_.getPtrTy(), thread_.getArg(0), offsetof(GroupState, bases));
    auto* pointer = load(b_.getPtrTy(), table, number * sizeof(void*));
    auto* mark = ConstantAsMetadata::get(b_.getInt32(number));
    pointer->setMetadata(kBaseMetadata, MDNode::get(context_, mark));
    return pointer;
  }

  // The value as a parameter's type: an integer of any width or a vector of two or three.
  Value* builtin(BuiltIn id, Type* type) {
    const auto* vector = dyn_cast<FixedVectorType>(type);
    const unsigned count = vector ? vector->getNumElements() : 1;
    if (!type->getScalarType()->isIntegerTy() || count > 3) {
      fail(FailureKind::unsupported, "a built-in value has a type that is not supported");
    }
    Value* result = PoisonValue::get(type);
    for (unsigned i = 0; i < count; ++i) {
      Value* one = b_.CreateZExtOrTrunc(component(id, i), type->getScalarType());
      result = vector ? b_.CreateInsertElement(result, one, i) : one;
    }
    return result;
  }

  void branch_to(BasicBlock* block) { b_.CreateBr(block); }

 private:
  LoadInst* load(Type* type, Value* from, size_t offset) {
    auto* made = b_.CreateLoad(type, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), from, offset));
    made->setMetadata(LLVMContext::MD_invariant_load, MDNode::get(context_, {}));
    return made;
  }
  Value* field(size_t offset, unsigned i = 0) {
    return load(b_.getInt32Ty(), thread_.getArg(0), offset + 4 * i);
  }
  Value* local(unsigned i) { return thread_.getArg(2 + i); }

  Value* index() {
    const size_t threads = offsetof(GroupState, threads);
    Value* rows = b_.CreateAdd(local(1), b_.CreateMul(local(2), field(threads, 1)));
    return b_.CreateAdd(local(0), b_.CreateMul(rows, field(threads)));
  }

  Value* component(BuiltIn id, unsigned i) {
    switch (id) {
      case BuiltIn::thread_position_in_grid:
        return b_.CreateAdd(local(i), b_.CreateMul(field(offsetof(GroupState, position), i),
                                                   field(offsetof(GroupState, full_threads), i)));
      case BuiltIn::threadgroup_position_in_grid:
        return field(offsetof(GroupState, position), i);
      case BuiltIn::thread_position_in_threadgroup:
        return local(i);
      case BuiltIn::thread_index_in_threadgroup:
        return index();
      case BuiltIn::thread_index_in_simdgroup:
        return b_.CreateAnd(index(), kLanes - 1);
      case BuiltIn::simdgroup_index_in_threadgroup:
        return b_.CreateLShr(index(), 5);
      case BuiltIn::threads_per_grid:
        return field(offsetof(GroupState, threads_per_grid), i);
      case BuiltIn::threads_per_threadgroup:
        return field(offsetof(GroupState, threads), i);
      case BuiltIn::dispatch_threads_per_threadgroup:
        return field(offsetof(GroupState, full_threads), i);
      case BuiltIn::threadgroups_per_grid:
        return field(offsetof(GroupState, groups_per_grid), i);
      case BuiltIn::simdgroups_per_threadgroup:
        return field(offsetof(GroupState, simdgroups));
      case BuiltIn::quadgroups_per_threadgroup:
        return field(offsetof(GroupState, quadgroups));
      case BuiltIn::threads_per_simdgroup:
        return b_.getInt32(kLanes);
      case BuiltIn::thread_index_in_quadgroup:
        return b_.CreateAnd(index(), 3);
      case BuiltIn::quadgroup_index_in_threadgroup:
        return b_.CreateLShr(index(), 2);
      case BuiltIn::none:
        break;
    }
    fail(FailureKind::internal, "a parameter has no meaning");
  }

  Function& thread_;
  IRBuilder<> b_;
  LLVMContext& context_;
};

Base base_of(const Parameter& p) {
  Base base;
  if (p.builtin != BuiltIn::none) return base;
  base.kind = p.threadgroup ? Base::Kind::threadgroup_argument : Base::Kind::buffer;
  base.index = p.argument.index;
  base.alignment = p.argument.alignment;
  base.name = p.argument.name;
  return base;
}

// The last part of a mangled name is what the source called the array: "..E10local_sums".
std::string array_name(StringRef mangled) {
  mangled = mangled.take_front(mangled.find('.'));
  for (size_t at = 0; at < mangled.size(); ++at) {
    size_t length = 0;
    StringRef rest = mangled.drop_front(at);
    if (!rest.consumeInteger(10, length) && length > 0 && length == rest.size()) return rest.str();
  }
  return mangled.str();
}

Base base_of(const GlobalVariable& array, const DataLayout& layout) {
  Base base;
  base.kind = Base::Kind::threadgroup_array;
  base.size = uint32_t(layout.getTypeAllocSize(array.getValueType()));
  base.alignment = uint32_t(array.getAlign().valueOrOne().value());
  base.name = array_name(array.getName());
  return base;
}

void expand_constants(Module& module) {
  SmallVector<Constant*, 16> globals;
  for (GlobalVariable& global : module.globals()) {
    global.removeDeadConstantUsers();
    if (global.getAddressSpace() != 0) globals.push_back(&global);
  }
  convertUsersOfConstantsToInstructions(globals);
}

// Tables in constant space keep their contents in a global of the one space.
void map_globals(Module& module, Function& kernel, Prologue& prologue, ValueToValueMapTy& map,
                 Program* program) {
  for (GlobalVariable& global : make_early_inc_range(module.globals())) {
    const auto space = global.getAddressSpace();
    if (space == 0 || global.use_empty()) continue;
    if (space == 3) {
      map[&global] = prologue.base(unsigned(program->bases.size()));
      program->bases.push_back(base_of(global, module.getDataLayout()));
    } else if (space == 2 && global.hasInitializer()) {
      auto* made =
          new GlobalVariable(module, global.getValueType(), true, GlobalValue::InternalLinkage,
                             global.getInitializer(), global.getName() + ".host");
      made->setAlignment(global.getAlign());
      map[&global] = made;
    } else {
      fail(FailureKind::unsupported, "{}: global '{}' in address space {}", kernel.getName().str(),
           global.getName().str(), space);
    }
  }
}

// After the clone some instructions say what is no longer true: casts between spaces, and
// intrinsics whose names tell their operands' spaces.
void repair(Function& thread) {
  for (Instruction& i : make_early_inc_range(instructions(thread))) {
    if (auto* space_cast = dyn_cast<AddrSpaceCastInst>(&i)) {
      i.replaceAllUsesWith(space_cast->getPointerOperand());
      i.eraseFromParent();
      continue;
    }
    auto* call = dyn_cast<CallInst>(&i);
    Function* callee = call ? call->getCalledFunction() : nullptr;
    if (!call) continue;
    if (!callee) callee = dyn_cast<Function>(call->getCalledOperand());
    if (!callee || !callee->isIntrinsic()) continue;
    SmallVector<Type*, 4> types;
    if (!Intrinsic::getIntrinsicSignature(callee->getIntrinsicID(), call->getFunctionType(),
                                          types)) {
      fail(FailureKind::unsupported, "intrinsic {}", callee->getName().str());
    }
    if (!types.empty()) {
      call->setCalledFunction(
          Intrinsic::getDeclaration(thread.getParent(), callee->getIntrinsicID(), types));
    }
  }
}

}  // namespace

Function* make_thread_function(Module& module, Reflection& reflection, Program* program) {
  LLVMContext& context = module.getContext();
  Function& kernel = *reflection.kernel;
  expand_constants(module);
  Type* pointer = PointerType::get(context, 0);
  Type* number = Type::getInt32Ty(context);
  auto* type = FunctionType::get(Type::getVoidTy(context),
                                 {pointer, pointer, number, number, number}, false);
  auto* thread = Function::Create(type, GlobalValue::ExternalLinkage, kThreadSymbol, module);
  auto* head = BasicBlock::Create(context, "head", thread);
  Prologue prologue(*thread, *head);
  ValueToValueMapTy map;
  for (const Parameter& p : reflection.parameters) program->bases.push_back(base_of(p));
  for (unsigned i = 0; i < kernel.arg_size(); ++i) {
    const Parameter& p = reflection.parameters[i];
    if (p.builtin != BuiltIn::none) {
      map[kernel.getArg(i)] = prologue.builtin(p.builtin, kernel.getArg(i)->getType());
    } else if (p.present) {
      map[kernel.getArg(i)] = prologue.base(i);
    } else {
      map[kernel.getArg(i)] = ConstantPointerNull::get(cast<PointerType>(pointer));
    }
  }
  map_globals(module, kernel, prologue, map, program);
  OneSpace one_space;
  SmallVector<ReturnInst*, 4> returns;
  CloneFunctionInto(thread, &kernel, map, CloneFunctionChangeType::GlobalChanges, returns, "",
                    nullptr, &one_space);
  prologue.branch_to(cast<BasicBlock>(map[&kernel.getEntryBlock()]));
  thread->setAttributes(AttributeList());
  thread->addFnAttr(Attribute::NoUnwind);
  repair(*thread);
  for (Parameter& p : reflection.parameters) {
    if (p.builtin == BuiltIn::none) {
      p.argument.active = p.argument.active && p.present;
      program->info.arguments.push_back(p.argument);
    }
  }
  kernel.eraseFromParent();
  return thread;
}

}  // namespace metal_sim::air
