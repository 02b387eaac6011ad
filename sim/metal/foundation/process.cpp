#include "sim/metal/foundation/process.h"

#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <thread>
#include <tuple>

#include "sim/metal/checks.h"

extern "C" char** environ;

namespace metal_sim {
namespace {

std::string executable() {
  char path[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  return n > 0 ? std::string(path, static_cast<size_t>(n)) : "";
}

template <typename T>
id one_for_ever(T*& place) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (!place) {
    place = make<T>();
    T::kClass.info->alive -= 1;  // lives as long as the process: not alive at exit
  }
  return place;
}

}  // namespace

id ProcessInfo::shared(Class) {
  static ProcessInfo* one = nullptr;
  return one_for_ever(one);
}
String* ProcessInfo::process_name() const { return string(executable())->last_path_component(); }
int ProcessInfo::process_identifier() const { return getpid(); }
unsigned long ProcessInfo::processor_count() const { return std::thread::hardware_concurrency(); }
unsigned long long ProcessInfo::physical_memory() const {
  struct sysinfo s {};
  sysinfo(&s);
  return static_cast<unsigned long long>(s.totalram) * s.mem_unit;
}
double ProcessInfo::system_uptime() const {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
// What software Metal stands for: programs ask before they use newer API.
OperatingSystemVersion ProcessInfo::os_version() const { return {15, 0, 0}; }
String* ProcessInfo::os_version_string() const { return string("Version 15.0 (software Metal)"); }
bool ProcessInfo::is_at_least(OperatingSystemVersion w) const {
  const OperatingSystemVersion v = os_version();
  return std::tie(v.major, v.minor, v.patch) >= std::tie(w.major, w.minor, w.patch);
}
Dictionary* ProcessInfo::environment() const {
  auto all = dictionary_ref({});
  for (char** e = environ; e && *e; ++e) {
    const std::string_view entry(*e);
    const size_t at = entry.find('=');
    if (at != std::string_view::npos)
      all->put(string(entry.substr(0, at)), string(entry.substr(at + 1)));
  }
  return all.autoreleased();
}
Array* ProcessInfo::arguments() const {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<Ref<Object>> all;
  for (std::string argument; std::getline(file, argument, '\0');)
    all.emplace_back(string(argument));
  return array(std::move(all));
}
long ProcessInfo::thermal_state() const { return 0; }
bool ProcessInfo::low_power() const { return false; }

id Bundle::main_bundle(Class) {
  static Bundle* one = nullptr;
  const id bundle = one_for_ever(one);
  if (one->folder.empty()) one->folder = text(string(executable())->without_last_path_component());
  return bundle;
}
id Bundle::with_path(Class, String* path) {
  auto bundle = make_ref<Bundle>();
  bundle->folder = text(path);
  return bundle.autoreleased();
}
String* Bundle::path() const { return string(folder); }
String* Bundle::resource_path() const { return string(folder); }
String* Bundle::path_for(String* name, String* type) const {
  std::string path = folder + "/" + std::string(text(name));
  if (type && !text(type).empty()) path += "." + std::string(text(type));
  struct stat s {};
  return stat(path.c_str(), &s) == 0 ? string(path) : nullptr;
}
Url* Bundle::url_for(String* name, String* type) const {
  String* path = path_for(name, type);
  return path ? static_cast<Url*>(autorelease(make<Url>()->init_file(path))) : nullptr;
}
Dictionary* Bundle::info_dictionary() const { return dictionary_ref({}).autoreleased(); }
String* Bundle::identifier() const { return nullptr; }

AutoreleasePool* AutoreleasePool::init_pool() {
  token = objc_autoreleasePoolPush();
  return this;
}
void AutoreleasePool::drain() { release(this); }
void AutoreleasePool::dealloc_pool() {
  if (token) objc_autoreleasePoolPop(std::exchange(token, nullptr));
  dealloc_object(this);
}
void AutoreleasePool::add(id object) { autorelease(object); }
void AutoreleasePool::add_to_current(Class, id object) { autorelease(object); }
void AutoreleasePool::show(Class) { std::fputs("autorelease pools: of this thread\n", stderr); }

}  // namespace metal_sim
