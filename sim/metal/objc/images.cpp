// Classes, categories, selectors and protocols of an image that clang -fobjc-runtime=macosx
// compiled. Its tables lie in sections whose bounds only the image itself knows, so each image has
// one small object (image.c) whose constructor calls metal_sim_load_image.
#include <cstring>

#include "sim/metal/objc/bind.h"

namespace metal_sim {
namespace {

struct ImageTables {  // image.c has the same
  const char **selectors_begin, **selectors_end;
  Class *classes_begin, *classes_end;
  Category **categories_begin, **categories_end;
  Protocol **protocols_begin, **protocols_end;
};

std::unordered_map<std::string, Protocol*>& protocols() {
  static auto* all = new std::unordered_map<std::string, Protocol*>;
  return *all;
}

void add_methods(Class cls, const EntryList<MethodEntry>* list) {
  for (uint32_t i = 0; list && i < list->count; ++i) {
    const MethodEntry& m = (*list)[i];
    add_method(cls, selector(m.name), m.imp, m.types ? m.types : "");
    ClassInfo& info = *cls->info;
    if (std::strcmp(m.name, ".cxx_destruct") == 0) info.has_cxx_destruct = true;
    const bool counts = std::strcmp(m.name, "retain") == 0 || std::strcmp(m.name, "release") == 0;
    if (counts && !info.meta) info.counting = Counting::custom;
  }
}

void add_protocols(Class cls, const ProtocolList* list) {
  for (uint64_t i = 0; list && i < list->count; ++i) {
    Protocol* p = declare_protocol(list->begin()[i]->name);
    cls->info->protocols.push_back(p);
    add_protocols(cls, list->begin()[i]->protocols);
  }
}

// The compiler took the superclass for as large as it saw it; ours may have grown.
void place_ivars(Class cls) {
  const ClassRo& ro = *cls->ro;
  ClassInfo& info = *cls->info;
  for (uint32_t i = 0; ro.ivars && i < ro.ivars->count; ++i) info.ivars.push_back((*ro.ivars)[i]);
  info.instance_size = ro.instance_size;
  if (!cls->superclass || info.ivars.empty()) return;
  const size_t above = (cls->superclass->info->instance_size + 15) / 16 * 16;
  if (cls->superclass->info->instance_size <= ro.instance_start) return;
  const auto slide = static_cast<int32_t>(above - ro.instance_start);
  for (const IvarEntry& ivar : info.ivars) {
    if (ivar.offset) *ivar.offset += slide;
  }
  info.instance_size += static_cast<size_t>(slide);
}

void fill_from_image(Class cls) {
  const ClassRo& ro = *cls->ro;
  const Class meta = cls->isa;
  fill_class(cls, meta, cls->superclass, ro.name, ro.instance_size);
  place_ivars(cls);
  add_methods(cls, ro.methods);
  add_methods(meta, meta->ro->methods);
  add_protocols(cls, ro.protocols);
  for (uint32_t i = 0; ro.properties && i < ro.properties->count; ++i) {
    cls->info->properties.push_back((*ro.properties)[i]);
  }
  register_class(cls);
}

bool is_ready(Class cls) { return cls->info && cls->info->cls == cls; }

void load_class(Class cls) {
  if (is_ready(cls)) return;
  if (cls->superclass) load_class(cls->superclass);
  fill_from_image(cls);
}

// +load of the class or category itself, never an inherited one.
void call_load(Class cls, const EntryList<MethodEntry>* list) {
  for (uint32_t i = 0; list && i < list->count; ++i) {
    if (std::strcmp((*list)[i].name, "load") != 0) continue;
    reinterpret_cast<void (*)(Class, SEL)>((*list)[i].imp)(cls, selector("load"));
  }
}

void add_category(const Category& c) {
  if (!c.target) return;  // its class is weak and absent
  add_methods(c.target, c.instance_methods);
  add_methods(c.target->isa, c.class_methods);
  add_protocols(c.target, c.protocols);
}

}  // namespace

Protocol* find_protocol(const char* name) {
  const std::lock_guard lock(class_mutex());
  const auto found = protocols().find(name);
  return found == protocols().end() ? nullptr : found->second;
}

void register_protocol(Protocol* p) {
  const std::lock_guard lock(class_mutex());
  p->isa = find_class("Protocol");
  protocols().emplace(p->name, p);
}

Protocol* declare_protocol(const char* name) {
  const std::lock_guard lock(class_mutex());
  if (Protocol* p = find_protocol(name)) return p;
  auto* p = new Protocol{};
  p->name = strdup(name);
  p->size = sizeof(Protocol);
  register_protocol(p);
  return p;
}

}  // namespace metal_sim

using namespace metal_sim;

SIM_EXPORT void metal_sim_load_image(const ImageTables* image) {
  const std::unique_lock lock(class_mutex());
  for (const char** s = image->selectors_begin; s != image->selectors_end; ++s)
    *s = name_of(selector(*s));
  for (Protocol** p = image->protocols_begin; p != image->protocols_end; ++p) register_protocol(*p);
  for (Class* c = image->classes_begin; c != image->classes_end; ++c) load_class(*c);
  for (Category** c = image->categories_begin; c != image->categories_end; ++c) add_category(**c);
  for (Class* c = image->classes_begin; c != image->classes_end; ++c) {
    call_load(*c, (*c)->isa->ro->methods);
  }
  for (Category** c = image->categories_begin; c != image->categories_end; ++c) {
    if ((*c)->target) call_load((*c)->target, (*c)->class_methods);
  }
}
