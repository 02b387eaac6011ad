// The definition: each element in double, rounded once through f32.
#include "elementwise.h"
#include "ops/kernels.h"

namespace pewter::ref {
namespace {

double apply(const ElementwiseArgs& args, double a, double b) {
  switch (args.op) {
    case ElementwiseOp::add:
      return a + b;
    case ElementwiseOp::sub:
      return a - b;
    case ElementwiseOp::mul:
      return a * b;
    case ElementwiseOp::scale:
      return a * args.factor;
  }
  return 0;
}

}  // namespace

void elementwise(const ElementwiseArgs& args) {
  const int64_t n = args.at.numel();
  Walk<3> walk(args.at, args.at.rank, 0);
  for (int64_t i = 0; i < n; ++i, walk.next()) {
    store_element(args.dtype, args.y, walk[2],
                  apply(args, load_element(args.dtype, args.a, walk[0]),
                        load_element(args.dtype, args.b, walk[1])));
  }
}

}  // namespace pewter::ref
