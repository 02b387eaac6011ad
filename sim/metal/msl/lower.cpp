// See lower.h. The passes that run here only bring code into the shape that Apple's has: everything
// inlined, pointers in their spaces. The executor optimises later. No pass may change a number.
#include "lower.h"

#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/Scalar/InferAddressSpaces.h>
#include <llvm/Transforms/Utils/Cloning.h>
#include <llvm/Transforms/Utils/ModuleUtils.h>

#include <map>

#include "../air/error.h"
#include "annotations.h"

namespace metal_sim::msl {
namespace {

using namespace llvm;
using air::fail;

constexpr char kLayout[] =
    "e-p:64:64:64-i1:8:8-i8:8:8-i16:16:16-i32:32:32-i64:64:64-f32:32:32-f64:64:64-v16:16:16-v24:32:"
    "32-v32:32:32-v48:64:64-v64:64:64-v96:128:128-v128:128:128-v192:256:256-v256:256:256-v512:512:"
    "512-v1024:1024:1024-n8:16:32";

std::unique_ptr<Module> parse(const std::string& bitcode, LLVMContext& context) {
  auto module = parseBitcodeFile(MemoryBufferRef(bitcode, "program_source"), context);
  if (!module) fail(FailureKind::internal, "clang's output: {}", toString(module.takeError()));
  return std::move(*module);
}

void run_passes(Module& module, ModulePassManager passes, PassBuilder& builder) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager graph;
  ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  passes.run(module, modules);
}

void parse_into(ModulePassManager& passes, PassBuilder& builder, StringRef text) {
  if (auto error = builder.parsePassPipeline(passes, text)) {
    fail(FailureKind::internal, "{}", toString(std::move(error)));
  }
}

// Attributes name the host's processor, and would stop inlining into functions that do not.
void make_internal(Module& module) {
  for (Function& function : module) {
    const bool kernel = function.hasExternalLinkage() && !function.isDeclaration() &&
                        !function.getName().starts_with("_Z");
    AttributeList kept;
    for (const auto kind : {Attribute::Convergent, Attribute::Memory}) {
      if (function.isDeclaration() && function.hasFnAttribute(kind)) {
        kept = kept.addFnAttribute(module.getContext(), function.getFnAttribute(kind));
      }
    }
    function.setAttributes(kept.addFnAttribute(module.getContext(), Attribute::NoUnwind));
    if (function.isDeclaration() || kernel) continue;
    function.setComdat(nullptr);
    function.setLinkage(GlobalValue::InternalLinkage);
    function.addFnAttr(Attribute::AlwaysInline);
  }
}

std::string type_name(const Type* type) {
  if (const auto* vector = dyn_cast<FixedVectorType>(type)) {
    return "v" + std::to_string(vector->getNumElements()) + type_name(vector->getElementType());
  }
  if (type->isIntegerTy()) return "i" + std::to_string(type->getIntegerBitWidth());
  return type->isHalfTy() ? "f16" : type->isBFloatTy() ? "bf16" : "f32";
}

// The variables that choose a kernel's arguments. Only metadata names them, so no pass would keep
// them.
SmallVector<GlobalValue*, 4> conditions(const MDNode& kernel) {
  SmallVector<GlobalValue*, 4> found;
  for (const MDOperand& item : cast<MDNode>(kernel.getOperand(2))->operands()) {
    const auto* keys = cast<MDNode>(item);
    const auto* key = dyn_cast<MDString>(keys->getOperand(1));
    if (!key || key->getString() != "air.function_constant") continue;
    const auto* condition = cast<ValueAsMetadata>(cast<MDNode>(keys->getOperand(2))->getOperand(0));
    found.push_back(cast<GlobalValue>(condition->getValue()->stripPointerCasts()));
  }
  return found;
}

void keep_conditions(Module& module) {
  const auto* kernels = module.getNamedMetadata("air.kernel");
  for (unsigned i = 0; kernels && i < kernels->getNumOperands(); ++i) {
    appendToCompilerUsed(module, conditions(*kernels->getOperand(i)));
  }
}

// One kernel with what it needs, and the initialiser where constants are left.
std::string extract(const Module& all, const Function& kernel) {
  ValueToValueMapTy map;
  auto module = CloneModule(all, map, [&](const GlobalValue* value) {
    const auto* function = dyn_cast<Function>(value);
    return !function || function == &kernel || function->hasInternalLinkage();
  });
  auto* own = cast<Function>(map[&kernel]);
  auto* kernels = module->getNamedMetadata("air.kernel");
  for (const MDNode* node : all.getNamedMetadata("air.kernel")->operands()) {
    const auto* value = cast<ValueAsMetadata>(node->getOperand(0))->getValue();
    if (value != &kernel) continue;
    kernels->clearOperands();
    kernels->addOperand(MapMetadata(node, map));
  }
  if (auto* used = module->getGlobalVariable("llvm.compiler.used")) used->eraseFromParent();
  appendToCompilerUsed(*module, conditions(*kernels->getOperand(0)));
  PassBuilder builder;
  ModulePassManager passes;
  // Constants that this kernel does not use, nor those computed from them.
  for (int i = 0; i < 2; ++i) {
    parse_into(passes, builder, "function(early-cse<memssa>,simplifycfg,adce),globalopt,globaldce");
  }
  run_passes(*module, std::move(passes), builder);
  if (auto* constants = module->getNamedMetadata("air.function_constants")) {
    SmallVector<MDNode*, 8> alive;
    for (MDNode* node : constants->operands()) {
      const auto* value = dyn_cast_or_null<ValueAsMetadata>(node->getOperand(0));
      if (value && isa<GlobalVariable>(value->getValue())) alive.push_back(node);
    }
    constants->clearOperands();
    for (MDNode* node : alive) constants->addOperand(node);
    if (alive.empty()) constants->eraseFromParent();
  }
  module->setSourceFileName(own->getName());
  std::string bitcode;
  raw_string_ostream stream(bitcode);
  WriteBitcodeToFile(*module, stream);
  return bitcode;
}

void verify(Module& module) {
  std::string problem;
  raw_string_ostream stream(problem);
  if (verifyModule(module, &stream)) fail(FailureKind::internal, "lowering to AIR: {}", problem);
}

// "v64f32" of a matrix's name; null for other parts.
Type* matrix_type(StringRef part, LLVMContext& context) {
  if (!part.consume_front("v64")) return nullptr;
  Type* element = part == "f16"    ? Type::getHalfTy(context)
                  : part == "bf16" ? Type::getBFloatTy(context)
                                   : Type::getFloatTy(context);
  return FixedVectorType::get(element, 64);
}

class MatrixCall {
 public:
  explicit MatrixCall(CallInst& call) : call_(call), b_(&call) {
    call.getCalledFunction()->getName().split(parts_, '.');
  }

