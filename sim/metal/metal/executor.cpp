// Finds the executor: the one registered, or the shared library beside this one.
#include "sim/metal/executor.h"

#include <dlfcn.h>

#include <cstdlib>

#include "sim/metal/metal/library.h"

namespace metal_sim {
namespace {

constinit KernelExecutor* registered = nullptr;

std::string path_of_executor() {
  if (const char* given = std::getenv("METAL_SIM_EXECUTOR")) return given;
  Dl_info self{};
  dladdr(reinterpret_cast<void*>(&path_of_executor), &self);
  const std::string path = self.dli_fname ? self.dli_fname : "";
  return path.substr(0, path.rfind('/') + 1) + "libmetal_sim_air.so";
}

struct Loaded {
  KernelExecutor* executor = nullptr;
  std::string why;
  Loaded() {
    const std::string path = path_of_executor();
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      why = std::string("no kernel executor: ") + dlerror();
      return;
    }
    const auto make_it =
        reinterpret_cast<KernelExecutor* (*)(uint32_t)>(dlsym(library, "metal_sim_make_executor"));
    if (make_it) executor = make_it(kExecutorVersion);
    if (!executor) why = "no kernel executor: " + path + " was built for another version";
  }
};

}  // namespace

void set_executor(KernelExecutor* executor) { registered = executor; }

KernelExecutor* executor(std::string& why) {
  if (registered) return registered;
  static const Loaded* loaded = new Loaded;
  why = loaded->why;
  return loaded->executor;
}

}  // namespace metal_sim
