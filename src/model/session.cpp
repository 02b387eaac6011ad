#include "session.h"

#include "device/backend.h"
#include "placement.h"

namespace pewter {
namespace {

constexpr int64_t kPiece = 512;  // rows of a prompt at a time: bounds activations, fills a GEMM

int64_t checked_capacity(const Decoder& decoder, int64_t capacity) {
  const int64_t most = decoder.config().max_context;
  if (capacity < 1 || capacity > most) {
    throw_error(ErrorCode::argument,
                "[generate] {} tokens of prompt and answer; the model's "
                "context holds {}",
                capacity, most);
  }
  return capacity;
}

void write_one(const Tensor& t, int64_t value) {
  const auto number = static_cast<int32_t>(value);
  backend(t.device()).copy_from_host(t.data(), &number, sizeof number);
}

}  // namespace

std::vector<float> feed_prompt(const Decoder& decoder, KvCache* cache, std::span<const int32_t> ids,
                               int64_t* length) {
  Tensor last;
  const Device device = decoder.device();
  while (!ids.empty()) {
    const auto piece = ids.first(std::min<size_t>(ids.size(), kPiece));
    const auto tokens = static_cast<int64_t>(piece.size());
    const Tensor hidden = decoder.hidden(from_values(piece, {1, tokens}, {i32, device}),
                                         one_sequence(tokens, *length, device),
                                         {.cache = cache, .activations = kGeneration});
    last = hidden.slice(1, tokens - 1, tokens);
    *length += tokens;
    ids = ids.subspan(piece.size());
  }
  return decoder.logits(contiguous(last), kGeneration).to_vector<float>();
}

Session::Session(const Decoder& decoder, int64_t capacity)
    : decoder_(decoder),
      cache_(decoder.config(), 1, checked_capacity(decoder, capacity), decoder.device()) {}

std::vector<float> Session::feed(std::span<const int32_t> ids) {
  if (ids.empty()) throw_error(ErrorCode::argument, "[generate] no tokens to go on from");
  if (length_ + static_cast<int64_t>(ids.size()) > cache_.capacity) {
    throw_error(ErrorCode::argument, "[generate] {} tokens; the cache holds {}",
                length_ + static_cast<int64_t>(ids.size()), cache_.capacity);
  }
  NoGrad off;
  return ids.size() == 1 ? step(ids[0]) : feed_prompt(decoder_, &cache_, ids, &length_);
}

// What differs from step to step; the captured step reads it from these tensors.
void Session::write_inputs(int32_t id) {
  write_one(id_, id);
  write_one(position_, length_);
  write_one(first_, length_);
  write_one(key_end_, length_ + 1);
}

// Capturing runs the step: the first token needs no replay.
void Session::capture_step(int32_t id) {
  const Device device = decoder_.device();
  const TensorOptions integer{i32, device};
  id_ = zeros({1, 1}, integer);
  position_ = zeros({1, 1}, integer);
  key_begin_ = zeros({1, 1}, integer);
  key_end_ = zeros({1, 1}, integer);
  first_ = zeros({1}, integer);
  write_inputs(id);
  graph_ = capture(default_stream(device), [&] {
    const Tensor hidden = decoder_.hidden(id_, {position_, key_begin_, key_end_, first_},
                                          {.cache = &cache_, .activations = kGeneration});
    logits_ = decoder_.logits(hidden, kGeneration);
  });
}

std::vector<float> Session::step(int32_t id) {
  if (logits_.defined()) {
    write_inputs(id);
    graph_.replay();
  } else {
    capture_step(id);
  }
  ++length_;
  return logits_.to_vector<float>();
}

}  // namespace pewter
