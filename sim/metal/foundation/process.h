// NSProcessInfo, NSBundle and NSAutoreleasePool.
#pragma once

#include "sim/metal/foundation/data.h"

namespace metal_sim {

struct OperatingSystemVersion {
  long major, minor, patch;
};
SIM_ENCODE(OperatingSystemVersion, "{?=qqq}");

struct ProcessInfo : Object {
  SIM_CLASS(ProcessInfo, NSProcessInfo)
  static id shared(Class cls);
  String* process_name() const;
  int process_identifier() const;
  unsigned long processor_count() const;
  unsigned long long physical_memory() const;
  double system_uptime() const;
  OperatingSystemVersion os_version() const;
  String* os_version_string() const;
  bool is_at_least(OperatingSystemVersion wanted) const;
  Dictionary* environment() const;
  Array* arguments() const;
  long thermal_state() const;
  bool low_power() const;
};

struct Bundle : Object {
  SIM_CLASS(Bundle, NSBundle)
  std::string folder;
  static id main_bundle(Class cls);
  static id with_path(Class cls, String* path);
  String* path() const;
  String* resource_path() const;
  String* path_for(String* name, String* type) const;
  Url* url_for(String* name, String* type) const;
  Dictionary* info_dictionary() const;
  String* identifier() const;
};

struct AutoreleasePool : Object {
  SIM_CLASS(AutoreleasePool, NSAutoreleasePool)
  void* token = nullptr;
  AutoreleasePool* init_pool();
  void drain();
  void dealloc_pool();
  void add(id object);
  static void add_to_current(Class cls, id object);
  static void show(Class cls);
};

}  // namespace metal_sim
