// Calls of air.* that concern other threads or memory: barriers, simdgroup and quad operations,
// matrices, atomics. Each place where threads meet gets a number in the order of the program before
// optimisation; lanes that wait at different places are released lowest number first, which brings
// diverged lanes together again (scheduler.cpp).
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/StringExtras.h>
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

constexpr unsigned kSlotBytes = 128;

struct SimdKind {
  SimdOp op;
  bool amount = false;  // second argument is a lane, delta or mask
  bool fill = false;    // arguments are value, fill, delta, modulo
};

const std::map<std::string, SimdKind> kSimdOps = {
    {"sum", {SimdOp::sum}},
    {"product", {SimdOp::product}},
    {"min", {SimdOp::min}},
    {"max", {SimdOp::max}},
    {"and", {SimdOp::bit_and}},
    {"or", {SimdOp::bit_or}},
    {"xor", {SimdOp::bit_xor}},
    {"any", {SimdOp::any}},
    {"all", {SimdOp::all}},
    {"prefix_inclusive_sum", {SimdOp::inclusive_sum}},
    {"prefix_exclusive_sum", {SimdOp::exclusive_sum}},
    {"prefix_inclusive_product", {SimdOp::inclusive_product}},
    {"prefix_exclusive_product", {SimdOp::exclusive_product}},
    {"shuffle", {SimdOp::shuffle, true}},
    {"shuffle_up", {SimdOp::shuffle_up, true}},
    {"shuffle_down", {SimdOp::shuffle_down, true}},
    {"shuffle_xor", {SimdOp::shuffle_xor, true}},
    {"shuffle_rotate_up", {SimdOp::rotate_up, true}},
    {"shuffle_rotate_down", {SimdOp::rotate_down, true}},
    {"rotate_up", {SimdOp::rotate_up, true}},
    {"rotate_down", {SimdOp::rotate_down, true}},
    {"broadcast", {SimdOp::broadcast, true}},
    {"broadcast_first", {SimdOp::broadcast_first}},
    {"shuffle_and_fill_up", {SimdOp::fill_up, true, true}},
    {"shuffle_and_fill_down", {SimdOp::fill_down, true, true}},
    {"ballot", {SimdOp::ballot}},
    {"active_threads_mask", {SimdOp::active_mask}},
    {"is_first", {SimdOp::is_first}},
};

ElementType element_type(const Type* type, bool is_signed) {
  type = type->getScalarType();
  if (type->isFloatTy()) return ElementType::f32;
  if (type->isHalfTy()) return ElementType::f16;
  if (type->isBFloatTy()) return ElementType::bf16;
  if (type->isIntegerTy(1)) return ElementType::i1;
  if (type->isIntegerTy(8)) return is_signed ? ElementType::s8 : ElementType::u8;
  if (type->isIntegerTy(16)) return is_signed ? ElementType::s16 : ElementType::u16;
  if (type->isIntegerTy(32)) return is_signed ? ElementType::s32 : ElementType::u32;
  if (type->isIntegerTy(64)) return is_signed ? ElementType::s64 : ElementType::u64;
  fail(FailureKind::unsupported, "a simdgroup operation on a type that is not supported");
}

class CallLowering {
 public:
  CallLowering(Function& thread, Program* program)
      : thread_(thread), module_(*thread.getParent()), program_(*program) {}

  void run() {
    std::vector<CallInst*> calls;
    ReversePostOrderTraversal<Function*> order(&thread_);
    for (BasicBlock* block : order) {
      for (Instruction& i : *block) {
        auto* call = dyn_cast<CallInst>(&i);
        const auto* callee = call ? dyn_cast<Function>(call->getCalledOperand()) : nullptr;
        if (callee && callee->getName().starts_with("air.")) calls.push_back(call);
      }
    }
    for (CallInst* call : calls) lower(*call);
  }

