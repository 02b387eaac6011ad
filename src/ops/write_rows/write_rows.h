// out[b, first[b] + t] = src[b, t], rounded to out's dtype. Positions are checked when the work
// runs, all of them before anything is written; one outside out is ErrorCode::argument.
#pragma once

#include "write_rows_args.h"

namespace pewter {
namespace cpu {
void write_rows(const WriteRowsArgs& args);
}
namespace ref {
void write_rows(const WriteRowsArgs& args);
}
}  // namespace pewter
