// air.* functions of one thread's values. Where C's mathematics has the function, its float version
// is called for every element, half and bfloat by way of float: fast_ variants promise less
// accuracy and get more. Names end in types ("max.s.i32", "convert.f.f32.u.i8"); the types are
// taken from the call, signedness from the name.
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

#include <map>
#include <set>

#include "error.h"
#include "passes.h"

namespace metal_sim::air {
namespace {

using namespace llvm;

const std::map<std::string, Intrinsic::ID> kExact = {
    {"sqrt", Intrinsic::sqrt},         {"fabs", Intrinsic::fabs},   {"floor", Intrinsic::floor},
    {"ceil", Intrinsic::ceil},         {"trunc", Intrinsic::trunc}, {"rint", Intrinsic::rint},
    {"round", Intrinsic::round},       {"fmin", Intrinsic::minnum}, {"fmax", Intrinsic::maxnum},
    {"copysign", Intrinsic::copysign}, {"fma", Intrinsic::fma},
};

const std::set<std::string> kLibm = {
    "sin",   "cos", "tan",  "asin",  "acos", "atan", "sinh",  "cosh", "tanh",  "asinh", "acosh",
    "atanh", "exp", "exp2", "exp10", "log",  "log2", "log10", "pow",  "atan2", "fmod",  "ldexp",
};

const std::map<std::string, std::pair<Intrinsic::ID, Intrinsic::ID>> kInteger = {
    // name: signed, unsigned
    {"min", {Intrinsic::smin, Intrinsic::umin}},
    {"max", {Intrinsic::smax, Intrinsic::umax}},
};

const std::map<std::string, Intrinsic::ID> kBits = {
    {"popcount", Intrinsic::ctpop},
    {"reverse_bits", Intrinsic::bitreverse},
    {"clz", Intrinsic::ctlz},
    {"ctz", Intrinsic::cttz},
};

// Narrow reals compute as floats.
Type* working_type(Type* type) {
  const bool narrow = type->getScalarType()->isHalfTy() || type->getScalarType()->isBFloatTy();
  return narrow ? type->getWithNewType(Type::getFloatTy(type->getContext())) : type;
}

class MathLowering {
 public:
  MathLowering(CallInst& call, StringRef name) : call_(call), b_(&call) {
    const auto [base, types] = name.split('.');
    types_ = types;
    is_signed_ = types.starts_with("s.");
    base_ = base.str();
    for (const char* prefix : {"fast_", "precise_"}) {
      if (StringRef(base_).starts_with(prefix)) base_ = base_.substr(strlen(prefix));
    }
  }

  Value* lower() {
    if (const auto found = kExact.find(base_); found != kExact.end()) return exact(found->second);
    if (kLibm.count(base_)) return libm();
    if (const auto found = kInteger.find(base_); found != kInteger.end()) {
      return integer(found->second.first, found->second.second);
    }
    if (const auto found = kBits.find(base_); found != kBits.end()) return bits(found->second);
    if (base_ == "convert") return convert();
    if (base_ == "rsqrt") return rsqrt();
    if (base_ == "abs") return absolute();
    if (base_ == "clamp") return clamp();
    if (base_ == "dot") return dot();
    return nullptr;
  }

 private:
  Value* argument(unsigned i) { return call_.getArgOperand(i); }

  Value* widened(Value* value) {
    Type* type = working_type(value->getType());
    return type == value->getType() ? value : b_.CreateFPExt(value, type);
  }
  Value* narrowed(Value* value) {
    return value->getType() == call_.getType() ? value : b_.CreateFPTrunc(value, call_.getType());
  }

  Value* exact(Intrinsic::ID id) {
    SmallVector<Value*, 3> values;
    for (Value* value : call_.args()) values.push_back(widened(value));
    return narrowed(b_.CreateIntrinsic(id, {values[0]->getType()}, values));
  }

  Value* libm() {
    Type* type = working_type(call_.getType());
    const auto* vector = dyn_cast<FixedVectorType>(type);
    SmallVector<Value*, 2> values;
    for (Value* value : call_.args())
      values.push_back(value->getType()->isFPOrFPVectorTy() ? widened(value) : value);
    if (!vector) return narrowed(libm_scalar(values));
    Value* result = PoisonValue::get(type);
    for (unsigned i = 0; i < vector->getNumElements(); ++i) {
      SmallVector<Value*, 2> own;
      for (Value* value : values) own.push_back(b_.CreateExtractElement(value, i));
      result = b_.CreateInsertElement(result, libm_scalar(own), i);
    }
    return narrowed(result);
  }

  Value* libm_scalar(ArrayRef<Value*> values) {
    SmallVector<Type*, 2> types;
    for (Value* value : values) types.push_back(value->getType());
    auto callee = call_.getModule()->getOrInsertFunction(
        base_ + "f", FunctionType::get(values[0]->getType(), types, false));
    auto* function = cast<Function>(callee.getCallee());
    function->setDoesNotAccessMemory();
    function->setDoesNotThrow();
    function->setWillReturn();
    return b_.CreateCall(callee, values);
  }

