// ORC links the object. It may reach the functions of abi.h, the mathematics that lower_math.cpp
// calls, what code generators call by themselves, and nothing else of the process.
#include "jit.h"

#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/Support/TargetSelect.h>

#include <cmath>
#include <cstring>

#include "error.h"
#include "passes.h"

namespace metal_sim::air {
namespace {

using namespace llvm;
using namespace llvm::orc;

template <typename T>
T check(Expected<T> value, const std::string& kernel) {
  if (!value) fail(FailureKind::internal, "{}: {}", kernel, toString(value.takeError()));
  return std::move(*value);
}

void check(llvm::Error error, const std::string& kernel) {
  if (error) fail(FailureKind::internal, "{}: {}", kernel, toString(std::move(error)));
}

// A code generator calls this where the processor cannot round to bfloat. The result travels where
// a half would.
#if defined(__x86_64__)
_Float16 round_to_bfloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  bits = std::isnan(value) ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1);
  const uint16_t high = uint16_t(bits >> 16);
  _Float16 result;
  std::memcpy(&result, &high, 2);
  return result;
}
float widen_half(_Float16 value) { return float(value); }
_Float16 round_to_half(float value) { return _Float16(value); }
#endif

using Unary = float (*)(float);
using Binary = float (*)(float, float);

SymbolMap runtime_symbols(MangleAndInterner mangle) {
  SymbolMap map;
  const auto add = [&](const char* name, auto* function) {
    map[mangle(name)] = {ExecutorAddr::fromPtr(function),
                         JITSymbolFlags::Exported | JITSymbolFlags::Callable};
  };
  add("pewter_air_barrier", &pewter_air_barrier);
  add("pewter_air_simd", &pewter_air_simd);
  add("pewter_air_mma", &pewter_air_mma);
  add("pewter_air_check", &pewter_air_check);
  add("pewter_air_check_private", &pewter_air_check_private);
  const std::pair<const char*, Unary> unary[] = {
      {"sinf", std::sin},     {"cosf", std::cos},     {"tanf", std::tan},
      {"asinf", std::asin},   {"acosf", std::acos},   {"atanf", std::atan},
      {"sinhf", std::sinh},   {"coshf", std::cosh},   {"tanhf", std::tanh},
      {"asinhf", std::asinh}, {"acoshf", std::acosh}, {"atanhf", std::atanh},
      {"expf", std::exp},     {"exp2f", std::exp2},   {"exp10f", exp10f},
      {"logf", std::log},     {"log2f", std::log2},   {"log10f", std::log10},
      {"floorf", std::floor}, {"ceilf", std::ceil},   {"truncf", std::trunc},
      {"rintf", std::rint},   {"roundf", std::round}, {"sqrtf", std::sqrt}};
  for (const auto& [name, function] : unary) add(name, function);
  const std::pair<const char*, Binary> binary[] = {{"powf", std::pow},
                                                   {"atan2f", std::atan2},
                                                   {"fmodf", std::fmod},
                                                   {"fminf", std::fmin},
                                                   {"fmaxf", std::fmax}};
  for (const auto& [name, function] : binary) add(name, function);
  add("ldexpf", static_cast<float (*)(float, int)>(std::ldexp));
  add("fmaf", static_cast<float (*)(float, float, float)>(std::fma));
  add("memcpy", &std::memcpy);
  add("memmove", &std::memmove);
  add("memset", &std::memset);
#if defined(__x86_64__)
  add("__truncsfbf2", &round_to_bfloat);
  add("__truncsfhf2", &round_to_half);
  add("__extendhfsf2", &widen_half);
#endif
  return map;
}

// The optimiser may make sincosf of a pair, expecting the C library's.
void add_sincos(SymbolMap& map, MangleAndInterner mangle) {
  map[mangle("sincosf")] = {ExecutorAddr::fromPtr(&sincosf),
                            JITSymbolFlags::Exported | JITSymbolFlags::Callable};
}

}  // namespace

std::shared_ptr<const Program> link_object(const std::string& object, const std::string& kernel) {
  static const bool ready = !InitializeNativeTarget() && !InitializeNativeTargetAsmPrinter();
  if (!ready) fail(FailureKind::internal, "LLVM was built without this processor");
  std::shared_ptr<LLJIT> jit = check(LLJITBuilder()
                                         .setLinkProcessSymbolsByDefault(false)
                                         .setPlatformSetUp(setUpInactivePlatform)
                                         .create(),
                                     kernel);
  JITDylib& library = jit->getMainJITDylib();
  const MangleAndInterner mangle(jit->getExecutionSession(), jit->getDataLayout());
  SymbolMap symbols = runtime_symbols(mangle);
  add_sincos(symbols, mangle);
  check(library.define(absoluteSymbols(std::move(symbols))), kernel);
  check(jit->addObjectFile(MemoryBuffer::getMemBufferCopy(object, kernel)), kernel);
  const auto text = check(jit->lookup(kProgramSymbol), kernel);
  auto program = std::make_shared<Program>(program_from_json(text.toPtr<const char*>()));
  program->thread = check(jit->lookup(kThreadSymbol), kernel).toPtr<ThreadFunction>();
  // Only kernels without barriers have it, and an object's symbol names stand in it as text.
  if (object.find(kGroupSymbol) != std::string::npos) {
    program->group = check(jit->lookup(kGroupSymbol), kernel).toPtr<GroupFunction>();
  }
  program->code = jit;
  return program;
}

}  // namespace metal_sim::air
