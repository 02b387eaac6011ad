// Reads !air.kernel and !air.function_constants. An item of an argument's node is a key, sometimes
// followed by values; keys that only a debugger wants are passed over.
#include "reflection.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Module.h>

#include <array>
#include <map>
#include <utility>

#include "error.h"

namespace metal_sim::air {
namespace {

using namespace llvm;

const std::map<std::string_view, BuiltIn> kBuiltIns = {
    {"air.thread_position_in_grid", BuiltIn::thread_position_in_grid},
    {"air.threadgroup_position_in_grid", BuiltIn::threadgroup_position_in_grid},
    {"air.thread_position_in_threadgroup", BuiltIn::thread_position_in_threadgroup},
    {"air.thread_index_in_threadgroup", BuiltIn::thread_index_in_threadgroup},
    {"air.thread_index_in_simdgroup", BuiltIn::thread_index_in_simdgroup},
    {"air.simdgroup_index_in_threadgroup", BuiltIn::simdgroup_index_in_threadgroup},
    {"air.threads_per_grid", BuiltIn::threads_per_grid},
    {"air.grid_size", BuiltIn::threads_per_grid},
    {"air.threads_per_threadgroup", BuiltIn::threads_per_threadgroup},
    {"air.dispatch_threads_per_threadgroup", BuiltIn::dispatch_threads_per_threadgroup},
    {"air.threadgroups_per_grid", BuiltIn::threadgroups_per_grid},
    {"air.simdgroups_per_threadgroup", BuiltIn::simdgroups_per_threadgroup},
    {"air.threads_per_simdgroup", BuiltIn::threads_per_simdgroup},
    {"air.thread_index_in_quadgroup", BuiltIn::thread_index_in_quadgroup},
    {"air.quadgroup_index_in_threadgroup", BuiltIn::quadgroup_index_in_threadgroup},
    {"air.quadgroups_per_threadgroup", BuiltIn::quadgroups_per_threadgroup},
};

std::string text_of(const Metadata* m) {
  const auto* s = dyn_cast_or_null<MDString>(m);
  return s ? s->getString().str() : std::string();
}

std::optional<uint64_t> number_of(const Metadata* m) {
  const auto* c = dyn_cast_or_null<ConstantAsMetadata>(m);
  const auto* i = c ? dyn_cast<ConstantInt>(c->getValue()) : nullptr;
  return i ? std::optional(i->getZExtValue()) : std::nullopt;
}

GlobalVariable* global_of(const Metadata* m) {
  const auto* v = dyn_cast_or_null<ValueAsMetadata>(m);
  return v ? dyn_cast<GlobalVariable>(v->getValue()->stripPointerCasts()) : nullptr;
}

uint32_t number_after(const MDNode& node, unsigned i, const std::string& key) {
  const auto value =
      i + 1 < node.getNumOperands() ? number_of(node.getOperand(i + 1)) : std::nullopt;
  if (!value) fail(FailureKind::file, "metadata: {} has no number", key);
  return uint32_t(*value);
}

// One key at operand i of an argument's node.
void read_key(const MDNode& node, unsigned i, Parameter* p) {
  const std::string key = text_of(node.getOperand(i));
  KernelArgument& a = p->argument;
  const auto next = [&] {
    return i + 1 < node.getNumOperands() ? node.getOperand(i + 1).get() : nullptr;
  };
  if (const auto found = kBuiltIns.find(key); found != kBuiltIns.end()) {
    p->builtin = found->second;
  } else if (key == "air.location_index") {
    a.index = number_after(node, i, key);
  } else if (key == "air.address_space") {
    const uint32_t space = number_after(node, i, key);
    a.constant_space = space == 2;
    p->threadgroup = space == 3;
    if (p->threadgroup) a.kind = BindingKind::threadgroup_memory;
  } else if (key == "air.arg_type_size") {
    a.data_size = number_after(node, i, key);
  } else if (key == "air.arg_type_align_size") {
    a.alignment = number_after(node, i, key);
  } else if (key == "air.read") {
    a.access = BindingAccess::read;
  } else if (key == "air.write") {
    a.access = BindingAccess::write;
  } else if (key == "air.arg_type_name") {
    a.data_type = metal_data_type(text_of(next()));
  } else if (key == "air.arg_name") {
    a.name = text_of(next());
  } else if (key == "air.arg_unused") {
    a.active = false;
  } else if (key == "air.struct_type_info") {
    a.data_type = 1;
  } else if (key == "air.function_constant") {
    const auto* condition = dyn_cast_or_null<MDNode>(next());
    p->predicate =
        condition && condition->getNumOperands() ? global_of(condition->getOperand(0)) : nullptr;
    if (!p->predicate) fail(FailureKind::file, "metadata: an argument's condition names no global");
  } else if (key == "air.texture" || key == "air.sampler" || key == "air.indirect_buffer") {
    fail(FailureKind::unsupported, "arguments of kind {} are not supported", key);
  }
}

Parameter read_parameter(const MDNode& node, const Argument& argument) {
  Parameter p;
  bool buffer = false;
  for (unsigned i = 1; i < node.getNumOperands(); ++i) {
    const std::string key = text_of(node.getOperand(i));
    buffer |= key == "air.buffer";
    // The values of these two are free text that could look like a key.
    if (key.rfind("air.", 0) == 0) read_key(node, i, &p);
    if (key == "air.arg_name" || key == "air.arg_type_name") ++i;
  }
  if (buffer == (p.builtin != BuiltIn::none) || buffer != argument.getType()->isPointerTy()) {
    fail(FailureKind::unsupported,
         "parameter {} '{}' is neither a buffer nor a known built-in value", argument.getArgNo(),
         p.argument.name);
  }
  if (buffer && p.argument.index >= kMaxBuffers) {
    fail(FailureKind::file, "parameter '{}' has buffer index {}", p.argument.name,
         p.argument.index);
  }
  return p;
}

const MDNode* find_kernel(const Module& module, const std::string& name, Function** kernel) {
  const auto* kernels = module.getNamedMetadata("air.kernel");
  if (!kernels) fail(FailureKind::file, "{}: the module has no !air.kernel", name);
  for (const MDNode* node : kernels->operands()) {
    const auto* value = node->getNumOperands() >= 3
                            ? dyn_cast_or_null<ValueAsMetadata>(node->getOperand(0))
                            : nullptr;
    auto* function = value ? dyn_cast<Function>(value->getValue()) : nullptr;
    if (function && function->getName() == name) {
      *kernel = function;
      return node;
    }
  }
  fail(FailureKind::function_not_found, "the module has no kernel '{}'", name);
}

}  // namespace

uint32_t metal_data_type(std::string_view name) {
  // MTLDataType numbers the vectors of a scalar in a row.
  static constexpr std::pair<std::string_view, uint32_t> kScalars[] = {
      {"float", 3}, {"half", 16},  {"int", 29},  {"uint", 33}, {"short", 37}, {"ushort", 41},
      {"char", 45}, {"uchar", 49}, {"bool", 53}, {"long", 81}, {"ulong", 85}, {"bfloat", 121}};
  for (const auto& [scalar, value] : kScalars) {
    if (name == scalar) return value;
    if (name.size() == scalar.size() + 1 && name.starts_with(scalar) && name.back() >= '2' &&
        name.back() <= '4') {
      return value + uint32_t(name.back() - '1');
    }
  }
  return 0;
}

Reflection reflect(Module& module, const std::string& name) {
  Reflection result;
  const MDNode* node = find_kernel(module, name, &result.kernel);
  const auto* list = dyn_cast_or_null<MDNode>(node->getOperand(2));
  if (!list || list->getNumOperands() != result.kernel->arg_size() ||
      result.kernel->isDeclaration()) {
    fail(FailureKind::file, "{}: metadata and code differ in the number of parameters", name);
  }
  for (unsigned i = 0; i < list->getNumOperands(); ++i) {
    const auto* item = dyn_cast_or_null<MDNode>(list->getOperand(i));
    if (!item || number_of(item->getOperand(0)) != i) {
      fail(FailureKind::file, "{}: metadata of parameter {} is out of order", name, i);
    }
    result.parameters.push_back(read_parameter(*item, *result.kernel->getArg(i)));
  }
  for (unsigned i = 3; i < node->getNumOperands(); ++i) {
    const auto* extra = dyn_cast_or_null<MDNode>(node->getOperand(i));
    if (extra && extra->getNumOperands() == 2 &&
        text_of(extra->getOperand(0)) == "air.max_work_group_size") {
      result.max_threads =
          std::min(number_after(*extra, 0, "air.max_work_group_size"), kMaxThreadsPerThreadgroup);
    }
  }
  return result;
}

void resolve_predicates(Reflection* reflection) {
  for (Parameter& p : reflection->parameters) {
    if (!p.predicate) continue;
    const auto* value = dyn_cast_or_null<ConstantInt>(p.predicate->getInitializer());
    p.present = value && !value->isZero();
    p.predicate = nullptr;
  }
}

std::vector<ConstantSlot> constant_slots(Module& module) {
  std::vector<ConstantSlot> slots;
  const auto* list = module.getNamedMetadata("air.function_constants");
  for (unsigned i = 0; list && i < list->getNumOperands(); ++i) {
    const MDNode& node = *list->getOperand(i);
    ConstantSlot slot;
    slot.global = node.getNumOperands() >= 4 ? global_of(node.getOperand(0)) : nullptr;
    const auto index = slot.global ? number_of(node.getOperand(3)) : std::nullopt;
    if (!index) fail(FailureKind::file, "metadata: function constant {} is incomplete", i);
    slot.constant.type = metal_data_type(text_of(node.getOperand(1)));
    slot.constant.name = text_of(node.getOperand(2));
    slot.constant.index = uint32_t(*index);
    slot.constant.required =
        node.getNumOperands() < 5 || number_of(node.getOperand(4)).value_or(1) != 0;
    slots.push_back(slot);
  }
  return slots;
}

}  // namespace metal_sim::air
