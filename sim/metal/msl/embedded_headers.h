// The headers in include/, by name; CMake writes the table (cmake/embed_text.cmake).
#pragma once

#include <span>
#include <string_view>
#include <utility>

namespace metal_sim::msl {

std::span<const std::pair<std::string_view, std::string_view>> msl_headers();

}  // namespace metal_sim::msl
