// The library that the tests in mlx/ run. A file of its own, so that a program may have another
// (tests/msl/mlx).
#include "support.h"

namespace metal_sim::air::test {

KernelLibrary* mlx_library() {
  static const std::shared_ptr<KernelLibrary> library = load_mlx_library();
  return library.get();
}

}  // namespace metal_sim::air::test
