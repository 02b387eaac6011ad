// Takes the demangled name apart; see signature.h. clang's spaces for SYCL appear in it as
// "float SYglobal*", "S const SYhost&", "float SYlocal*".
#include "signature.h"

#include <llvm/Demangle/Demangle.h>
#include <llvm/IR/DerivedTypes.h>
#include <llvm/IR/Function.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "../air/error.h"

namespace metal_sim::msl {
namespace {

using namespace llvm;
using air::fail;

const std::map<std::string, std::string> kScalars = {
    {"_Float16", "half"},         {"long double", "bfloat"},  {"unsigned int", "uint"},
    {"unsigned short", "ushort"}, {"unsigned char", "uchar"}, {"unsigned long", "ulong"},
    {"signed char", "char"}};

// Metal has no long double; its letter stands for bfloat, and like that one is no substitution.
std::string known_to_demangler(std::string name) {
  for (size_t at = 0; (at = name.find("DF16b", at)) != std::string::npos;) {
    name.replace(at, 5, "e");
  }
  return name;
}

std::string strip(std::string text) {
  while (!text.empty() && text.front() == ' ') text.erase(0, 1);
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

// Of the last ")" in "void f<(int)3>(float, vec<int, 3>)".
size_t opening(const std::string& name) {
  int depth = 0;
  for (size_t i = name.rfind(')'); i != std::string::npos && i-- > 0;) {
    if (name[i] == ')') ++depth;
    if (name[i] == '(' && depth-- == 0) return i;
  }
  return std::string::npos;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : list) {
    if (c == '<' || c == '(' || c == '[') ++depth;
    if (c == '>' || c == ')' || c == ']') --depth;
    if (c == ',' && depth == 0) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  for (auto& part : parts) part = strip(part);
  if (parts.size() == 1 && parts[0].empty()) parts.clear();
  return parts;
}

bool remove(std::string& text, const std::string& word) {
  const size_t at = text.rfind(word);
  if (at == std::string::npos || at + word.size() != text.size()) return false;
  text.erase(at);
  return true;
}

Parameter parameter(std::string type) {
  Parameter p;
  p.reference = remove(type, "&");
  const bool pointer = p.reference || remove(type, "*");
  while (pointer) {
    if (remove(type, " SYglobal"))
      p.space = Space::device;
    else if (remove(type, " SYhost"))
      p.space = Space::constant;
    else if (remove(type, " SYlocal"))
      p.space = Space::threadgroup;
    else if (remove(type, " const"))
      p.read_only = true;
    else if (!remove(type, " volatile"))
      break;
  }
  p.type = metal_name(type);
  return p;
}

// "tid.coerce1" goes with "tid.coerce0".
std::vector<std::vector<Argument*>> grouped(Function& function) {
  std::vector<std::vector<Argument*>> groups;
  std::string last;
  for (Argument& argument : function.args()) {
    const auto [base, rest] = argument.getName().split(".coerce");
    const bool more = !groups.empty() && !rest.empty() && rest != "0" && base == last;
    if (!more) groups.emplace_back();
    groups.back().push_back(&argument);
    last = base.str();
  }
  return groups;
}

}  // namespace

std::string demangled(const std::string& name) { return demangle(known_to_demangler(name)); }

std::string metal_name(std::string type) {
  type = strip(type);
  if (const auto found = kScalars.find(type); found != kScalars.end()) return found->second;
  for (const std::string head : {"metal::vec<", "metal::packed_vec<"}) {
    if (type.compare(0, head.size(), head) != 0 || type.back() != '>') continue;
    const auto parts = split(type.substr(head.size(), type.size() - head.size() - 1));
    if (parts.size() != 2) continue;
    return (head == "metal::vec<" ? "" : "packed_") + metal_name(parts[0]) + parts[1].substr(0, 1);
  }
  return type;
}

std::vector<Parameter> parameters_of(Function& function) {
  const std::string name = demangled(function.getName().str());
  const size_t open = opening(name);
  const auto groups = grouped(function);
  std::vector<std::string> types;
  if (open != std::string::npos) {
    types = split(name.substr(open + 1, name.rfind(')') - open - 1));
  }
  if (types.size() != groups.size()) {
    fail(FailureKind::unsupported, "kernel '{}': its parameters cannot be told from its name",
         base_name(function));
  }
  std::vector<Parameter> all;
  for (size_t i = 0; i < groups.size(); ++i) {
    all.push_back(parameter(types[i]));
    all.back().name = groups[i][0]->getName().split(".coerce").first.str();
    all.back().arguments = groups[i];
  }
  return all;
}

std::string base_name(const Function& function) {
  const std::string mangled = known_to_demangler(function.getName().str());
  ItaniumPartialDemangler names;
  if (names.partialDemangle(mangled.c_str())) return mangled;
  size_t size = 0;
  char* text = names.getFunctionBaseName(nullptr, &size);
  const std::string result = text ? text : "";
  std::free(text);
  return result;
}

Type* type_named(const std::string& name, LLVMContext& c) {
  const std::map<std::string, Type*> scalars = {
      {"bool", Type::getInt8Ty(c)},    {"char", Type::getInt8Ty(c)},
      {"uchar", Type::getInt8Ty(c)},   {"short", Type::getInt16Ty(c)},
      {"ushort", Type::getInt16Ty(c)}, {"int", Type::getInt32Ty(c)},
      {"uint", Type::getInt32Ty(c)},   {"long", Type::getInt64Ty(c)},
      {"ulong", Type::getInt64Ty(c)},  {"float", Type::getFloatTy(c)},
      {"half", Type::getHalfTy(c)},    {"bfloat", Type::getBFloatTy(c)}};
  if (const auto found = scalars.find(name); found != scalars.end()) return found->second;
  if (name.empty() || name.back() < '2' || name.back() > '4') return nullptr;
  const auto found = scalars.find(name.substr(0, name.size() - 1));
  if (found == scalars.end()) return nullptr;
  return FixedVectorType::get(found->second, unsigned(name.back() - '0'));
}

}  // namespace metal_sim::msl
