// y[i] = x[i] cos[i] - x[i + d/2] sin[i], y[i + d/2] = x[i + d/2] cos[i] + x[i] sin[i].
// Error: 2 * 2^-24 * (|x[i] cos| + |x[i + d/2] sin|), plus one rounding to the dtype.
// Backward is the rotation by the opposite angle. The tables carry no gradient.
// rope_tables: the angle and its cosine are formed in double and rounded once.
#pragma once

#include "rope_args.h"

namespace pewter {
namespace cpu {
void rope(const RopeArgs& args);
void rope_tables(const RopeTablesArgs& args);
}  // namespace cpu
namespace ref {
void rope(const RopeArgs& args);
void rope_tables(const RopeTablesArgs& args);
}  // namespace ref
}  // namespace pewter
