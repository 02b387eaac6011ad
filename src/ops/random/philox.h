// Random numbers as a pure function of (key, counter): Philox4x32-10 of Salmon, Moraes, Dror &
// Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC'11). Any element can be made again,
// anywhere, in any order, which is what dropout's backward, resumed runs and threads need. The
// conversions use only f32 operations that IEEE 754 rounds exactly, so that every device gives the
// same numbers.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

namespace pewter {

using Philox = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

inline Philox philox(Philox c, PhiloxKey k) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c[0], p1 = uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<uint32_t>(p0)};
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return c;
}

// The four words of block `block` (elements 4 * block ..) of stream `stream` under `seed`.
inline Philox philox_block(uint64_t seed, uint64_t stream, uint64_t block) {
  return philox({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                 static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)},
                {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
}

// [0, 1) in steps of 2^-24.
inline float to_unit(uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

// Natural logarithm for normal u in (0, 1]: u = m 2^e with m in [sqrt(1/2), sqrt(2)), then
// log m = 2 atanh(s), s = (m - 1) / (m + 1). Within 4 units in the last place.
inline float log_unit(float u) {
  int e = 0;
  float m = u;
  while (m < 0.70710678f) m *= 2, --e;  // exact; at most 33 times
  const float s = (m - 1) / (m + 1), z = s * s;
  const float p =
      z * (0.66666666f + z * (0.4f + z * (0.28571429f + z * (0.22222222f + z * 0.18f))));
  return static_cast<float>(e) * 0.69314718f + (s * 2 + s * p);
}

// cos and sin of 2 pi t for t in [0, 1): the quadrant exactly, then Taylor in |x| <= pi/4.
inline void cos_sin_turn(float t, float& c, float& s) {
  const int quadrant = static_cast<int>(t * 4 + 0.5f);
  const float x = (t - static_cast<float>(quadrant) * 0.25f) * 6.2831853f, z = x * x;
  const float sine =
      x + x * z * (-0.16666667f + z * (8.3333333e-3f + z * (-1.984127e-4f + z * 2.7557319e-6f)));
  const float cosine =
      1 - z * (0.5f - z * (4.1666667e-2f - z * (1.3888889e-3f - z * 2.4801587e-5f)));
  switch (quadrant & 3) {
    case 0:
      c = cosine, s = sine;
      return;
    case 1:
      c = -sine, s = cosine;
      return;
    case 2:
      c = -cosine, s = -sine;
      return;
    default:
      c = sine, s = -cosine;
      return;
  }
}

// Two independent standard normal numbers (Box & Muller 1958); |z| <= 6.8.
inline void box_muller(uint32_t a, uint32_t b, float& z0, float& z1) {
  const float u = static_cast<float>(a) * 0x1p-32f + 0x1p-33f;  // (0, 1]
  const float radius = std::sqrt(-2 * log_unit(u));
  float c, s;
  cos_sin_turn(to_unit(b), c, s);
  z0 = radius * c;
  z1 = radius * s;
}

}  // namespace pewter
