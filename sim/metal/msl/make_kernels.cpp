// A kernel in AIR: parameters are pointers in their spaces and built-in values as numbers and
// vectors; metadata says which is what. The function of the source, with the parameters that C++
// gave it, is called by it and later inlined.
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <map>
#include <set>

#include "../air/error.h"
#include "annotations.h"
#include "lower.h"
#include "signature.h"

namespace metal_sim::msl {
namespace {

using namespace llvm;
using air::fail;

struct Binding {
  explicit Binding(Parameter p) : parameter(std::move(p)) {}
  Parameter parameter;
  std::optional<int64_t> index;  // of a buffer or threadgroup argument
  std::string builtin;
  GlobalVariable* condition = nullptr;
  Type* type = nullptr;
};

struct Source {
  Function* function = nullptr;
  std::vector<std::string> names;
  uint64_t max_threads = 0;
};

class KernelMaker {
 public:
  KernelMaker(Module& module, const Source& source)
      : module_(module), context_(module.getContext()), source_(source) {
    for (Parameter& p : parameters_of(*source.function)) bindings_.emplace_back(std::move(p));
    annotate();
    number_buffers();
    for (Binding& b : bindings_) b.type = type_of(b);
  }

  Function* make(const std::string& name) {
    std::vector<Type*> types;
    for (const Binding& b : bindings_) types.push_back(b.type);
    auto* type = FunctionType::get(Type::getVoidTy(context_), types, false);
    auto* made = Function::Create(type, GlobalValue::ExternalLinkage, name, module_);
    if (made->getName() != name) {
      fail(FailureKind::compile, "program_source: error: two kernels are named '{}'", name);
    }
    fill(*made);
    note(*made);
    return made;
  }

 private:
  std::string described(const Binding& b) const {
    return fmt::format("program_source: error: kernel '{}', parameter '{}'",
                       base_name(*source_.function), b.parameter.name);
  }

  void annotate() {
    for (const auto& annotation : parameter_annotations(*source_.function)) {
      for (Binding& b : bindings_) {
        if (b.parameter.arguments[0] != annotation.argument) continue;
        if (annotation.kind == "msl.index") b.index = annotation.number();
        if (annotation.kind == "msl.builtin") b.builtin = annotation.text();
        if (annotation.kind == "msl.when") b.condition = condition(b, annotation);
      }
    }
  }

  GlobalVariable* condition(const Binding& b, const Annotation& annotation) {
    auto* global = annotation.values.empty()
                       ? nullptr
                       : dyn_cast<GlobalVariable>(annotation.values[0]->stripPointerCasts());
    if (!global) fail(FailureKind::compile, "{}: its condition is no variable", described(b));
    return global;
  }

  // Arguments without a number take the free ones in order.
  void number_buffers() {
    std::map<bool, std::set<int64_t>> taken;  // by whether it is threadgroup memory
    for (const Binding& b : bindings_) {
      if (b.index) taken[is_threadgroup(b)].insert(*b.index);
    }
    for (Binding& b : bindings_) {
      if (b.parameter.space == Space::none || b.index) continue;
      int64_t free = 0;
      while (!taken[is_threadgroup(b)].insert(free).second) ++free;
      b.index = free;
    }
  }

  static bool is_threadgroup(const Binding& b) { return b.parameter.space == Space::threadgroup; }

  Type* type_of(const Binding& b) {
    if (b.parameter.space != Space::none) {
      return PointerType::get(context_, unsigned(b.parameter.space));
    }
    if (b.builtin.empty()) {
      fail(FailureKind::compile, "{}: it is neither a buffer nor has it an attribute known here",
           described(b));
    }
    Type* type = type_named(b.parameter.type, context_);
    if (!type || !type->getScalarType()->isIntegerTy()) {
      fail(FailureKind::compile, "{}: [[{}]] cannot be of type '{}'", described(b), b.builtin,
           b.parameter.type);
    }
    return type;
  }

  void fill(Function& kernel) {
    IRBuilder<> b(BasicBlock::Create(context_, "", &kernel));
    std::vector<Value*> values;
    for (size_t i = 0; i < bindings_.size(); ++i) {
      pass(b, bindings_[i], kernel.getArg(unsigned(i)), &values);
    }
    b.CreateCall(source_.function, values);
    b.CreateRetVoid();
  }

  // As C++ passes it: a pointer in no space; a number; a vector in words or by address.
  void pass(IRBuilder<>& b, const Binding& binding, Value* value, std::vector<Value*>* values) {
    const auto& arguments = binding.parameter.arguments;
    if (binding.parameter.space != Space::none) {
      value = b.CreateAddrSpaceCast(value, b.getPtrTy());
    }
    if (arguments.size() == 1 && arguments[0]->getType() == value->getType()) {
      values->push_back(value);
      return;
    }
    auto* place = b.CreateAlloca(ArrayType::get(b.getInt64Ty(), 4));
    place->setAlignment(Align(32));
    b.CreateStore(value, place);
    uint64_t offset = 0;
    for (const Argument* argument : arguments) {
      if (argument->hasByValAttr()) {
        values->push_back(place);
      } else {
        values->push_back(b.CreateLoad(argument->getType(),
                                       b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), place, offset)));
        offset += 8;
      }
    }
  }

