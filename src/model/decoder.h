// The Llama architecture (also Qwen2, which adds biases): pre-norm blocks of attention with rotary
// positions and a gated feed-forward. One forward serves training on packed rows, prompts and
// batched decoding: what differs is carried by small integer tensors, so that a step can be
// captured and replayed.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/weights.h"
#include "pewter/lora.h"
#include "pewter/ops.h"

namespace pewter {

struct LowRank {
  Tensor a, b;  // f32 [R, K], [N, R]
  float scale = 1, dropout = 0;
  uint64_t stream = 0;  // sets this layer's dropout mask apart
};

struct Linear {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  Tensor weight, bias;
  std::optional<LowRank> lora;
};

struct Block {
  Tensor input_norm, post_norm;
  Linear q, k, v, o, gate, up, down;
  std::array<Linear*, 7> linears() { return {&q, &k, &v, &o, &gate, &up, &down}; }
};

// Keys and values of B sequences of up to `capacity` tokens, one pair a block.
struct KvCache {
  KvCache(const io::ModelConfig& config, int64_t batch, int64_t capacity, Device device);
  std::vector<Tensor> keys, values;  // f32 [B, S, Hkv, d]
  int64_t batch, capacity;
};

// Where the tokens of one forward stand. All i32 [B, T], except first [B] and key_rows [S].
struct Placement {
  Tensor positions;           // within its document
  Tensor key_begin, key_end;  // the keys each token sees, as attention() has them
  Tensor first = {};          // with a cache: the row of the cache that token 0 goes to
  // Without a cache and with B == 1: key s is token key_rows[s] of this forward, so that documents
  // which begin alike share the tokens they begin with. Otherwise key s is token s.
  Tensor key_rows = {};
};

// Generation rounds activations beside quantised weights, prompt and answer alike; training and
// losses do not.
inline constexpr Activations kGeneration = Activations::int16;

struct ForwardOptions {
  KvCache* cache = nullptr;
  Tensor dropout_counter = {};  // defined while training with dropout; see LoraOptions
  Activations activations = Activations::f32;
};

class Decoder {
 public:
  Decoder(const io::ModelFiles& files, Device device);

  // ids i32 [B, T] -> the last norm's output [B, T, D].
  Tensor hidden(const Tensor& ids, const Placement& where, const ForwardOptions& options) const;
  // [..., D] -> f32 [..., V]
  Tensor logits(const Tensor& hidden, Activations activations = Activations::f32) const;
  const Tensor& head() const { return head_.defined() ? head_ : embedding_; }

  const io::ModelConfig& config() const { return config_; }
  Device device() const { return device_; }
  std::vector<Block>& blocks() { return blocks_; }
  const std::vector<Block>& blocks() const { return blocks_; }
  // Every tensor under its Hugging Face name.
  std::vector<std::pair<std::string, Tensor*>> parameters();

 private:
  Tensor attend(const Block& block, size_t layer, const Tensor& x, const RopeTables& rope,
                const Placement& where, const ForwardOptions& options) const;

  io::ModelConfig config_;
  Device device_;
  Tensor embedding_, final_norm_, head_;  // head_ undefined when tied
  Tensor inverse_frequency_;
  std::vector<Block> blocks_;
};

// The linear layers a list of targets means. Throws ErrorCode::argument for a name that fits none.
std::vector<Linear*> find_targets(Decoder& decoder, const std::vector<std::string>& targets);

}  // namespace pewter
