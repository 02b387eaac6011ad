// The definition: element by element, each from its own block.
#include "ops/kernels.h"
#include "random.h"

void pewter::ref::random(const RandomArgs& args) {
  for (int64_t i = 0; i < args.n; ++i) {
    float block[4];
    random_block(args, i / 4, block);
    store_element(args.dtype, args.y, i, block[i % 4]);
  }
}
