#include "sim/metal/metal/library.h"

#include <algorithm>
#include <cstring>

SIM_STRING(MTLLibraryErrorDomain, "MTLLibraryErrorDomain");

namespace metal_sim {
namespace {

// Bytes of one value of an MTLDataType that a function constant can have; 0: none.
size_t size_of_type(unsigned long t) {
  const auto of = [&](unsigned long first, size_t element) -> size_t {
    if (t < first || t > first + 3) return 0;
    const size_t lanes = t - first + 1;
    return element * (lanes == 3 ? 4 : lanes);
  };
  const struct {
    unsigned long first;
    size_t element;
  } kScalars[] = {{3, 4},  {16, 2}, {29, 4}, {33, 4}, {37, 2}, {41, 2},
                  {45, 1}, {49, 1}, {53, 1}, {81, 8}, {85, 8}, {121, 2}};
  for (const auto& s : kScalars) {
    if (const size_t n = of(s.first, s.element)) return n;
  }
  return 0;
}

ConstantValue constant(const void* value, unsigned long type) {
  ConstantValue c;
  c.type = static_cast<uint32_t>(type);
  std::memcpy(c.bytes.data(), value, std::min(size_of_type(type), c.bytes.size()));
  return c;
}

void replace(std::vector<ConstantValue>& all, ConstantValue c) {
  std::erase_if(all,
                [&](const ConstantValue& o) { return o.index == c.index && o.name == c.name; });
  all.push_back(std::move(c));
}

bool is_given(const FunctionConstant& wanted, const std::vector<ConstantValue>& given) {
  return std::any_of(given.begin(), given.end(), [&](const ConstantValue& c) {
    return c.index == ConstantValue::kByName ? c.name == wanted.name : c.index == wanted.index;
  });
}

template <typename T>
T* fail(Error** error, const Failure& failure) {
  if (error) *error = library_error(failure);
  return nullptr;
}

}  // namespace

Error* library_error(const Failure& failure) {
  return error_with(MTLLibraryErrorDomain, static_cast<long>(failure.kind), failure.message);
}

void MetalCompileOptions::set_fast_math(bool on) {
  fast_math = on;
  math_mode = on ? 2 : 0;
  math_functions = on ? 0 : 1;  // the older switch stands for both
}
void MetalCompileOptions::set_math_mode(unsigned long mode) {
  math_mode = mode;
  fast_math = mode == 2;
}
id MetalCompileOptions::copy_with_zone(void*) {
  auto* copy = make<MetalCompileOptions>();
  const Class isa_of_copy = copy->isa;
  *copy = *this;
  copy->isa = isa_of_copy;
  return copy;
}
CompileOptions MetalCompileOptions::plain() const {
  CompileOptions o;
  if (macros) {
    for (const auto& [key, value] : macros->entries) {
      o.macros[std::string(text(key.get()))] = described(value.get());
    }
  }
  o.language_version = static_cast<uint32_t>(language_version);
  o.math_mode = static_cast<uint32_t>(math_mode);
  o.math_functions = static_cast<uint32_t>(math_functions);
  o.optimization_level = static_cast<uint32_t>(optimization_level);
  o.max_total_threads = static_cast<uint32_t>(max_threads);
  o.preserve_invariance = preserve_invariance;
  return o;
}

void ConstantValues::set_at(const void* value, unsigned long type, unsigned long index) {
  ConstantValue c = constant(value, type);
  c.index = static_cast<uint32_t>(index);
  replace(values, std::move(c));
}
void ConstantValues::set_range(const void* value, unsigned long type, Range range) {
  for (unsigned long i = 0; i < range.length; ++i) {
    set_at(static_cast<const char*>(value) + i * size_of_type(type), type, range.location + i);
  }
}
void ConstantValues::set_named(const void* value, unsigned long type, String* name) {
  ConstantValue c = constant(value, type);
  c.name = text(name);
  replace(values, std::move(c));
}
void ConstantValues::reset() { values.clear(); }
id ConstantValues::copy_with_zone(void*) {
  auto* copy = make<ConstantValues>();
  copy->values = values;
  return copy;
}
id FunctionDescriptor::copy_with_zone(void*) {
  auto* copy = make<FunctionDescriptor>();
  copy->name = name;
  copy->specialized_name = specialized_name;
  copy->constants = constants;
  copy->options = options;
  return copy;
}

Function* Library::new_function(String* name) { return new_specialized(name, nullptr, nullptr); }

Function* Library::new_specialized(String* name, ConstantValues* given, Error** error) {
  auto outcome = plain->describe(text(name));
  if (auto* failure = std::get_if<Failure>(&outcome)) return fail<Function>(error, *failure);
  auto made = make_ref<Function>();
  made->info = std::get<FunctionInfo>(std::move(outcome));
  if (given) made->constants = given->values;
  for (const FunctionConstant& wanted : made->info.constants) {
    if (!given || !wanted.required || is_given(wanted, made->constants)) continue;
    return fail<Function>(
        error, {FailureKind::compile, "function constant " + wanted.name + " (index " +
                                          std::to_string(wanted.index) + ") of " +
                                          std::string(text(name)) + " was given no value"});
  }
  made->library = Ref<Library>(this);
  made->name = string_ref(text(name));
  return made.take();
}

void Library::new_specialized_async(String* name, ConstantValues* given, const Block* done) {
  Error* error = nullptr;
  auto made = Ref<Function>::adopt(new_specialized(name, given, &error));
  reinterpret_cast<void (*)(const Block*, id, id)>(done->invoke)(done, made.get(), error);
}
Function* Library::new_described(FunctionDescriptor* d, Error** error) {
  Function* made = new_specialized(d->name.get(), d->constants.get(), error);
  if (made && d->specialized_name) made->name = d->specialized_name;
  return made;
}
Array* Library::function_names() const {
  std::vector<Ref<Object>> names;
  for (const std::string& name : plain->function_names()) {
    auto s = string_ref(name);
    names.emplace_back(Ref<Object>::adopt(s.take()));
  }
  return array(std::move(names));
}
long Library::type() const { return 0; }
String* Library::install_name() const { return nullptr; }

Device* Function::device() const { return library->device.get(); }
unsigned long Function::type() const { return info.type; }
unsigned long Function::patch_type() const { return 0; }
long Function::patch_points() const { return -1; }
Dictionary* Function::constants_dictionary() const {
  auto all = dictionary_ref({});
  for (const FunctionConstant& c : info.constants) {
    auto o = make_ref<ConstantObject>();
    o->name = string_ref(c.name);
    o->type = c.type;
    o->index = c.index;
    o->required = c.required;
    all->put(o->name.get(), o.get());
  }
  return all.autoreleased();
}
unsigned long Function::options() const { return 0; }

String* Binding::name() const { return string(argument.name); }
long Binding::type() const { return static_cast<long>(argument.kind); }
unsigned long Binding::access() const { return static_cast<unsigned long>(argument.access); }
unsigned long Binding::index() const { return argument.index; }
bool Binding::used() const { return argument.active; }
bool Binding::is_argument() const { return true; }
unsigned long Binding::alignment() const { return argument.alignment; }
unsigned long Binding::data_size() const { return argument.data_size; }
unsigned long Binding::data_type() const { return argument.data_type; }

PipelineBuffer* PipelineBuffers::at(unsigned long index) {
  Ref<PipelineBuffer>& slot = all.at(index);
  if (!slot) slot = make_ref<PipelineBuffer>();
  return slot.get();
}
void PipelineBuffers::set(PipelineBuffer* descriptor, unsigned long index) {
  all.at(index) = Ref<PipelineBuffer>(descriptor);
}

PipelineBuffers* PipelineDescriptor::buffers() {
  if (!buffers_object) buffers_object = make_ref<PipelineBuffers>();
  return buffers_object.get();
}
void PipelineDescriptor::reset() {
  label = nullptr;
  function = nullptr;
  buffers_object = nullptr;
  multiple = indirect = adding = false;
  max_threads = 0;
  required = {0, 0, 0};
}
id PipelineDescriptor::copy_with_zone(void*) {
  auto* copy = make<PipelineDescriptor>();
  copy->label = label;
  copy->function = function;
  copy->multiple = multiple;
  copy->max_threads = max_threads;
  copy->required = required;
  return copy;
}

unsigned long Pipeline::max_threads() const { return kernel->info().max_total_threads; }
unsigned long Pipeline::width() const { return kernel->info().execution_width; }
unsigned long Pipeline::static_memory() const { return kernel->info().static_threadgroup_memory; }
ResourceId Pipeline::resource_id() const { return {reinterpret_cast<unsigned long>(this)}; }
Size Pipeline::required() const {
  const Size3& r = kernel->info().required_threads;
  return {r.x, r.y, r.z};
}
Reflection* Pipeline::reflection() const {
  std::vector<Ref<Object>> all;
  for (const KernelArgument& a : kernel->info().arguments) {
    auto b = make_ref<Binding>();
    b->argument = a;
    all.emplace_back(b.get());
  }
  auto r = make_ref<Reflection>();
  r->bindings = Ref<Array>(array(std::move(all)));
  return r.autoreleased();
}

}  // namespace metal_sim
