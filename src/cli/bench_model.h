// What a whole model does a second: prompts, decoding, training.
#pragma once

#include "command.h"
#include "roof.h"

namespace pewter::cli {

// `prompt/NAME`: 256 tokens; `decode/NAME`: greedy, after 256 tokens; `train/NAME`: LoRA r = 16 on
// all linear layers, one row of 512 tokens, f32. Calls `print` with each row.
void bench_model(const std::string& source, const std::string& what, Device device,
                 const std::function<void(nlohmann::json)>& print);

}  // namespace pewter::cli
