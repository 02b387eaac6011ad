// What the tests of products share: quantised weights of random bits, and the sum of |a||b| that
// every bound of a product is built on (Higham 2002, (3.4)).
#pragma once

#include <cstring>

#include "compare.h"

namespace pewter::test {

inline constexpr DType kQuantised[] = {DType::q8_0, DType::q4_0, DType::q4_1, DType::q5_0,
                                       DType::q5_1, DType::q4_k, DType::q5_k, DType::q6_k};

// Every bit pattern of the packed fields is legal; the f16 scales are made finite, below 1/4.
inline std::vector<std::byte> random_block_bytes(DType dtype, int64_t values, uint32_t seed) {
  std::vector<std::byte> bytes(static_cast<size_t>(byte_size(dtype, values)));
  uint32_t state = seed * 2654435761u + 12345;
  const auto next = [&] { return (state = state * 1664525 + 1013904223) >> 16; };
  for (std::byte& b : bytes) b = static_cast<std::byte>(next());
  const auto size = static_cast<size_t>(info(dtype).block_bytes);
  for (size_t block = 0; block < bytes.size(); block += size) {
    const auto set_half = [&](size_t at) {
      const uint16_t h = to_half((static_cast<float>(next() % 2001) - 1000) / 4000).bits;
      std::memcpy(&bytes[block + at], &h, 2);
    };
    set_half(dtype == DType::q6_k ? 208 : 0);
    const bool two = dtype == DType::q4_1 || dtype == DType::q5_1 || dtype == DType::q4_k ||
                     dtype == DType::q5_k;
    if (two) set_half(2);
  }
  return bytes;
}

inline Tensor random_blocks(const Shape& shape, DType dtype, Device device, uint32_t seed = 1) {
  covers(dtype);
  return from_bytes(random_block_bytes(dtype, shape.numel(), seed), shape, {dtype, device});
}

// |t| in f32 on the reference device; quantised weights are dequantised.
inline Tensor magnitude(const Tensor& t) {
  Tensor plain = on_ref(t.detach());
  if (plain.dtype() != f32) plain = cast(plain, f32);
  auto values = plain.to_vector<float>();
  for (float& v : values) v = std::abs(v);
  return from_values(values, plain.shape(), {f32, Device(DeviceKind::ref)});
}

// A product that is exactly what one row at a time, one column at a time gives, on any threads.
struct Threads {
  explicit Threads(int n) : before(num_threads()) { set_num_threads(n); }
  ~Threads() { set_num_threads(before); }
  int before;
};

}  // namespace pewter::test
