#include "decoder.h"

#include <cmath>

#include "device/backend.h"
#include "transfer.h"

namespace pewter {
namespace {

// Weights stay as the file holds them: on the CPU they are the mapping itself.
Tensor upload(const io::HostTensor& host, Device device) {
  const Shape shape{std::span<const int64_t>(host.shape)};
  if (device.kind() == DeviceKind::cpu || device.kind() == DeviceKind::ref) {
    return borrow(host.data.data(), shape, host.dtype, device, host.keep_alive);
  }
  return from_bytes(host.data, shape, {host.dtype, device});
}

Linear make_linear(const io::ModelFiles& files, const std::string& name, bool bias, Device device) {
  // Biases, like norms, are small and meet f32 activations.
  Linear linear{name, upload(files.tensor(name + ".weight"), device), {}, {}};
  if (bias) linear.bias = upload_f32(files.tensor(name + ".bias"), device);
  return linear;
}

Block make_block(const io::ModelFiles& files, int64_t layer, Device device) {
  const std::string at = fmt::format("model.layers.{}.", layer);
  const bool bias = files.config().qkv_bias;
  const auto linear = [&](const char* name, bool with_bias = false) {
    return make_linear(files, at + name, with_bias, device);
  };
  return {upload_f32(files.tensor(at + "input_layernorm.weight"), device),
          upload_f32(files.tensor(at + "post_attention_layernorm.weight"), device),
          linear("self_attn.q_proj", bias),
          linear("self_attn.k_proj", bias),
          linear("self_attn.v_proj", bias),
          linear("self_attn.o_proj"),
          linear("mlp.gate_proj"),
          linear("mlp.up_proj"),
          linear("mlp.down_proj")};
}

Tensor inverse_frequencies(const io::ModelConfig& config, Device device) {
  std::vector<float> values(static_cast<size_t>(config.head_dim / 2));
  for (size_t i = 0; i < values.size(); ++i) {
    const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(config.head_dim);
    const double factor = config.rope_factors.empty() ? 1.0 : config.rope_factors[i];
    values[i] = static_cast<float>(std::pow(double{config.rope_theta}, -exponent) / factor);
  }
  return from_values(values, {config.head_dim / 2}, {f32, device});
}

Tensor apply(const Linear& linear, const Tensor& x, const ForwardOptions& options) {
  if (!linear.lora) return pewter::linear(x, linear.weight, linear.bias, {options.activations});
  const LowRank& lora = *linear.lora;
  LoraOptions lora_options{lora.scale, 0, {}, lora.stream, options.activations};
  if (options.dropout_counter.defined()) {
    lora_options.dropout = lora.dropout;
    lora_options.dropout_counter = options.dropout_counter;
  }
  return lora_linear(x, linear.weight, linear.bias, lora.a, lora.b, lora_options);
}

// x [1, T, H, d] -> its rows `rows`, [1, S, H, d].
Tensor gather_rows(const Tensor& x, const Tensor& rows) {
  const int64_t heads = x.size(2), d = x.size(3);
  return embedding(x.reshape({x.size(1), heads * d}), rows).reshape({1, rows.numel(), heads, d});
}

}  // namespace

KvCache::KvCache(const io::ModelConfig& config, int64_t batch, int64_t capacity, Device device)
    : batch(batch), capacity(capacity) {
  const Shape shape{batch, capacity, config.n_kv_heads, config.head_dim};
  for (int64_t layer = 0; layer < config.n_layers; ++layer) {
    keys.push_back(zeros(shape, {f32, device}));
    values.push_back(zeros(shape, {f32, device}));
  }
}

Decoder::Decoder(const io::ModelFiles& files, Device device)
    : config_(files.config()), device_(device) {
  embedding_ = upload(files.tensor("model.embed_tokens.weight"), device);
  final_norm_ = upload_f32(files.tensor("model.norm.weight"), device);
  if (!config_.tied_embeddings) head_ = upload(files.tensor("lm_head.weight"), device);
  inverse_frequency_ = inverse_frequencies(config_, device);
  for (int64_t layer = 0; layer < config_.n_layers; ++layer) {
    blocks_.push_back(make_block(files, layer, device));
  }
}

Tensor Decoder::attend(const Block& block, size_t layer, const Tensor& x, const RopeTables& tables,
                       const Placement& where, const ForwardOptions& options) const {
  const int64_t batch = x.size(0), tokens = x.size(1), d = config_.head_dim;
  const Shape q_shape{batch, tokens, config_.n_heads, d};
  const Shape kv_shape{batch, tokens, config_.n_kv_heads, d};
  const Tensor q = rope(apply(block.q, x, options).reshape(q_shape), tables.cos, tables.sin);
  Tensor k = rope(apply(block.k, x, options).reshape(kv_shape), tables.cos, tables.sin);
  Tensor v = apply(block.v, x, options).reshape(kv_shape);
  if (options.cache) {
    write_rows_(options.cache->keys[layer], k, where.first);
    write_rows_(options.cache->values[layer], v, where.first);
    k = options.cache->keys[layer];
    v = options.cache->values[layer];
  } else if (where.key_rows.defined()) {
    k = gather_rows(k, where.key_rows);
    v = gather_rows(v, where.key_rows);
  }
  const Tensor y = attention(q, k, v, where.key_begin, where.key_end);
  return apply(block.o, y.reshape({batch, tokens, config_.n_heads * d}), options);
}

Tensor Decoder::hidden(const Tensor& ids, const Placement& where,
                       const ForwardOptions& options) const {
  Tensor x = embedding(embedding_, ids);
  if (x.dtype() != f32) x = cast(x, f32);
  const RopeTables tables = rope_tables(where.positions, inverse_frequency_);
  for (size_t layer = 0; layer < blocks_.size(); ++layer) {
    const Block& block = blocks_[layer];
    const Tensor normed = rms_norm(x, block.input_norm, config_.rms_eps);
    x = add(x, attend(block, layer, normed, tables, where, options));
    const Tensor h = rms_norm(x, block.post_norm, config_.rms_eps);
    const Tensor gated = silu_mul(apply(block.gate, h, options), apply(block.up, h, options));
    x = add(x, apply(block.down, gated, options));
  }
  return rms_norm(x, final_norm_, config_.rms_eps);
}

Tensor Decoder::logits(const Tensor& hidden, Activations activations) const {
  return linear(hidden, head(), {}, {activations});
}

std::vector<std::pair<std::string, Tensor*>> Decoder::parameters() {
  std::vector<std::pair<std::string, Tensor*>> all = {{"model.embed_tokens.weight", &embedding_}};
  for (size_t layer = 0; layer < blocks_.size(); ++layer) {
    Block& block = blocks_[layer];
    const std::string at = fmt::format("model.layers.{}.", layer);
    all.emplace_back(at + "input_layernorm.weight", &block.input_norm);
    all.emplace_back(at + "post_attention_layernorm.weight", &block.post_norm);
    for (Linear* linear : block.linears()) {
      all.emplace_back(linear->name + ".weight", &linear->weight);
      if (linear->bias.defined()) all.emplace_back(linear->name + ".bias", &linear->bias);
    }
  }
  all.emplace_back("model.norm.weight", &final_norm_);
  if (head_.defined()) all.emplace_back("lm_head.weight", &head_);
  return all;
}

std::vector<Linear*> find_targets(Decoder& decoder, const std::vector<std::string>& targets) {
  std::vector<Linear*> found;
  std::vector<bool> used(targets.size());
  for (Block& block : decoder.blocks()) {
    for (Linear* linear : block.linears()) {
      bool wanted = false;
      for (size_t i = 0; i < targets.size(); ++i) {
        // PEFT's rule: a target is the whole module path or its end after a dot.
        const bool fits = targets[i] == "all-linear" || linear->name == targets[i] ||
                          linear->name.ends_with("." + targets[i]);
        if (fits) used[i] = wanted = true;
      }
      if (wanted) found.push_back(linear);
    }
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    if (used[i]) continue;
    throw_error(ErrorCode::argument,
                "[lora] target '{}' names no linear layer; known are q_proj, k_proj, v_proj, "
                "o_proj, gate_proj, up_proj, down_proj and all-linear",
                targets[i]);
  }
  if (found.empty()) throw_error(ErrorCode::argument, "[lora] no targets given");
  return found;
}

}  // namespace pewter
