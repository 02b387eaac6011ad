#include "packed_weight.h"

#include <cstring>
#include <mutex>

#include "core/blocks.h"
#include "device/backend.h"
#include "device/cpu/thread_pool.h"

namespace pewter {
namespace {

PackedWeight layout(const Tensor& w) {
  PackedWeight p;
  p.n = w.size(0);
  p.k = w.size(1);
  p.group = group_values(w.dtype());
  p.four_bits = w.dtype() == DType::q4_0 || w.dtype() == DType::q4_1 || w.dtype() == DType::q4_k;
  p.half_scales = w.dtype() == DType::q4_1 || w.dtype() == DType::q5_1 || w.dtype() == DType::q8_0;
  p.group_bytes = kPanelRows * (2 * (p.half_scales ? 2 : 4) + p.group / (p.four_bits ? 2 : 1));
  return p;
}

// Writes row r (of 16) of every group that one block covers.
void place(const PackedWeight& p, const UnpackedBlock& u, int64_t values, int64_t r, uint8_t* out) {
  const int64_t scale_bytes = p.half_scales ? 2 : 4;
  for (int64_t g = 0; g < values / p.group; ++g, out += p.group_bytes) {
    uint8_t* offsets = out + kPanelRows * scale_bytes;
    if (p.half_scales) {
      const Half s = to_half(u.scale[g]), o = to_half(u.offset[g]);
      std::memcpy(out + 2 * r, &s, 2);
      std::memcpy(offsets + 2 * r, &o, 2);
    } else {
      std::memcpy(out + 4 * r, &u.scale[g], 4);
      std::memcpy(offsets + 4 * r, &u.offset[g], 4);
    }
    uint8_t* q = offsets + kPanelRows * scale_bytes;
    for (int64_t i = 0; i < p.group; ++i) {
      const auto value = static_cast<uint8_t>(u.q[g * p.group + i]);
      if (p.four_bits) {
        uint8_t* row = q + i / 8 * 4 * kPanelRows + r * 4;
        row[i % 2 * 2 + i % 8 / 4] |= static_cast<uint8_t>(value << (i % 4 / 2 * 4));
      } else {
        q[i / 2 * 2 * kPanelRows + r * 2 + i % 2] = value;
      }
    }
  }
}

void fill(const PackedWeight& p, const Tensor& w) {
  const DTypeInfo& format = info(w.dtype());
  const int64_t blocks = p.k / format.block_values, row_bytes = blocks * format.block_bytes;
  const auto* bytes = static_cast<const uint8_t*>(w.data());
  cpu::parallel_for(p.panels(), [&](int64_t panel) {
    auto* out = const_cast<uint8_t*>(p.panel(panel));
    std::memset(out, 0, static_cast<size_t>(p.groups() * p.group_bytes));
    for (int64_t r = 0; r < kPanelRows && panel * kPanelRows + r < p.n; ++r) {
      const uint8_t* row = bytes + (panel * kPanelRows + r) * row_bytes;
      for (int64_t b = 0; b < blocks; ++b) {
        UnpackedBlock u;
        unpack_block(w.dtype(), row + b * format.block_bytes, u);
        place(p, u, format.block_values, r,
              out + b * format.block_values / p.group * p.group_bytes);
      }
    }
  });
}

}  // namespace

const PackedWeight& packed_weight(const Tensor& weight) {
  Storage& storage = *weight.storage();
  std::lock_guard lock(storage.derived_mutex);
  if (!storage.derived) {
    auto packed = std::make_shared<PackedWeight>(layout(weight));
    packed->memory = cpu_backend().allocate_lasting(
        weight.device(), packed->panels() * packed->groups() * packed->group_bytes);
    fill(*packed, weight);
    storage.derived = packed;
  }
  return *std::static_pointer_cast<PackedWeight>(storage.derived);
}

}  // namespace pewter
