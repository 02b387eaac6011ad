// The definition: double sums in row-major order.
#include "ops/kernels.h"
#include "sum.h"

void pewter::ref::sum(const SumArgs& args) {
  const int64_t n = args.kept.numel();
  Walk<2> out(args.kept, args.kept.rank, 0);
  for (int64_t i = 0; i < n; ++i, out.next()) {
    double total = 0;
    if (args.terms > 0) {
      Walk<2> term(args.summed, args.summed.rank, 0);
      for (int64_t t = 0; t < args.terms; ++t, term.next()) {
        const double a = load_element(args.from, args.a, out[0] + term[0]);
        total += args.b ? a * load_element(args.from, args.b, out[1] + term[1]) : a;
      }
    }
    store_element(args.to, args.y, i, total);
  }
}