  void lower() {
    const bool store = parts_[1] == "simdgroup_matrix_8x8_store";
    const bool memory = store || parts_[1] == "simdgroup_matrix_8x8_load";
    Type* result = store ? b_.getVoidTy() : matrix_type(parts_[2], b_.getContext());
    SmallVector<Value*, 6> values;
    if (store) values.push_back(matrix(0, 2));
    if (memory) {
      add_memory(&values);
    } else {
      for (unsigned i = 1; i < call_.arg_size(); ++i) values.push_back(matrix(i, 2 + i));
    }
    SmallVector<Type*, 6> types;
    for (Value* value : values) types.push_back(value->getType());
    const std::string name = "air." + call_.getCalledFunction()->getName().drop_front(4).str();
    auto callee =
        call_.getModule()->getOrInsertFunction(name, FunctionType::get(result, types, false));
    cast<Function>(callee.getCallee())->addFnAttr(Attribute::Convergent);
    cast<Function>(callee.getCallee())->addFnAttr(Attribute::NoUnwind);
    Value* made = b_.CreateCall(callee, values);
    if (!store) b_.CreateStore(made, call_.getArgOperand(0));
    call_.eraseFromParent();
  }

 private:
  // Argument i, which part `part` of the name describes: a matrix goes by address here.
  Value* matrix(unsigned i, unsigned part) {
    Type* type = part < parts_.size() ? matrix_type(parts_[part], b_.getContext()) : nullptr;
    Value* given = call_.getArgOperand(i);
    return type ? b_.CreateLoad(type, given) : given;
  }

