// One mask for every device: plain integer code, so that ref and cpu agree to the bit.
#include "lora_linear.h"
#include "ops/random/philox.h"

namespace pewter {

void apply_dropout(const DropoutArgs& dropout, const float* x, float* out, int64_t begin,
                   int64_t end) {
  const uint64_t seed = dropout.seed_and_counter[0], step = dropout.seed_and_counter[1];
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(seed),
                                       static_cast<uint32_t>(seed >> 32)};
  const float kept = 1 / (1 - dropout.p);
  const auto limit = static_cast<uint64_t>((1.0 - double{dropout.p}) * 0x1p32);
  const uint64_t high = dropout.stream + (step << kStreamBits);
  for (int64_t i = begin; i < end;) {
    const auto block = static_cast<uint64_t>(i / 4);
    const Philox bits = philox({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                                static_cast<uint32_t>(high), static_cast<uint32_t>(high >> 32)},
                               key);
    for (; i < end && static_cast<uint64_t>(i / 4) == block; ++i) {
      out[i] = bits[static_cast<size_t>(i % 4)] < limit ? x[i] * kept : 0;
    }
  }
}

}  // namespace pewter
