// On macOS the frameworks, at run time. Elsewhere software Metal: one library that stands where the
// build or the installation puts it, beside the program, or where the loader looks.
#include "find_device.h"

#include <unistd.h>

#include <climits>
#include <vector>

namespace pewter::metal {
namespace {

using apple::objc::Runtime;

#if defined(__APPLE__)

void load() { Runtime::load(); }

#else

constexpr const char* kLibrary = "libmetal_sim.so";

std::string program_folder() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  const std::string program(path, length > 0 ? static_cast<size_t>(length) : 0);
  return program.substr(0, program.rfind('/') + 1);
}

void load() {
  const std::string here = program_folder();
  for (const char* folder : {"", "sim/", "../sim/", "../lib/"}) {
    const std::string path = here + folder + kLibrary;
    if (access(path.c_str(), R_OK) == 0) return Runtime::load(path);
  }
  try {
    Runtime::load(kLibrary);
  } catch (const apple::Failure& e) {
    throw apple::Failure(std::string("this system has no Metal, and software Metal (") + kLibrary +
                         ", built with PEWTER_METAL_SIM) is not beside the program: " + e.what());
  }
}

#endif

}  // namespace

Found find_device() {
  Found found;
  try {
    if (!Runtime::loaded()) load();  // the program may have chosen a library itself
    found.device = apple::mtl::system_default_device();
    if (!found.device) found.problem = "Metal says that there is no GPU for this program";
  } catch (const apple::Failure& e) {
    found.problem = e.what();
  }
  return found;
}

}  // namespace pewter::metal