  // Address in its space, elements a row, origin, transposition.
  void add_memory(SmallVectorImpl<Value*>* values) {
    const unsigned space = parts_[3].starts_with("p1") ? 1 : 3;
    values->push_back(
        b_.CreateAddrSpaceCast(call_.getArgOperand(1), PointerType::get(b_.getContext(), space)));
    values->push_back(call_.getArgOperand(2));
    Value* origin = PoisonValue::get(FixedVectorType::get(b_.getInt64Ty(), 2));
    origin = b_.CreateInsertElement(origin, call_.getArgOperand(3), uint64_t(0));
    values->push_back(b_.CreateInsertElement(origin, call_.getArgOperand(4), uint64_t(1)));
    values->push_back(call_.getArgOperand(5));
  }

  CallInst& call_;
  IRBuilder<> b_;
  SmallVector<StringRef, 8> parts_;
};

}  // namespace

void lower_matrix_calls(Module& module) {
  SmallVector<CallInst*, 64> calls;
  for (Function& function : module) {
    if (!function.getName().starts_with("msl.simdgroup_matrix")) continue;
    for (User* user : function.users()) calls.push_back(cast<CallInst>(user));
  }
  for (CallInst* call : calls) MatrixCall(*call).lower();
}

void simplify(Module& module) {
  make_internal(module);
  PassBuilder builder;
  ModulePassManager passes;
  passes.addPass(AlwaysInlinerPass());
  const char* clean = "sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg";
  parse_into(passes, builder, fmt::format("globaldce,function({})", clean));
  passes.addPass(createModuleToFunctionPassAdaptor(InferAddressSpacesPass(0)));
  parse_into(passes, builder, fmt::format("function({},sroa),globalopt,globaldce", clean));
  passes.addPass(createModuleToFunctionPassAdaptor(InferAddressSpacesPass(0)));
  parse_into(passes, builder, fmt::format("function({})", clean));
  run_passes(module, std::move(passes), builder);
}

// Between integers and reals Apple's compiler calls air.convert, which saturates.
void lower_conversions(Module& module) {
  for (Function& function : module) {
    for (Instruction& i : make_early_inc_range(instructions(function))) {
      const unsigned op = i.getOpcode();
      const bool to_integer = op == Instruction::FPToSI || op == Instruction::FPToUI;
      if (!to_integer && op != Instruction::SIToFP && op != Instruction::UIToFP) continue;
      const char* sign = op == Instruction::FPToSI || op == Instruction::SIToFP ? "s" : "u";
      Type* from = i.getOperand(0)->getType();
      const std::string name =
          fmt::format("air.convert.{}.{}.{}.{}", to_integer ? sign : "f", type_name(i.getType()),
                      to_integer ? "f" : sign, type_name(from));
      auto callee = module.getOrInsertFunction(name, FunctionType::get(i.getType(), {from}, false));
      auto* made = cast<Function>(callee.getCallee());
      made->setDoesNotAccessMemory();
      made->setDoesNotThrow();
      made->setWillReturn();
      i.replaceAllUsesWith(IRBuilder<>(&i).CreateCall(callee, {i.getOperand(0)}));
      i.eraseFromParent();
    }
  }
}

std::vector<KernelCode> lower(const std::string& bitcode, uint32_t max_threads) {
  LLVMContext context;
  const auto module = parse(bitcode, context);
  lower_constants(*module);
  const auto kernels = make_kernels(*module, max_threads);
  lower_variables(*module);
  erase_annotations(*module);
  keep_conditions(*module);
  module->setTargetTriple("air64_v26-apple-macosx14.0.0");
  module->setDataLayout(kLayout);
  lower_matrix_calls(*module);
  simplify(*module);
  lower_conversions(*module);
  verify(*module);
  std::vector<KernelCode> result;
  for (const Function* kernel : kernels) {
    result.push_back({kernel->getName().str(), extract(*module, *kernel)});
  }
  return result;
}

}  // namespace metal_sim::msl
