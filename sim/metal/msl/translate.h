// Metal Shading Language to the C++ that clang takes. What differs is small and is rewritten in the
// text, before macros are expanded: [[attributes]], the address space behind a method's parameters,
// variables in a space of their own, suffixes of literals. Everything else is macros and headers
// (include/). Lines stay lines and, but for attributes that span lines, columns stay columns, so
// the compiler's messages fit the user's source.
#pragma once

#include <string>
#include <string_view>

namespace metal_sim::msl {

std::string translate(std::string_view source);

}  // namespace metal_sim::msl
