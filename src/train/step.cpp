#include "train/step.h"

#include <array>
#include <cstring>

namespace pewter {
namespace {

Tensor dropout_state(uint64_t seed, uint64_t counter, Device device) {
  const std::array<uint64_t, 2> state = {seed, counter};
  return from_bytes(std::as_bytes(std::span(state)), {16}, {DType::u8, device});
}

double run_row(const Decoder& decoder, const PackedRow& row, const ForwardOptions& forward) {
  const Device device = decoder.device();
  const RowTensors tensors = to_tensors(row, device);
  const int64_t tokens = row.tokens();
  const Tensor hidden =
      decoder.hidden(tensors.ids, tensors.where, forward).reshape({tokens, decoder.config().width});
  const Tensor loss = linear_cross_entropy(hidden, decoder.head(),
                                           from_values(row.targets, {tokens}, {i32, device}),
                                           from_values(row.weights, {tokens}, {f32, device}));
  backward(loss);
  return double{loss.item<float>()};
}

}  // namespace

StepResult forward_backward(const Decoder& decoder, std::span<const Document* const> documents,
                            const StepOptions& options, uint64_t* dropout_counter) {
  StepResult result;
  for (const Document* d : documents) {
    result.tokens += d->size();
    result.counted += d->counted_tokens();
  }
  const PackOptions packing{options.seq_len, 1 / static_cast<float>(result.counted),
                            options.dropout == 0};
  while (!documents.empty()) {
    const auto batch =
        documents.first(std::min(documents.size(), static_cast<size_t>(options.batch)));
    for (const PackedRow& row : pack(batch, packing)) {
      if (options.cancelled && options.cancelled()) {
        result.cancelled = true;
        return result;
      }
      ForwardOptions forward;
      if (options.dropout > 0) {
        forward.dropout_counter =
            dropout_state(options.seed, (*dropout_counter)++, decoder.device());
      }
      result.loss += run_row(decoder, row, forward);
      result.computed += row.tokens();
    }
    documents = documents.subspan(batch.size());
  }
  return result;
}

}  // namespace pewter
