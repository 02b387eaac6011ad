// The compiler's stages in a row; see passes.h for what each does. The object goes to cache.cpp's
// folder and to jit.cpp's memory.
#include "compile.h"

#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>

#include <mutex>

#include "cache.h"
#include "error.h"
#include "jit.h"
#include "passes.h"

namespace metal_sim::air {
namespace {

using namespace llvm;

struct Host {
  std::string triple, cpu, features;
};

// bf16 and fp16 instructions are left out: the first flush denormals, and results should not depend
// on which processor of a family runs them.
Host detect_host() {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  Host host{sys::getProcessTriple(), sys::getHostCPUName().str(), {}};
  for (const auto& feature : sys::getHostCPUFeatures()) {
    const StringRef name = feature.first();
    const bool narrow =
        name == "avx512bf16" || name == "avx512fp16" || name == "bf16" || name.starts_with("amx");
    host.features += (host.features.empty() ? "" : ",") +
                     std::string(feature.second && !narrow ? "+" : "-") + name.str();
  }
  return host;
}

const Host& host() {
  static const Host value = detect_host();
  return value;
}

std::unique_ptr<TargetMachine> make_target() {
  std::string problem;
  const Target* target = TargetRegistry::lookupTarget(host().triple, problem);
  if (!target) fail(FailureKind::internal, "{}", problem);
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Standard;
  return std::unique_ptr<TargetMachine>(
      target->createTargetMachine(host().triple, host().cpu, host().features, options, Reloc::PIC_,
                                  std::nullopt, CodeGenOptLevel::Default, true));
}

std::unique_ptr<Module> parse(LLVMContext& context, const std::string& kernel,
                              std::span<const std::byte> bitcode) {
  const StringRef bytes(reinterpret_cast<const char*>(bitcode.data()), bitcode.size());
  auto module = parseBitcodeFile(MemoryBufferRef(bytes, kernel), context);
  if (!module) {
    fail(FailureKind::file, "{}: {}", kernel, toString(module.takeError()));
  }
  return std::move(*module);
}

void optimise(Module& module, TargetMachine& target) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager graph;
  ModuleAnalysisManager modules;
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = true;
  tuning.SLPVectorization = true;
  PassBuilder builder(&target, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2).run(module, modules);
}

// Rounds float to bfloat in integer arithmetic, to nearest even: hosts without bf16 instructions
// would call a function for every element.
void expand_bfloat_rounding(Function& thread) {
  for (Instruction& i : make_early_inc_range(instructions(thread))) {
    auto* trunc = dyn_cast<FPTruncInst>(&i);
    if (!trunc || !trunc->getType()->getScalarType()->isBFloatTy() ||
        !trunc->getSrcTy()->getScalarType()->isFloatTy()) {
      continue;
    }
    IRBuilder<> b(trunc);
    Value* x = trunc->getOperand(0);
    Type* word = x->getType()->getWithNewType(b.getInt32Ty());
    const auto constant = [&](uint32_t v) { return ConstantInt::get(word, v); };
    Value* bits = b.CreateBitCast(x, word);
    Value* odd = b.CreateAnd(b.CreateLShr(bits, constant(16)), constant(1));
    Value* rounded = b.CreateAdd(bits, b.CreateAdd(odd, constant(0x7fff)));
    Value* quiet = b.CreateOr(bits, constant(0x400000));
    Value* high = b.CreateLShr(b.CreateSelect(b.CreateFCmpUNO(x, x), quiet, rounded), constant(16));
    Value* half = b.CreateTrunc(high, x->getType()->getWithNewType(b.getInt16Ty()));
    trunc->replaceAllUsesWith(b.CreateBitCast(half, trunc->getType()));
    trunc->eraseFromParent();
  }
}

uint32_t private_bytes(const Function& thread, const DataLayout& layout) {
  uint64_t total = 0;
  for (const Instruction& i : instructions(thread)) {
    if (const auto* own = dyn_cast<AllocaInst>(&i)) {
      total += layout.getTypeAllocSize(own->getAllocatedType()) + own->getAlign().value();
    }
  }
  if (total > (16 << 20)) {
    fail(FailureKind::unsupported, "a thread's own arrays need {} bytes", total);
  }
  return uint32_t(total);
}

void lay_out(Program* program) {
  uint32_t total = 0;
  for (const Base& base : program->bases) {
    if (base.kind == Base::Kind::threadgroup_array) {
      total = (total + base.alignment - 1) / base.alignment * base.alignment + base.size;
    }
  }
  program->info.static_threadgroup_memory = (total + 15) / 16 * 16;
}

void embed(Module& module, const Program& program) {
  Constant* text = ConstantDataArray::getString(module.getContext(), to_json(program));
  new GlobalVariable(module, text->getType(), true, GlobalValue::ExternalLinkage, text,
                     kProgramSymbol);
}

void verify(Module& module, const std::string& kernel) {
  std::string problem;
  raw_string_ostream stream(problem);
  if (verifyModule(module, &stream))
    fail(FailureKind::internal, "{}: lowering made wrong code: {}", kernel, problem);
}

void build(Module& module, const CompileRequest& request, TargetMachine& target) {
  Program program;
  program.name = request.kernel;
  module.setTargetTriple(host().triple);
  module.setDataLayout(target.createDataLayout());
  Reflection reflection = reflect(module, request.kernel);
  program.info.max_total_threads = reflection.max_threads;
  fold_constants(module, request.constants);
  resolve_predicates(&reflection);
  isolate_kernel(module, *reflection.kernel);
  lower_matrices(*reflection.kernel);
  Function* thread = make_thread_function(module, reflection, &program);
  lower_calls(*thread, &program);
  expand_bfloat_rounding(*thread);
  add_checks(*thread, &program, request.checks);
  StripDebugInfo(module);  // lines served the checks
  lay_out(&program);
  if (!program.synchronises && !request.checks) make_group_function(module, *thread);
  program.private_bytes = private_bytes(*thread, module.getDataLayout());
  embed(module, program);
  verify(module, request.kernel);
}

std::string emit(Module& module, TargetMachine& target) {
  SmallString<0> object;
  raw_svector_ostream stream(object);
  legacy::PassManager passes;
  if (target.addPassesToEmitFile(passes, stream, nullptr, CodeGenFileType::ObjectFile)) {
    fail(FailureKind::internal, "this target writes no object files");
  }
  passes.run(module);
  return std::string(object.str());
}

std::string compile_object(const CompileRequest& request) {
  LLVMContext context;
  auto module = parse(context, request.kernel, request.bitcode);
  auto target = make_target();
  build(*module, request, *target);
  optimise(*module, *target);
  return emit(*module, *target);
}

}  // namespace

std::shared_ptr<const Program> compile_kernel(const CompileRequest& request,
                                              const ObjectCache& cache) {
  const std::string key = cache_key(request, host().triple + host().cpu + host().features);
  std::string object = load_object(cache, key);
  const bool known = !object.empty();
  if (!known) object = compile_object(request);
  auto program = link_object(object, request.kernel);
  if (!known) store_object(cache, key, object);
  return program;
}

FunctionInfo describe_kernel(const std::string& kernel, std::span<const std::byte> bitcode) {
  LLVMContext context;
  auto module = parse(context, kernel, bitcode);
  FunctionInfo info;
  info.name = kernel;
  for (const auto& slot : constant_slots(*module)) info.constants.push_back(slot.constant);
  return info;
}

}  // namespace metal_sim::air
