#include "packed_weight.h"

#include <cstring>
#include <mutex>

#include "device/backend.h"
#include "device/cpu/thread_pool.h"

namespace pewter {
namespace {

constexpr int64_t kMostValues = 256;  // of a block

// A block's integers, and scale and offset of its groups. Values alone (core's dequantise) would not
// give them back, so each format is taken apart here.
struct Unpacked {
  int8_t q[kMostValues];
  float scale[16], offset[16];  // per group
};

float half_at(const uint8_t* p) {
  uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return to_float(Half{bits});
}

void nibbles(const uint8_t* p, uint32_t fifth, int8_t* q) {
  for (int i = 0; i < 16; ++i) {
    q[i] = static_cast<int8_t>((p[i] & 15) | (((fifth >> i) & 1u) << 4));
    q[i + 16] = static_cast<int8_t>((p[i] >> 4) | (((fifth >> (i + 16)) & 1u) << 4));
  }
}

uint32_t word_at(const uint8_t* p) {
  uint32_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

void unpack_k(const uint8_t* b, const uint8_t* fifth, const uint8_t* low, Unpacked& u) {
  const float d = half_at(b), dmin = half_at(b + 2);
  const uint8_t* s = b + 4;
  for (int j = 0; j < 8; ++j) {
    const int scale = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | ((s[j - 4] >> 6) << 4);
    const int min = j < 4 ? s[j + 4] & 63 : (s[j + 4] >> 4) | ((s[j] >> 6) << 4);
    u.scale[j] = d * static_cast<float>(scale);
    u.offset[j] = -(dmin * static_cast<float>(min));
    for (int i = 0; i < 32; ++i) {
      int q = j % 2 ? low[j / 2 * 32 + i] >> 4 : low[j / 2 * 32 + i] & 15;
      if (fifth) q |= ((fifth[i] >> j) & 1) << 4;
      u.q[j * 32 + i] = static_cast<int8_t>(q);
    }
  }
}

void unpack_q6(const uint8_t* b, Unpacked& u) {
  const auto* scales = reinterpret_cast<const int8_t*>(b + 192);
  for (int g = 0; g < 16; ++g) {
    u.scale[g] = half_at(b + 208) * static_cast<float>(scales[g]);
    u.offset[g] = 0;
  }
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, quarter = i % 128 / 32, l = i % 32;
    const uint8_t byte = b[half * 64 + (quarter % 2) * 32 + l];
    const int top = (b[128 + half * 32 + l] >> (2 * quarter)) & 3;
    u.q[i] = static_cast<int8_t>(((quarter < 2 ? byte & 15 : byte >> 4) | (top << 4)) - 32);
  }
}

void unpack(DType dtype, const uint8_t* b, Unpacked& u) {
  u.scale[0] = half_at(b);
  u.offset[0] = 0;
  switch (dtype) {
    case DType::q8_0: std::memcpy(u.q, b + 2, 32); return;
    case DType::q4_0: u.offset[0] = -8 * u.scale[0]; return nibbles(b + 2, 0, u.q);
    case DType::q4_1: u.offset[0] = half_at(b + 2); return nibbles(b + 4, 0, u.q);
    case DType::q5_0: u.offset[0] = -16 * u.scale[0]; return nibbles(b + 6, word_at(b + 2), u.q);
    case DType::q5_1: u.offset[0] = half_at(b + 2); return nibbles(b + 8, word_at(b + 4), u.q);
    case DType::q4_k: return unpack_k(b, nullptr, b + 16, u);
    case DType::q5_k: return unpack_k(b, b + 16, b + 48, u);
    default: return unpack_q6(b, u);
  }
}

PackedWeight layout(const Tensor& w) {
  PackedWeight p;
  p.n = w.size(0);
  p.k = w.size(1);
  p.group = w.dtype() == DType::q6_k ? 16 : 32;
  p.four_bits = w.dtype() == DType::q4_0 || w.dtype() == DType::q4_1 || w.dtype() == DType::q4_k;
  p.half_scales = w.dtype() == DType::q4_1 || w.dtype() == DType::q5_1 || w.dtype() == DType::q8_0;
  p.group_bytes = kPanelRows * (2 * (p.half_scales ? 2 : 4) + p.group / (p.four_bits ? 2 : 1));
  return p;
}

// Writes row r (of 16) of every group that one block covers.
void place(const PackedWeight& p, const Unpacked& u, int64_t values, int64_t r, uint8_t* out) {
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
        Unpacked u;
        unpack(w.dtype(), row + b * format.block_bytes, u);
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
