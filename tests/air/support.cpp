// See support.h.
#include "support.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "sim/metal/air/numbers.h"

namespace metal_sim::air::test {
namespace {

void append(std::vector<std::byte>& out, const void* data, size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  for (size_t i = 0; i < size; ++i) out.push_back(bytes[i]);
}

template <typename T>
void append(std::vector<std::byte>& out, T value) {
  append(out, &value, sizeof value);
}

void append_tag(std::vector<std::byte>& out, const char* tag, const void* data, uint16_t size) {
  append(out, tag, 4);
  append(out, size);
  append(out, data, size);
}

std::vector<std::byte> function_list(const std::string& kernel, uint64_t code_size) {
  std::vector<std::byte> tags;
  append_tag(tags, "NAME", kernel.c_str(), uint16_t(kernel.size() + 1));
  const uint8_t type = 2;
  append_tag(tags, "TYPE", &type, 1);
  const uint64_t offsets[3] = {};
  append_tag(tags, "OFFT", offsets, 24);
  append_tag(tags, "MDSZ", &code_size, 8);
  append(tags, "ENDT", 4);
  std::vector<std::byte> list;
  append(list, uint32_t(1));
  append(list, uint32_t(tags.size() + 4));
  append(list, tags.data(), tags.size());
  return list;
}

std::string assemble(const std::string& assembly) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic problem;
  const auto module = llvm::parseAssemblyString(assembly, problem, context);
  if (!module)
    throw std::runtime_error(problem.getMessage().str() + ": " + problem.getLineContents().str());
  std::string bitcode;
  llvm::raw_string_ostream stream(bitcode);
  llvm::WriteBitcodeToFile(*module, stream);
  stream.flush();
  return bitcode;
}

ConstantValue raw_constant(uint32_t index, uint32_t type, const void* data, size_t size) {
  ConstantValue value;
  value.index = index;
  value.type = type;
  std::memcpy(value.bytes.data(), data, size);
  return value;
}

}  // namespace

std::vector<std::byte> metallib_of(const std::string& kernel, const std::string& assembly) {
  const std::string code = assemble(assembly);
  const auto list = function_list(kernel, code.size());
  std::vector<std::byte> out;
  append(out, "MTLB\1\x80\2\0\7\0\0\x81\16\0\0\0", 16);
  const uint64_t lists = 88, metadata = lists + list.size();
  append(out, uint64_t(metadata + code.size()));
  for (const uint64_t word : {lists, uint64_t(list.size()), metadata, uint64_t(0), metadata,
                              uint64_t(0), metadata, uint64_t(code.size())}) {
    append(out, word);
  }
  append(out, list.data(), list.size());
  append(out, code.data(), code.size());
  return out;
}

std::string air_module(const std::string& body, const std::string& metadata) {
  return "target datalayout = "
         "\"e-p:64:64:64-i1:8:8-i8:8:8-i16:16:16-i32:32:32-i64:64:64-f32:32:32-f64:64:64-"
         "v16:16:16-v24:32:32-v32:32:32-v48:64:64-v64:64:64-v96:128:128-v128:128:128-v192:256:256-"
         "v256:256:256-"
         "v512:512:512-v1024:1024:1024-n8:16:32\"\ntarget triple = "
         "\"air64_v26-apple-macosx14.0.0\"\n" +
         body + "\n" + metadata;
}

ConstantValue constant(uint32_t index, bool value) { return raw_constant(index, 53, &value, 1); }
ConstantValue constant(uint32_t index, int32_t value) { return raw_constant(index, 29, &value, 4); }

std::shared_ptr<Kernel> kernel_of(const std::string& name, const std::string& assembly,
                                  std::span<const ConstantValue> constants) {
  const auto executor = make_executor({});
  const auto library = value_of(executor->load_metallib(metallib_of(name, assembly)));
  return value_of(library->make_kernel(name, constants, {}));
}

std::vector<float> randoms(size_t count, uint64_t seed, float low, float high) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<float> draw(low, high);
  std::vector<float> values(count);
  for (float& value : values) value = draw(engine);
  return values;
}

template <typename To, typename From, typename F>
std::vector<To> mapped(const std::vector<From>& values, F f) {
  std::vector<To> out(values.size());
  std::transform(values.begin(), values.end(), out.begin(), f);
  return out;
}

std::vector<uint16_t> to_half(const std::vector<float>& v) {
  return mapped<uint16_t>(v, half_bits);
}
std::vector<uint16_t> to_bfloat(const std::vector<float>& v) {
  return mapped<uint16_t>(v, bfloat_bits);
}
std::vector<float> from_half(const std::vector<uint16_t>& v) {
  return mapped<float>(v, half_value);
}
std::vector<float> from_bfloat(const std::vector<uint16_t>& v) {
  return mapped<float>(v, bfloat_value);
}

}  // namespace metal_sim::air::test