  Metadata* text(StringRef value) { return MDString::get(context_, value); }
  Metadata* number(uint64_t value) {
    return ConstantAsMetadata::get(ConstantInt::get(Type::getInt32Ty(context_), value));
  }

  void note(Function& kernel) {
    std::vector<Metadata*> items;
    for (size_t i = 0; i < bindings_.size(); ++i) items.push_back(item(i, bindings_[i]));
    std::vector<Metadata*> node = {ConstantAsMetadata::get(&kernel), MDNode::get(context_, {}),
                                   MDNode::get(context_, items)};
    if (source_.max_threads > 0) {
      node.push_back(
          MDNode::get(context_, {text("air.max_work_group_size"), number(source_.max_threads)}));
    }
    module_.getOrInsertNamedMetadata("air.kernel")->addOperand(MDNode::get(context_, node));
  }

  Metadata* item(size_t i, const Binding& b) {
    std::vector<Metadata*> keys = {number(i)};
    if (b.condition) {
      keys.push_back(text("air.function_constant"));
      keys.push_back(MDNode::get(context_, {ConstantAsMetadata::get(b.condition)}));
    }
    if (b.parameter.space == Space::none) {
      keys.push_back(text("air." + b.builtin));
    } else {
      add_buffer_keys(b, &keys);
    }
    keys.insert(keys.end(), {text("air.arg_type_name"), text(b.parameter.type),
                             text("air.arg_name"), text(b.parameter.name)});
    return MDNode::get(context_, keys);
  }

  void add_buffer_keys(const Binding& b, std::vector<Metadata*>* keys) {
    const bool read = b.parameter.read_only || b.parameter.space == Space::constant;
    const auto [size, alignment] = measure(b);
    keys->push_back(text("air.buffer"));
    if (b.parameter.reference) {
      keys->insert(keys->end(), {text("air.buffer_size"), number(size)});
    }
    keys->insert(keys->end(),
                 {text("air.location_index"), number(uint64_t(*b.index)), number(1),
                  text(read ? "air.read" : "air.read_write"), text("air.address_space"),
                  number(uint64_t(b.parameter.space)), text("air.arg_type_size"), number(size),
                  text("air.arg_type_align_size"), number(alignment)});
  }

  // Of what a pointer points to; 0 where the module does not say.
  std::pair<uint64_t, uint64_t> measure(const Binding& b) {
    const DataLayout& layout = module_.getDataLayout();
    Type* type = type_named(b.parameter.type, context_);
    if (!type) type = StructType::getTypeByName(context_, "struct." + b.parameter.type);
    if (type && type->isSized()) {
      return {layout.getTypeAllocSize(type), layout.getABITypeAlign(type).value()};
    }
    const Argument& argument = *b.parameter.arguments[0];
    return {argument.getDereferenceableBytes(), argument.getParamAlign().valueOrOne().value()};
  }

  Module& module_;
  LLVMContext& context_;
  const Source& source_;
  std::vector<Binding> bindings_;
};

std::vector<Source> sources(Module& module, uint32_t max_threads) {
  std::map<GlobalValue*, Source> all;
  std::vector<GlobalValue*> order;
  std::set<GlobalValue*> kernels;
  for (const auto& annotation : global_annotations(module)) {
    auto* function = dyn_cast<Function>(annotation.global);
    if (!function || function->isDeclaration()) continue;
    if (!all.count(function)) order.push_back(function);
    Source& source = all[function];
    source.function = function;
    if (annotation.kind == "msl.kernel") kernels.insert(function);
    if (annotation.kind == "msl.host_name") source.names.push_back(annotation.text());
    if (annotation.kind == "msl.max_threads") {
      source.max_threads = uint64_t(annotation.number().value_or(0));
    }
  }
  std::vector<Source> result;
  for (GlobalValue* function : order) {
    Source& source = all[function];
    if (!kernels.count(function)) continue;
    if (source.names.empty()) source.names.push_back(base_name(*source.function));
    if (max_threads > 0 && (source.max_threads == 0 || source.max_threads > max_threads)) {
      source.max_threads = max_threads;
    }
    result.push_back(source);
  }
  return result;
}

}  // namespace

std::vector<Function*> make_kernels(Module& module, uint32_t max_threads) {
  const auto found = sources(module, max_threads);
  for (const Source& source : found) {
    // The name belongs to the kernel.
    if (!source.function->getName().starts_with("_Z")) {
      fail(FailureKind::unsupported, "program_source: error: kernel '{}' is extern \"C\"",
           source.function->getName().str());
    }
  }
  std::vector<Function*> kernels;
  for (const Source& source : found) {
    KernelMaker maker(module, source);
    for (const auto& name : source.names) kernels.push_back(maker.make(name));
  }
  return kernels;
}

}  // namespace metal_sim::msl
