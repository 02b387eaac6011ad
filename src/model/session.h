// One sequence being generated: a cache, what is in it, and a decode step that was captured once
// and is replayed for every token. Capturing fixes the memory of the step, so a token costs no
// allocation and no shape checks.
#pragma once

#include "decoder.h"

namespace pewter {

// Runs a prompt of at least one token into a cache of one sequence that holds `length` tokens, and
// adds to that; returns the logits f32 [V] after the last. In pieces of a bounded number of rows.
std::vector<float> feed_prompt(const Decoder& decoder, KvCache* cache, std::span<const int32_t> ids,
                               int64_t* length);

class Session {
 public:
  // Throws ErrorCode::argument unless 1 <= capacity <= the model's context.
  Session(const Decoder& decoder, int64_t capacity);

  // Appends tokens; returns the logits f32 [V] after the last one. A prompt goes in pieces of a
  // bounded number of rows; the result has the same bits however it is cut.
  std::vector<float> feed(std::span<const int32_t> ids);

  int64_t length() const { return length_; }
  int64_t capacity() const { return cache_.capacity; }

 private:
  std::vector<float> step(int32_t id);
  void write_inputs(int32_t id);
  void capture_step(int32_t id);

  const Decoder& decoder_;
  KvCache cache_;
  int64_t length_ = 0;
  Graph graph_;
  // The captured step reads and writes these, so they live as long as it does.
  Tensor id_, position_, key_begin_, key_end_, first_, logits_;
};

}  // namespace pewter
