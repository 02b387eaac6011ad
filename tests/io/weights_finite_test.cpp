// Which weight is not finite: plain ones by their values, quantised ones by their blocks' scales.
#include "core/blocks.h"
#include "io/model_files_builder.h"
#include "io/support.h"

namespace pewter::io {
namespace {

// A model of zeros in `dtype` (norms in f32), with `bits` in the middle of one weight.
ModelFiles model_of(DType dtype, const std::string& broken, size_t offset, uint16_t bits) {
  ModelFilesBuilder builder("model");
  ModelConfig& c = builder.config();
  c.architecture = "llama";
  c.vocab_size = 8;
  c.width = 256;
  c.n_layers = 2;
  c.n_heads = 4;
  c.n_kv_heads = 4;
  c.head_dim = 64;
  c.ffn_width = 256;
  c.rms_eps = c.rope_theta = 1;
  c.max_context = 8;
  c.tied_embeddings = true;
  for (const std::string& name : tensor_names(c)) {
    const auto shape = expected_shape(c, name);
    std::byte* bytes = nullptr;
    HostTensor tensor = make_host_tensor(name, shape.size() == 2 ? dtype : f32, shape, &bytes);
    if (name == broken) std::memcpy(bytes + offset, &bits, sizeof bits);
    builder.tensors().emplace(name, std::move(tensor));
  }
  return builder.finish();
}

TEST(WeightsFinite, NamesTheWeight) {
  const std::string name = "model.layers.1.mlp.up_proj.weight";
  EXPECT_EQ(first_not_finite(model_of(f32, name, 0, 0)), "");
  EXPECT_EQ(first_not_finite(model_of(f32, name, 4 * 99 + 2, 0x7f80)), name);
  EXPECT_EQ(first_not_finite(model_of(f16, name, 2 * 99, 0x7e00)), name);
  EXPECT_EQ(first_not_finite(model_of(bf16, name, 2 * 99, 0xff80)), name);
  for (const DType dtype : {DType::q8_0, DType::q4_0, DType::q4_1, DType::q4_k}) {
    const auto block = static_cast<size_t>(info(dtype).block_bytes);
    EXPECT_EQ(first_not_finite(model_of(dtype, name, 0, 0x3c00)), "") << to_string(dtype);
    EXPECT_EQ(first_not_finite(model_of(dtype, name, 9 * block, 0x7e00)), name) << to_string(dtype);
  }
  // The minimum of a block counts like its scale; in q8_0 the same bytes are values.
  EXPECT_EQ(first_not_finite(model_of(DType::q4_1, name, 2, 0x7c00)), name);
  EXPECT_EQ(first_not_finite(model_of(DType::q8_0, name, 2, 0x7c00)), "");
}

}  // namespace
}  // namespace pewter::io
