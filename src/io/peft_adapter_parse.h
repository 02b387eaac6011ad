// The parser behind read_peft_adapter(), for bytes that are in memory already.
#pragma once

#include "io/mapped_file.h"
#include "io/peft_adapter.h"

namespace pewter::io {

Adapter parse_peft_adapter(const FileBytes& config_json, const FileBytes& tensors);

}  // namespace pewter::io
