// Calls of pewter_air_check before every access to memory that other threads can see, and of
// pewter_air_check_private before those to a thread's own arrays whose place is computed. Done
// before the heavy optimisation, which then moves calls and accesses together.
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>

#include <algorithm>
#include <bit>

#include "passes.h"

namespace metal_sim::air {
namespace {

using namespace llvm;

struct Access {
  Instruction* at = nullptr;
  Value* pointer = nullptr;
  Value* size = nullptr;  // i64
  uint64_t unit = 1;      // bytes that surely belong together
  uint32_t flags = 0;
};

// In the source that was given, where a function of a header was inlined into it.
uint32_t line_of(const Instruction& i) {
  for (const DILocation* at = i.getDebugLoc(); at; at = at->getInlinedAt()) {
    if (at->getFilename() == "program_source") return at->getLine();
  }
  return 0;
}

struct Origin {
  uint32_t base = kUnknownBase;
  AllocaInst* own = nullptr;  // the one array of the thread's own that it can be
  bool harmless = false;      // a constant table, or the slots of a simdgroup operation
};

Origin origin_of(Value* pointer) {
  SmallVector<const Value*, 4> objects;
  getUnderlyingObjects(pointer, objects, nullptr, 0);
  Origin result;
  for (size_t i = 0; i < objects.size(); ++i) {
    Origin one;
    const auto* instruction = dyn_cast<Instruction>(objects[i]);
    const MDNode* mark = instruction ? instruction->getMetadata(kBaseMetadata) : nullptr;
    if (mark) {
      const auto* number = cast<ConstantAsMetadata>(mark->getOperand(0))->getValue();
      one.base = uint32_t(cast<ConstantInt>(number)->getZExtValue());
    } else if (isa<AllocaInst>(objects[i])) {
      one.own = const_cast<AllocaInst*>(cast<AllocaInst>(objects[i]));
    } else if (isa<GlobalVariable>(objects[i]) || isa<UndefValue>(objects[i])) {
      one.harmless = true;
    }
    if (i == 0) {
      result = one;
    } else if (one.own && (result.own || result.harmless)) {
      // The optimiser split an array of the thread's own; it does so only where places are known.
      result = {kUnknownBase, result.own == one.own ? one.own : nullptr, result.own != one.own};
    } else if (one.base != result.base || one.own != result.own ||
               one.harmless != result.harmless) {
      return {};
    }
  }
  return result;
}

class Instrumenter {
 public:
  Instrumenter(Function& thread, Program* program, bool insert)
      : thread_(thread),
        layout_(thread.getParent()->getDataLayout()),
        program_(*program),
        insert_(insert) {}

  void run() {
    uint64_t granule = 16;
    for (Instruction& i : instructions(thread_)) collect(i);
    for (const Access& access : accesses_) {
      const Origin origin = origin_of(access.pointer);
      if (origin.harmless) continue;
      if (origin.own) {
        if (insert_) check_private(access, *origin.own);
        continue;
      }
      granule = std::min(granule, access.unit);
      note_write(access, origin.base);
      if (insert_) check(access, origin.base);
    }
    program_.granule = uint32_t(granule);
  }

 private:
  void add(Instruction& i, Value* pointer, Type* type, Align align, uint32_t flags) {
    const uint64_t size = layout_.getTypeStoreSize(type);
    // A vector's elements may be read one by one elsewhere; 12 bytes are 4 and 8.
    const uint64_t element = std::max<uint64_t>(1, type->getScalarSizeInBits() / 8);
    const uint64_t unit =
        std::min({std::bit_floor(element), align.value(), uint64_t(1) << std::countr_zero(size)});
    auto* bytes = ConstantInt::get(Type::getInt64Ty(i.getContext()), size);
    accesses_.push_back({&i, pointer, bytes, unit, flags});
  }

