// The loop over a threadgroup's threads, in the kernel's own code so that the optimiser can see
// through it: a kernel whose threads never meet becomes a plain, vectorisable loop.
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include "passes.h"

namespace metal_sim::air {
namespace {

using namespace llvm;

// A counting loop; the builder is left in its body, and close() ends it.
struct Loop {
  Loop(IRBuilder<>& b, Function& f, Value* limit) : b_(b), limit_(limit) {
    auto* before = b.GetInsertBlock();
    body_ = BasicBlock::Create(f.getContext(), "loop", &f);
    b.CreateBr(body_);  // a group has at least one thread in each direction
    b.SetInsertPoint(body_);
    index = b.CreatePHI(b.getInt32Ty(), 2);
    index->addIncoming(b.getInt32(0), before);
  }
  void close(Function& f) {
    Value* next = b_.CreateAdd(index, b_.getInt32(1), "", true, true);
    auto* after = BasicBlock::Create(f.getContext(), "after", &f);
    index->addIncoming(next, b_.GetInsertBlock());
    b_.CreateCondBr(b_.CreateICmpULT(next, limit_), body_, after);
    b_.SetInsertPoint(after);
  }
  PHINode* index = nullptr;

 private:
  IRBuilder<>& b_;
  Value* limit_;
  BasicBlock* body_ = nullptr;
};

}  // namespace

void make_group_function(Module& module, Function& thread) {
  LLVMContext& context = module.getContext();
  auto* pointer = PointerType::get(context, 0);
  auto* type = FunctionType::get(Type::getVoidTy(context), {pointer}, false);
  auto* f = Function::Create(type, GlobalValue::ExternalLinkage, kGroupSymbol, module);
  f->addFnAttr(Attribute::NoUnwind);
  IRBuilder<> b(BasicBlock::Create(context, "entry", f));
  Value* limits[3];
  for (unsigned i = 0; i < 3; ++i) {
    const size_t offset = offsetof(GroupState, threads) + 4 * i;
    auto* load = b.CreateLoad(b.getInt32Ty(),
                              b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), f->getArg(0), offset));
    load->setMetadata(LLVMContext::MD_invariant_load, MDNode::get(context, {}));
    limits[i] = load;
  }
  Loop z(b, *f, limits[2]);
  Loop y(b, *f, limits[1]);
  Loop x(b, *f, limits[0]);
  b.CreateCall(&thread,
               {f->getArg(0), ConstantPointerNull::get(pointer), x.index, y.index, z.index});
  x.close(*f);
  y.close(*f);
  z.close(*f);
  b.CreateRetVoid();
}

}  // namespace metal_sim::air
