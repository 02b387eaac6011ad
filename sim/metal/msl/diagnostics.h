// The compiler's messages as the writer of the source would expect them.
#pragma once

#include <string>
#include <string_view>

namespace metal_sim::msl {

// Quoted lines become the source's own, types get Metal's names, `headers` leaves the paths.
std::string readable(const std::string& messages, std::string_view source,
                     const std::string& headers);

}  // namespace metal_sim::msl
