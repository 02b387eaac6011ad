// Apple's kernels where tools/fetch-mlx-metal put them.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support.h"

namespace metal_sim::air::test {

std::filesystem::path mlx_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::filesystem::path folder =
      cache ? std::filesystem::path(cache) : std::filesystem::path(home ? home : ".") / ".cache";
  return folder / "pewter" / "mlx-metal-0.32.4";
}

std::shared_ptr<KernelLibrary> load_mlx_library() {
  const char* own = std::getenv("PEWTER_MLX_METALLIB");
  std::ifstream in(own ? std::filesystem::path(own) : mlx_folder() / "mlx.metallib",
                   std::ios::binary | std::ios::ate);
  if (!in) return nullptr;
  std::vector<std::byte> bytes(size_t(in.tellg()));
  in.seekg(0).read(reinterpret_cast<char*>(bytes.data()), std::streamsize(bytes.size()));
  static const auto executor = make_executor(default_cache());
  return value_of(executor->load_metallib(bytes));
}

}  // namespace metal_sim::air::test