 private:
  void lower(CallInst& call) {
    const std::string full = cast<Function>(call.getCalledOperand())->getName().str();
    const StringRef name = StringRef(full).drop_front(4);
    IRBuilder<> b(&call);
    if (name.starts_with("wg.barrier")) {
      runtime(b, "pewter_air_barrier", {lane(), site(b)});
    } else if (name.starts_with("simdgroup.barrier")) {
      simd(b, SimdOp::barrier, b.getInt8(0), b.getInt8(0), false, kLanes, nullptr, nullptr);
    } else if (name.starts_with("simdgroup_matrix_8x8_")) {
      replace(call, matrix(b, call, name.drop_front(21)));
      return;
    } else if (name.starts_with("simd_")) {
      replace(call, simd_call(b, call, name.drop_front(5), kLanes));
      return;
    } else if (name.starts_with("quad_")) {
      replace(call, simd_call(b, call, name.drop_front(5), 4));
      return;
    } else if (name.starts_with("atomic.")) {
      replace(call, atomic(b, call, name));
      return;
    } else if (name.starts_with("get_simdgroup_size")) {
      replace(call, ConstantInt::get(call.getType(), kLanes));
      return;
    } else if (name.starts_with("is_uniform")) {
      replace(call, b.getTrue());  // a promise to the optimiser
      return;
    } else if (lower_math(call, name)) {
      return;
    } else {
      fail(FailureKind::unsupported, "{}: function {} is not supported", program_.name, full);
    }
    call.eraseFromParent();
  }

  static void replace(CallInst& call, Value* value) {
    if (value && !call.getType()->isVoidTy()) call.replaceAllUsesWith(value);
    call.eraseFromParent();
  }

  Value* lane() { return thread_.getArg(1); }
  Value* site(IRBuilder<>& b) {
    program_.synchronises = true;
    return b.getInt32(sites_++);
  }

  CallInst* runtime(IRBuilder<>& b, StringRef name, ArrayRef<Value*> values) {
    SmallVector<Type*, 10> types;
    for (Value* value : values) types.push_back(value->getType());
    auto callee = module_.getOrInsertFunction(name, FunctionType::get(b.getVoidTy(), types, false));
    auto* function = cast<Function>(callee.getCallee());
    function->addFnAttr(Attribute::Convergent);
    function->addFnAttr(Attribute::NoUnwind);
    auto* made = b.CreateCall(callee, values);
    made->setConvergent();
    return made;
  }

  // Memory through which values go to the scheduler and back; one set for the whole function.
  Value* slot(unsigned number) {
    while (slots_.size() <= number) {
      IRBuilder<> b(&*thread_.getEntryBlock().getFirstInsertionPt());
      auto* made = b.CreateAlloca(ArrayType::get(b.getInt8Ty(), kSlotBytes));
      made->setAlignment(Align(16));
      slots_.push_back(made);
    }
    return slots_[number];
  }

  Value* put(IRBuilder<>& b, Value* value, unsigned number) {
    if (value->getType()->isIntegerTy(1)) value = b.CreateZExt(value, b.getInt8Ty());
    b.CreateStore(value, slot(number));
    return slot(number);
  }

  Value* take(IRBuilder<>& b, Type* type, unsigned number) {
    if (!type->isIntegerTy(1)) return b.CreateLoad(type, slot(number));
    return b.CreateTrunc(b.CreateLoad(b.getInt8Ty(), slot(number)), type);
  }

  void simd(IRBuilder<>& b, SimdOp op, Value* value, Value* other, bool is_signed, uint32_t width,
            Value* amount, Value* modulo) {
    const auto* vector = dyn_cast<FixedVectorType>(value->getType());
    const auto type = element_type(value->getType(), is_signed);
    const auto word = [&](Value* v, uint32_t standard) -> Value* {
      return v ? b.CreateZExtOrTrunc(v, b.getInt32Ty()) : b.getInt32(standard);
    };
    runtime(b, "pewter_air_simd",
            {lane(), site(b), b.getInt32(uint32_t(op)), b.getInt32(uint32_t(type)),
             b.getInt32(vector ? vector->getNumElements() : 1), b.getInt32(width), put(b, value, 0),
             put(b, other, 1), word(amount, 0), word(modulo, width)});
  }

