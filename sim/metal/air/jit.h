// Puts a compiled object into memory.
#pragma once

#include <memory>
#include <string>

#include "program.h"

namespace metal_sim::air {

constexpr char kProgramSymbol[] = "pewter_air_program";

std::shared_ptr<const Program> link_object(const std::string& object, const std::string& kernel);

}  // namespace metal_sim::air
