#include "train/sampler.h"

#include <numeric>
#include <utility>

#include "pewter/error.h"

namespace pewter {
namespace {

// SplitMix64 (Steele et al., OOPSLA 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // In [0, bound), bound < 2^32; the bias is below bound / 2^32.
  uint64_t below(uint64_t bound) { return ((next() >> 32) * bound) >> 32; }

 private:
  uint64_t state_;
};

}  // namespace

std::vector<int64_t> epoch_order(int64_t count, uint64_t seed, int64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  // The epoch's generator is seeded with a mixed number, so that seed + 1 is no later epoch.
  Random mixed(seed);
  Random random(mixed.next() ^ (static_cast<uint64_t>(epoch) * 0xd1342543de82ef95u));
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random.below(i)]);
  }
  return order;
}

Sampler::Sampler(int64_t count, uint64_t seed) : count_(count), seed_(seed) {
  if (count < 1 || count >= int64_t{1} << 32) {
    throw_error(ErrorCode::argument, "[train] {} examples; 1 to 2^32 - 1 can be shuffled", count);
  }
}

int64_t Sampler::at(int64_t position) {
  const int64_t epoch = position / count_;
  if (epoch != epoch_) {
    order_ = epoch_order(count_, seed_, epoch);
    epoch_ = epoch;
  }
  return order_[static_cast<size_t>(position % count_)];
}

}  // namespace pewter