  Value* simd_call(IRBuilder<>& b, CallInst& call, StringRef name, uint32_t width) {
    const auto [base, types] = name.split('.');
    const auto found = kSimdOps.find(base.str());
    if (found == kSimdOps.end()) {
      fail(FailureKind::unsupported, "{}: simdgroup function '{}' is not supported", program_.name,
           name.str());
    }
    const SimdKind kind = found->second;
    const unsigned wanted =
        (kind.op == SimdOp::active_mask || kind.op == SimdOp::is_first ? 0u : 1u) + kind.amount +
        (kind.fill ? 2u : 0u);
    if (call.arg_size() != wanted) {
      fail(FailureKind::unsupported, "{}: simdgroup function '{}' has {} arguments", program_.name,
           name.str(), call.arg_size());
    }
    Value* value = wanted ? call.getArgOperand(0) : b.getInt8(0);
    Value* fill = kind.fill ? call.getArgOperand(1) : value;
    Value* amount = kind.fill     ? call.getArgOperand(2)
                    : kind.amount ? call.getArgOperand(1)
                                  : nullptr;
    simd(b, kind.op, value, fill, types.starts_with("s."), width, amount,
         kind.fill ? call.getArgOperand(3) : nullptr);
    return take(b, call.getType(), 0);
  }

  Value* matrix(IRBuilder<>& b, CallInst& call, StringRef name) {
    if (name.starts_with("multiply_accumulate")) return product(b, call, call.getArgOperand(2));
    if (name.starts_with("multiply"))
      return product(b, call, Constant::getNullValue(call.getType()));
    if (name.starts_with("init_filled")) return b.CreateVectorSplat(2, call.getArgOperand(0));
    if (name.starts_with("load")) return matrix_load(b, call);
    if (name.starts_with("store")) return matrix_store(b, call);
    fail(FailureKind::unsupported, "{}: simdgroup_matrix_8x8_{} is not supported", program_.name,
         name.str());
  }

  Value* product(IRBuilder<>& b, CallInst& call, Value* c) {
    Value* left = call.getArgOperand(0);
    Value* right = call.getArgOperand(1);
    const auto code = [](Value* v) { return uint32_t(element_type(v->getType(), false)); };
    const uint32_t types = uint32_t(element_type(call.getType(), false)) | code(left) << 8 |
                           code(right) << 16 | code(c) << 24;
    runtime(b, "pewter_air_mma",
            {lane(), site(b), b.getInt32(types), slot(0), put(b, left, 1), put(b, right, 2),
             put(b, c, 3)});
    return take(b, call.getType(), 0);
  }

  // Row and first column of the two elements that the calling lane owns.
  std::pair<Value*, Value*> fragment_position(IRBuilder<>& b) {
    Value* row = b.CreateMul(thread_.getArg(4), group_field(b, 1));
    row = b.CreateMul(b.CreateAdd(thread_.getArg(3), row), group_field(b, 0));
    Value* index = b.CreateAdd(thread_.getArg(2), row);
    Value* quad = b.CreateLShr(b.CreateAnd(index, kLanes - 1), 2);
    Value* y = b.CreateAdd(b.CreateAnd(quad, 4), b.CreateAnd(b.CreateLShr(index, 1), 3));
    Value* x =
        b.CreateAdd(b.CreateShl(b.CreateAnd(quad, 2), 1), b.CreateShl(b.CreateAnd(index, 1), 1));
    return {b.CreateZExt(y, b.getInt64Ty()), b.CreateZExt(x, b.getInt64Ty())};
  }

