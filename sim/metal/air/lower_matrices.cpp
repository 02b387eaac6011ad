// simdgroup_matrix in AIR is a vector of 64 of which each lane sees all but owns elements 0 and 1.
// Everything that makes or uses one is rewritten to a vector of two. In memory (an array of
// matrices that stayed on the stack) the old 256-byte slots are kept and only their first two
// elements are used, so that addresses need no rewriting.
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

#include <map>

#include "error.h"
#include "passes.h"

namespace metal_sim::air {
namespace {

using namespace llvm;

constexpr unsigned kWide = 64, kOwn = 2;

bool is_wide(const Type* type) {
  const auto* vector = dyn_cast<FixedVectorType>(type);
  return vector && vector->getNumElements() == kWide;
}

class Narrower {
 public:
  void run(Function& kernel) {
    ReversePostOrderTraversal<Function*> order(&kernel);
    for (BasicBlock* block : order) {
      for (Instruction& i : *block) {
        if (touches(i)) rewrite(i);
      }
    }
    for (const auto& [old, made] : phis_) fill(*old, *made);
    for (Instruction* old : old_) {
      old->replaceAllUsesWith(PoisonValue::get(old->getType()));
      old->eraseFromParent();
    }
  }

 private:
  static bool touches(const Instruction& i) {
    if (is_wide(i.getType())) return true;
    for (const Value* operand : i.operands()) {
      if (is_wide(operand->getType())) return true;
    }
    return false;
  }

  static Type* narrow_type(Type* type) { return FixedVectorType::get(type->getScalarType(), kOwn); }

  Value* narrow(Value* value) {
    if (const auto found = map_.find(value); found != map_.end()) return found->second;
    auto* constant = dyn_cast<Constant>(value);
    if (!constant) fail(FailureKind::internal, "a simdgroup matrix is used before it is made");
    SmallVector<Constant*, 2> own;
    for (unsigned i = 0; i < kOwn; ++i) own.push_back(constant->getAggregateElement(i));
    return ConstantVector::get(own);
  }

  Value* narrow_if_wide(Value* value) { return is_wide(value->getType()) ? narrow(value) : value; }

  void rewrite(Instruction& i) {
    old_.push_back(&i);
    IRBuilder<> b(&i);
    Value* made = nullptr;
    if (auto* phi = dyn_cast<PHINode>(&i)) {
      auto* fresh = b.CreatePHI(narrow_type(phi->getType()), phi->getNumIncomingValues());
      phis_.emplace_back(phi, fresh);
      made = fresh;
    } else if (auto* shuffle = dyn_cast<ShuffleVectorInst>(&i)) {
      made = rewrite_shuffle(b, *shuffle);
    } else if (auto* load = dyn_cast<LoadInst>(&i)) {
      made = b.CreateAlignedLoad(narrow_type(load->getType()), load->getPointerOperand(),
                                 load->getAlign());
    } else if (auto* store = dyn_cast<StoreInst>(&i)) {
      b.CreateAlignedStore(narrow(store->getValueOperand()), store->getPointerOperand(),
                           store->getAlign());
    } else if (auto* call = dyn_cast<CallInst>(&i)) {
      made = narrow_call(b, *call);
    } else {
      made = rewrite_plain(b, i);
    }
    if (is_wide(i.getType())) {
      map_[&i] = made;
    } else if (!i.getType()->isVoidTy()) {
      i.replaceAllUsesWith(made);
    }
  }

  Value* rewrite_shuffle(IRBuilder<>& b, ShuffleVectorInst& shuffle) {
    const bool wide_in = is_wide(shuffle.getOperand(0)->getType());
    SmallVector<int, 8> mask;
    const auto old = shuffle.getShuffleMask();
    const size_t count = is_wide(shuffle.getType()) ? kOwn : old.size();
    for (size_t i = 0; i < count; ++i) mask.push_back(wide_in ? narrow_lane(old[i]) : old[i]);
    return b.CreateShuffleVector(narrow_if_wide(shuffle.getOperand(0)),
                                 narrow_if_wide(shuffle.getOperand(1)), mask);
  }

  static int narrow_lane(int lane) {
    const int within = lane % int(kWide);
    if (lane < 0 || within >= int(kOwn)) return -1;
    return lane < int(kWide) ? within : within + int(kOwn);
  }

  Value* narrow_call(IRBuilder<>& b, CallInst& call);
  Value* rewrite_plain(IRBuilder<>& b, Instruction& i);
  void fill(PHINode& old, PHINode& made) {
    for (unsigned i = 0; i < old.getNumIncomingValues(); ++i) {
      made.addIncoming(narrow(old.getIncomingValue(i)), old.getIncomingBlock(i));
    }
  }

  std::map<Value*, Value*> map_;
  std::vector<std::pair<PHINode*, PHINode*>> phis_;
  std::vector<Instruction*> old_;
};

Value* Narrower::narrow_call(IRBuilder<>& b, CallInst& call) {
  const auto narrowed = [](Type* type) {
    return is_wide(type) ? FixedVectorType::get(type->getScalarType(), kOwn) : type;
  };
  SmallVector<Type*, 5> types;
  SmallVector<Value*, 5> values;
  for (Value* argument : call.args()) {
    types.push_back(narrowed(argument->getType()));
    values.push_back(narrow_if_wide(argument));
  }
  Function* old = call.getCalledFunction();
  auto* type = FunctionType::get(narrowed(call.getType()), types, false);
  auto callee = call.getModule()->getOrInsertFunction((old->getName() + ".own").str(), type);
  cast<Function>(callee.getCallee())->addFnAttr(Attribute::Convergent);
  auto* made = b.CreateCall(callee, values);
  made->setConvergent();
  return made;
}

Value* Narrower::rewrite_plain(IRBuilder<>& b, Instruction& i) {
  if (auto* insert = dyn_cast<InsertElementInst>(&i)) {
    const auto* at = dyn_cast<ConstantInt>(insert->getOperand(2));
    if (at && at->getZExtValue() >= kOwn) return narrow(insert->getOperand(0));
    return b.CreateInsertElement(narrow(insert->getOperand(0)), insert->getOperand(1),
                                 insert->getOperand(2));
  }
  if (auto* extract = dyn_cast<ExtractElementInst>(&i)) {
    return b.CreateExtractElement(narrow(extract->getVectorOperand()), extract->getIndexOperand());
  }
  if (auto* select = dyn_cast<SelectInst>(&i)) {
    Value* condition = narrow_if_wide(select->getCondition());
    return b.CreateSelect(condition, narrow(select->getTrueValue()),
                          narrow(select->getFalseValue()));
  }
  if (auto* binary = dyn_cast<BinaryOperator>(&i)) {
    return b.CreateBinOp(binary->getOpcode(), narrow(i.getOperand(0)), narrow(i.getOperand(1)));
  }
  if (isa<UnaryOperator>(&i)) return b.CreateFNeg(narrow(i.getOperand(0)));
  if (isa<FreezeInst>(&i)) return b.CreateFreeze(narrow(i.getOperand(0)));
  if (auto* cast_of = dyn_cast<CastInst>(&i)) {
    return b.CreateCast(cast_of->getOpcode(), narrow_if_wide(i.getOperand(0)),
                        narrow_type(i.getType()));
  }
  fail(FailureKind::unsupported, "instruction '{}' on a simdgroup matrix", i.getOpcodeName());
}

}  // namespace

void lower_matrices(Function& kernel) { Narrower().run(kernel); }

}  // namespace metal_sim::air
