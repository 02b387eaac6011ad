// How the kernels of mlx.metallib are made from the headers in the same wheel: which headers and
// which template arguments a name stands for.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace metal_sim::msl::test {

struct Recipe {
  std::string family;
  std::vector<std::string> headers;
  std::string instance;  // "softmax_single_row, float"
};

std::optional<Recipe> recipe_for(const std::string& kernel);

// The headers in one text, each once, as MLX itself gives them to Metal's compiler.
std::string source_of(const Recipe& recipe, const std::string& kernel);

}  // namespace metal_sim::msl::test