  Value* integer(Intrinsic::ID when_signed, Intrinsic::ID when_unsigned) {
    return b_.CreateIntrinsic(is_signed_ ? when_signed : when_unsigned, {call_.getType()},
                              {argument(0), argument(1)});
  }

  Value* bits(Intrinsic::ID id) {
    if (id == Intrinsic::ctlz || id == Intrinsic::cttz) {
      return b_.CreateIntrinsic(id, {call_.getType()}, {argument(0), b_.getFalse()});
    }
    return b_.CreateIntrinsic(id, {call_.getType()}, {argument(0)});
  }

  Value* rsqrt() {
    Value* x = widened(argument(0));
    Value* root = b_.CreateIntrinsic(Intrinsic::sqrt, {x->getType()}, {x});
    return narrowed(b_.CreateFDiv(ConstantFP::get(x->getType(), 1.0), root));
  }

  Value* absolute() {
    if (!is_signed_) return argument(0);
    return b_.CreateIntrinsic(Intrinsic::abs, {call_.getType()}, {argument(0), b_.getFalse()});
  }

  Value* clamp() {
    Value* x = argument(0);
    if (x->getType()->isFPOrFPVectorTy()) {
      x = b_.CreateIntrinsic(Intrinsic::maxnum, {widened(x)->getType()},
                             {widened(x), widened(argument(1))});
      return narrowed(
          b_.CreateIntrinsic(Intrinsic::minnum, {x->getType()}, {x, widened(argument(2))}));
    }
    const auto max = is_signed_ ? Intrinsic::smax : Intrinsic::umax;
    const auto min = is_signed_ ? Intrinsic::smin : Intrinsic::umin;
    x = b_.CreateIntrinsic(max, {x->getType()}, {x, argument(1)});
    return b_.CreateIntrinsic(min, {x->getType()}, {x, argument(2)});
  }

  Value* dot() {
    Value* left = widened(argument(0));
    Value* right = widened(argument(1));
    const unsigned count = cast<FixedVectorType>(left->getType())->getNumElements();
    Value* sum = nullptr;
    for (unsigned i = 0; i < count; ++i) {
      Value* x = b_.CreateExtractElement(left, i);
      Value* y = b_.CreateExtractElement(right, i);
      sum = sum ? b_.CreateIntrinsic(Intrinsic::fma, {x->getType()}, {x, y, sum})
                : b_.CreateFMul(x, y);
    }
    return narrowed(sum);
  }

  // convert.<f|s|u>.<type>.<f|s|u>.<type>: to, from.
  Value* convert() {
    SmallVector<StringRef, 5> parts;
    types_.split(parts, '.');
    if (parts.size() < 4)
      fail(FailureKind::unsupported, "air.convert.{} is not supported", types_.str());
    Value* x = argument(0);
    Type* to = call_.getType();
    const bool from_signed = parts[2] == "s" && !x->getType()->getScalarType()->isIntegerTy(1);
    if (parts[2] == "f")
      return parts[0] == "f" ? real_to_real(x, to) : real_to_integer(x, to, parts[0] == "s");
    if (parts[0] == "f") return integer_to_real(x, to, from_signed);
    if (to->getScalarType()->isIntegerTy(1))
      return b_.CreateICmpNE(x, Constant::getNullValue(x->getType()));
    return from_signed ? b_.CreateSExtOrTrunc(x, to) : b_.CreateZExtOrTrunc(x, to);
  }

  Value* real_to_real(Value* x, Type* to) {
    x = widened(x);
    return x->getType() == to ? x : b_.CreateFPTrunc(x, to);
  }

  Value* real_to_integer(Value* x, Type* to, bool to_signed) {
    x = widened(x);
    if (to->getScalarType()->isIntegerTy(1))
      return b_.CreateFCmpUNE(x, Constant::getNullValue(x->getType()));
    const auto id = to_signed ? Intrinsic::fptosi_sat : Intrinsic::fptoui_sat;
    return b_.CreateIntrinsic(id, {to, x->getType()}, {x});
  }

  Value* integer_to_real(Value* x, Type* to, bool from_signed) {
    Type* wide = working_type(to);
    x = from_signed ? b_.CreateSIToFP(x, wide) : b_.CreateUIToFP(x, wide);
    return wide == to ? x : b_.CreateFPTrunc(x, to);
  }

  CallInst& call_;
  IRBuilder<> b_;
  StringRef types_;
  std::string base_;
  bool is_signed_ = false;
};

}  // namespace

bool lower_math(CallInst& call, StringRef name) {
  Value* result = MathLowering(call, name).lower();
  if (!result) return false;
  call.replaceAllUsesWith(result);
  call.eraseFromParent();
  return true;
}

}  // namespace metal_sim::air
