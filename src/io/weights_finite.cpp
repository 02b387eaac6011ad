// Looked for only once a result is not finite: reading every weight would cost more than opening a
// mapped model does.
#include <algorithm>
#include <cmath>

#include "core/blocks.h"
#include "io/weights.h"

namespace pewter::io {
namespace {

// A value is fma(scale, q, offset) with a small integer q: it is finite where both of them are.
bool blocks_are_finite(const HostTensor& tensor) {
  const DTypeInfo& i = info(tensor.dtype);
  const auto* block = reinterpret_cast<const uint8_t*>(tensor.data.data());
  const int64_t groups = i.block_values / group_values(tensor.dtype);
  const auto finite = [](float f) { return std::isfinite(f); };
  UnpackedBlock u;
  for (int64_t v = 0; v < tensor.values(); v += i.block_values, block += i.block_bytes) {
    unpack_block(tensor.dtype, block, u);
    if (!std::all_of(u.scale, u.scale + groups, finite)) return false;
    if (!std::all_of(u.offset, u.offset + groups, finite)) return false;
  }
  return true;
}

bool is_finite(const HostTensor& tensor) {
  if (is_quantised(tensor.dtype)) return blocks_are_finite(tensor);
  return std::ranges::all_of(to_f32(tensor), [](float f) { return std::isfinite(f); });
}

}  // namespace

std::string first_not_finite(const ModelFiles& files) {
  for (const std::string& name : tensor_names(files.config())) {
    if (!is_finite(files.tensor(name))) return name;
  }
  return {};
}

}  // namespace pewter::io