  void collect(Instruction& i) {
    if (auto* load = dyn_cast<LoadInst>(&i)) {
      // The prologue's own loads, of what the scheduler made.
      if (load->hasMetadata(LLVMContext::MD_invariant_load)) return;
      add(i, load->getPointerOperand(), load->getType(), load->getAlign(),
          load->isAtomic() ? kAccessAtomic : 0);
    } else if (auto* store = dyn_cast<StoreInst>(&i)) {
      add(i, store->getPointerOperand(), store->getValueOperand()->getType(), store->getAlign(),
          kAccessWrite | (store->isAtomic() ? kAccessAtomic : 0));
    } else if (auto* rmw = dyn_cast<AtomicRMWInst>(&i)) {
      add(i, rmw->getPointerOperand(), rmw->getType(), rmw->getAlign(),
          kAccessWrite | kAccessAtomic | kAccessExchange);
    } else if (auto* swap = dyn_cast<AtomicCmpXchgInst>(&i)) {
      add(i, swap->getPointerOperand(), swap->getNewValOperand()->getType(), swap->getAlign(),
          kAccessWrite | kAccessAtomic | kAccessExchange);
    } else if (auto* block = dyn_cast<AnyMemIntrinsic>(&i)) {
      collect_block(*block);
    }
  }

  void collect_block(AnyMemIntrinsic& block) {
    const auto unit = [](MaybeAlign align) { return align.valueOrOne().value(); };
    Value* size = block.getLength();
    if (size->getType()->isIntegerTy(32))
      size = IRBuilder<>(&block).CreateZExt(size, Type::getInt64Ty(block.getContext()));
    accesses_.push_back({&block, block.getRawDest(), size,
                         std::min<uint64_t>(4, unit(block.getDestAlign())), kAccessWrite});
    if (auto* transfer = dyn_cast<AnyMemTransferInst>(&block)) {
      accesses_.push_back({&block, transfer->getRawSource(), size,
                           std::min<uint64_t>(4, unit(transfer->getSourceAlign())), 0});
    }
  }

  void note_write(const Access& access, uint32_t base) {
    if (!(access.flags & kAccessWrite)) return;
    for (uint32_t i = 0; i < program_.bases.size(); ++i) {
      if (base == i || base == kUnknownBase) program_.bases[i].written = true;
    }
  }

  Value* thread_index(IRBuilder<>& b) {
    if (index_) return index_;
    IRBuilder<> head(&*thread_.getEntryBlock().getFirstInsertionPt());
    const auto extent = [&](unsigned i) {
      const size_t offset = offsetof(GroupState, threads) + 4 * i;
      return head.CreateLoad(b.getInt32Ty(), head.CreateConstInBoundsGEP1_64(
                                                 b.getInt8Ty(), thread_.getArg(0), offset));
    };
    Value* rows = head.CreateAdd(thread_.getArg(3), head.CreateMul(thread_.getArg(4), extent(1)));
    index_ = head.CreateAdd(thread_.getArg(2), head.CreateMul(rows, extent(0)));
    return index_;
  }

  void call(IRBuilder<>& b, StringRef name, ArrayRef<Value*> values) {
    SmallVector<Type*, 6> types;
    for (Value* value : values) types.push_back(value->getType());
    auto callee = thread_.getParent()->getOrInsertFunction(
        name, FunctionType::get(b.getVoidTy(), types, false));
    cast<Function>(callee.getCallee())->addFnAttr(Attribute::NoUnwind);
    b.CreateCall(callee, values);
  }

  void check(const Access& access, uint32_t base) {
    IRBuilder<> b(access.at);
    Value* index = thread_index(b);
    call(b, "pewter_air_check",
         {thread_.getArg(0), index, access.pointer, access.size, b.getInt32(base),
          b.getInt32(access.flags | line_of(*access.at) << kAccessLineShift)});
  }

  void check_private(const Access& access, AllocaInst& own) {
    APInt offset(64, 0);
    const Value* origin = access.pointer->stripAndAccumulateConstantOffsets(layout_, offset, true);
    const uint64_t total = layout_.getTypeAllocSize(own.getAllocatedType());
    const auto* size = dyn_cast<ConstantInt>(access.size);
    if (origin == &own && size && offset.isNonNegative() &&
        offset.getZExtValue() + size->getZExtValue() <= total)
      return;
    IRBuilder<> b(access.at);
    Value* index = thread_index(b);
    call(b, "pewter_air_check_private",
         {thread_.getArg(0), index, access.pointer, access.size, &own, b.getInt64(total)});
  }

  Function& thread_;
  const DataLayout& layout_;
  Program& program_;
  bool insert_;
  std::vector<Access> accesses_;
  Value* index_ = nullptr;
};

}  // namespace

void add_checks(Function& thread, Program* program, bool insert) {
  Instrumenter(thread, program, insert).run();
}

}  // namespace metal_sim::air
