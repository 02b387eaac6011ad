// Adapters in a model: made anew, read, written, and folded into the weights.
#include <cmath>

#include "io/peft_adapter.h"
#include "model_impl.h"
#include "transfer.h"

namespace pewter {
namespace {

float scale_of(float alpha, int64_t rank, bool rslora) {
  const auto r = static_cast<double>(rank);
  return static_cast<float>(double{alpha} / (rslora ? std::sqrt(r) : r));
}

void check(const LoraConfig& c) {
  if (c.rank < 1) throw_error(ErrorCode::argument, "[lora] rank {} is below 1", c.rank);
  if (!(c.dropout >= 0 && c.dropout < 1)) {
    throw_error(ErrorCode::argument, "[lora] dropout {} is not in [0, 1)", c.dropout);
  }
  if (!std::isfinite(c.alpha)) throw_error(ErrorCode::argument, "[lora] alpha is not finite");
}

Linear& find_linear(Decoder& decoder, const std::string& name, const std::string& folder) {
  for (Block& block : decoder.blocks()) {
    for (Linear* linear : block.linears()) {
      if (linear->name == name) return *linear;
    }
  }
  throw_error(ErrorCode::format, "{}: {} is not a linear layer of this model", folder, name);
}

void check_pair(const io::LoraPair& pair, const Linear& linear, const std::string& folder) {
  const bool fits =
      pair.a.shape[1] == linear.weight.size(1) && pair.b.shape[0] == linear.weight.size(0);
  if (fits) return;
  throw_error(ErrorCode::format, "{}: {}: lora_A {} and lora_B {} do not fit a weight of {}",
              folder, pair.module, io::shape_string(pair.a.shape), io::shape_string(pair.b.shape),
              linear.weight.shape().to_string());
}

// Made beside the model and put in once whole, so that a failure on the way leaves no half.
using Terms = std::vector<std::pair<Linear*, LowRank>>;

void put_in(Terms&& terms) {
  for (auto& [linear, lora] : terms) linear->lora = std::move(lora);
}

}  // namespace

std::vector<Linear*> adapted(Decoder& decoder) {
  std::vector<Linear*> found;
  for (Block& block : decoder.blocks()) {
    for (Linear* linear : block.linears()) {
      if (linear->lora) found.push_back(linear);
    }
  }
  return found;
}

void Model::add_lora(const LoraConfig& config) {
  check(config);
  if (impl_->full || has_adapter()) {
    throw_error(ErrorCode::argument, "[lora] the model has an adapter, or trains in full, already");
  }
  std::optional<LoraConfig> kept = config;
  Terms terms;
  uint64_t stream = 0;
  for (Linear* linear : find_targets(impl_->decoder, config.targets)) {
    const int64_t out = linear->weight.size(0), in = linear->weight.size(1);
    const float bound = 1 / std::sqrt(static_cast<float>(in));
    LowRank lora;
    // Seeds apart by a large odd number: every layer draws from a stream of its own.
    lora.a = uniform({config.rank, in}, -bound, bound, {f32, device()},
                     config.seed + 0x9e3779b97f4a7c15u * ++stream);
    lora.b = zeros({out, config.rank}, {f32, device()});
    lora.a.set_requires_grad();
    lora.b.set_requires_grad();
    lora.scale = scale_of(config.alpha, config.rank, config.rslora);
    lora.dropout = config.dropout;
    lora.stream = stream;
    terms.emplace_back(linear, std::move(lora));
  }
  put_in(std::move(terms));
  impl_->lora = std::move(kept);
}

void Model::load_adapter(const std::string& folder, bool trainable) {
  if (impl_->full || has_adapter()) {
    throw_error(ErrorCode::argument, "[lora] the model has an adapter, or trains in full, already");
  }
  io::Adapter adapter = io::read_peft_adapter(folder);
  Terms terms;
  uint64_t stream = 0;
  for (const io::LoraPair& pair : adapter.pairs) {
    Linear& linear = find_linear(impl_->decoder, pair.module, folder);
    check_pair(pair, linear, folder);
    LowRank lora{upload_f32(pair.a, device()), upload_f32(pair.b, device()),
                 static_cast<float>(pair.scale), static_cast<float>(adapter.config.dropout),
                 ++stream};
    lora.a.set_requires_grad(trainable);
    lora.b.set_requires_grad(trainable);
    terms.emplace_back(&linear, std::move(lora));
  }
  const io::AdapterConfig& c = adapter.config;
  std::optional<LoraConfig> config = LoraConfig{static_cast<int>(c.rank),
                                                static_cast<float>(c.alpha),
                                                c.rslora,
                                                static_cast<float>(c.dropout),
                                                c.targets,
                                                0};
  put_in(std::move(terms));
  impl_->lora = std::move(config);
  impl_->loaded = std::move(adapter.config);
}

void Model::save_adapter(const std::string& folder) const {
  if (!impl_->lora) throw_error(ErrorCode::argument, "[lora] the model has no adapter to save");
  io::Adapter adapter;
  if (impl_->loaded) adapter.config = *impl_->loaded;  // keeps what PEFT wrote: patterns, base
  const LoraConfig& c = *impl_->lora;
  adapter.config.rank = c.rank;
  adapter.config.alpha = c.alpha;
  adapter.config.dropout = c.dropout;
  adapter.config.rslora = c.rslora;
  adapter.config.targets = c.targets;
  adapter.config.base_model = impl_->source;
  for (const Linear* linear : adapted(impl_->decoder)) {
    adapter.pairs.push_back({linear->name, to_host("lora_A", linear->lora->a),
                             to_host("lora_B", linear->lora->b), linear->lora->scale});
  }
  io::write_peft_adapter(folder, adapter);
}

void Model::save_merged(const std::string& folder, DType dtype) const {
  NoGrad off;
  std::vector<io::HostTensor> tensors;
  for (auto& [name, tensor] : impl_->decoder.parameters()) {
    Tensor weight = cast(*tensor, f32);
    for (const Linear* linear : adapted(impl_->decoder)) {
      if (linear->name + ".weight" != name) continue;
      const LowRank& lora = *linear->lora;
      weight = matmul(lora.b, lora.a, {.alpha = lora.scale, .beta = 1, .c = weight});
    }
    tensors.push_back(to_host(name, cast(weight, dtype)));
  }
  io::write_model_folder(folder, impl_->decoder.config(), impl_->files.tokenizer(), tensors);
}

}  // namespace pewter
