// The folder of compiled objects. A file that is damaged fails its checksum and is compiled anew.
#pragma once

#include <string>

#include "compile.h"

namespace metal_sim::air {

std::string cache_key(const CompileRequest& request, const std::string& host);
std::string load_object(const ObjectCache& cache, const std::string& key);  // empty: not there
void store_object(const ObjectCache& cache, const std::string& key, const std::string& object);

}  // namespace metal_sim::air
