// A model folder's config.json, and what is computed from it before any tensor has been seen.
#include "fuzz_support.h"
#include "io/model_files_builder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pewter;
  return fuzz::run_limited(size, fuzz::kBase, fuzz::kFactor, [&] {
    io::ModelFilesBuilder builder("input");
    io::read_model_config(fuzz::file_of(data, size), &builder.config());
    builder.check_config();
    io::make_rope_factors(builder.config());
    io::expected_shape(builder.config(), "model.layers.0.self_attn.q_proj.weight");
  });
}