  // Marked as the prologue's loads are: the scheduler's memory is not for the checks.
  Value* group_field(IRBuilder<>& b, unsigned i) {
    const size_t offset = offsetof(GroupState, threads) + 4 * i;
    auto* load = b.CreateLoad(
        b.getInt32Ty(), b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), thread_.getArg(0), offset));
    load->setMetadata(LLVMContext::MD_invariant_load, MDNode::get(b.getContext(), {}));
    return load;
  }

  // Addresses of the two elements: pointer, elements per row, origin, and whether rows are columns.
  std::array<Value*, 2> fragment_addresses(IRBuilder<>& b, CallInst& call, unsigned first,
                                           Type* element) {
    Value* stride = call.getArgOperand(first + 1);
    Value* origin = call.getArgOperand(first + 2);
    const auto* transpose = dyn_cast<ConstantInt>(call.getArgOperand(first + 3));
    if (!transpose)
      fail(FailureKind::unsupported, "{}: a simdgroup matrix's transposition is no constant",
           program_.name);
    const auto [row, column] = fragment_position(b);
    std::array<Value*, 2> result{};
    for (unsigned i = 0; i < 2; ++i) {
      Value* x = b.CreateAdd(column, b.getInt64(i));
      Value* y = row;
      if (!transpose->isZero()) std::swap(x, y);
      y = b.CreateAdd(y, b.CreateExtractElement(origin, 1));
      x = b.CreateAdd(x, b.CreateExtractElement(origin, uint64_t(0)));
      result[i] =
          b.CreateGEP(element, call.getArgOperand(first), b.CreateAdd(x, b.CreateMul(y, stride)));
    }
    return result;
  }

  Value* matrix_load(IRBuilder<>& b, CallInst& call) {
    Type* element = call.getType()->getScalarType();
    const auto addresses = fragment_addresses(b, call, 0, element);
    Value* result = PoisonValue::get(call.getType());
    for (unsigned i = 0; i < 2; ++i) {
      result = b.CreateInsertElement(result, b.CreateLoad(element, addresses[i]), i);
    }
    return result;
  }

  Value* matrix_store(IRBuilder<>& b, CallInst& call) {
    Value* value = call.getArgOperand(0);
    const auto addresses = fragment_addresses(b, call, 1, value->getType()->getScalarType());
    for (unsigned i = 0; i < 2; ++i) b.CreateStore(b.CreateExtractElement(value, i), addresses[i]);
    return nullptr;
  }

  // air.atomic.<global|local>.<operation>[.<s|u>].<type>(pointer, value..., order, scope, volatile)
  Value* atomic(IRBuilder<>& b, CallInst& call, StringRef name) {
    SmallVector<StringRef, 5> parts;
    name.split(parts, '.');
    const StringRef op = parts.size() > 2 ? parts[2] : "";
    Value* pointer = call.getArgOperand(0);
    const unsigned operand = op == "cmpxchg" ? 2 : 1;
    const Align align(call.getModule()->getDataLayout().getTypeStoreSize(
        op == "load" ? call.getType() : call.getArgOperand(operand)->getType()));
    constexpr auto order = AtomicOrdering::Monotonic;
    if (op == "load") {
      auto* made = b.CreateAlignedLoad(call.getType(), pointer, align);
      made->setAtomic(order);
      return made;
    }
    if (op == "store") {
      b.CreateAlignedStore(call.getArgOperand(1), pointer, align)->setAtomic(order);
      return nullptr;
    }
    if (op == "cmpxchg") return compare_exchange(b, call);
    const bool is_signed = parts.size() > 3 && parts[3] == "s";
    const bool real = call.getType()->isFloatingPointTy();
    return b.CreateAtomicRMW(operation(op, is_signed, real), pointer, call.getArgOperand(1), align,
                             order);
  }

  // (pointer, address of the expected value, value, ...): true if it was exchanged; what was there
  // goes to the expected value.
  Value* compare_exchange(IRBuilder<>& b, CallInst& call) {
    Value* wanted = call.getArgOperand(2);
    Type* word = b.getIntNTy(unsigned(wanted->getType()->getPrimitiveSizeInBits()));
    auto* made =
        b.CreateAtomicCmpXchg(call.getArgOperand(0), b.CreateLoad(word, call.getArgOperand(1)),
                              b.CreateBitCast(wanted, word), Align(word->getIntegerBitWidth() / 8),
                              AtomicOrdering::Monotonic, AtomicOrdering::Monotonic);
    b.CreateStore(b.CreateExtractValue(made, 0), call.getArgOperand(1));
    return b.CreateExtractValue(made, 1);
  }

  AtomicRMWInst::BinOp operation(StringRef op, bool is_signed, bool real) {
    if (op == "add") return real ? AtomicRMWInst::FAdd : AtomicRMWInst::Add;
    if (op == "sub") return real ? AtomicRMWInst::FSub : AtomicRMWInst::Sub;
    if (op == "and" && !real) return AtomicRMWInst::And;
    if (op == "or" && !real) return AtomicRMWInst::Or;
    if (op == "xor" && !real) return AtomicRMWInst::Xor;
    if (op == "xchg") return AtomicRMWInst::Xchg;
    if (op == "max" && !real) return is_signed ? AtomicRMWInst::Max : AtomicRMWInst::UMax;
    if (op == "min" && !real) return is_signed ? AtomicRMWInst::Min : AtomicRMWInst::UMin;
    fail(FailureKind::unsupported, "{}: atomic '{}' is not supported", program_.name, op.str());
  }

  Function& thread_;
  Module& module_;
  Program& program_;
  std::vector<AllocaInst*> slots_;
  uint32_t sites_ = 0;
};

}  // namespace

void lower_calls(Function& thread, Program* program) { CallLowering(thread, program).run(); }

}  // namespace metal_sim::air
