// The order of examples: an endless stream, each epoch a permutation that is a pure function of
// (seed, epoch). Where training stands is one number, the position in the stream, so a run is
// resumed without replaying what came before. Nothing here depends on a standard library's
// generators, which differ between platforms.
#pragma once

#include <cstdint>
#include <vector>

namespace pewter {

// The numbers 0 .. count - 1 in an order that depends on (seed, epoch) alone (Fisher-Yates).
std::vector<int64_t> epoch_order(int64_t count, uint64_t seed, int64_t epoch);

class Sampler {
 public:
  // Throws ErrorCode::argument unless 1 <= count < 2^32.
  Sampler(int64_t count, uint64_t seed);
  // The example at `position` of the stream.
  int64_t at(int64_t position);

 private:
  int64_t count_;
  uint64_t seed_;
  int64_t epoch_ = -1;
  std::vector<int64_t> order_;  // of epoch_
};

}  // namespace pewter
