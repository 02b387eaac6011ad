// Metal Shading Language to a metallib, by way of clang and of the folder of what was compiled
// before: the same source, options, compiler and headers give the same bytes.
#pragma once

#include <string>
#include <string_view>

#include "../air/compile.h"
#include "../executor.h"

namespace metal_sim::msl {

struct Compiled {
  std::string metallib;
  std::string warnings;
};

// Throws air::Error; of kind compile it holds the compiler's messages. Without a folder in `cache`,
// headers go to a temporary one and nothing else is kept.
Compiled compile(std::string_view source, const CompileOptions& options,
                 const air::ObjectCache& cache);

}  // namespace metal_sim::msl
