// Values travel as bytes in the lanes' own slots; arithmetic is done in float or 64-bit integers
// and rounded once to the element's type. Lanes that take no part contribute nothing; reading one
// gives the reader's own value, as a shuffle from outside its range does.
#include "simd_ops.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "numbers.h"

namespace metal_sim::air {
namespace {

constexpr size_t kMaxValue = 64;  // bytes of a value that travels

using Bytes = std::array<std::byte, kMaxValue>;

template <typename T>
T get(const SimdRequest& r, uint32_t i) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(r.value) + i * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
void put(const SimdRequest& r, uint32_t i, T value) {
  std::memcpy(static_cast<std::byte*>(r.value) + i * sizeof(T), &value, sizeof(T));
}

// What sums and comparisons are done in.
template <typename T>
using Wide = std::conditional_t<
    std::is_same_v<T, float> || std::is_same_v<T, Half> || std::is_same_v<T, Bfloat>, float, T>;

template <typename W>
W combine(SimdOp op, W a, W b) {
  switch (op) {
    case SimdOp::product:
    case SimdOp::inclusive_product:
    case SimdOp::exclusive_product:
      return W(a * b);
    case SimdOp::min:
      if constexpr (std::is_floating_point_v<W>) return std::fmin(a, b);
      return std::min(a, b);
    case SimdOp::max:
      if constexpr (std::is_floating_point_v<W>) return std::fmax(a, b);
      return std::max(a, b);
    default:
      break;
  }
  if constexpr (std::is_integral_v<W>) {
    if (op == SimdOp::bit_and) return W(a & b);
    if (op == SimdOp::bit_or) return W(a | b);
    if (op == SimdOp::bit_xor) return W(a ^ b);
  }
  return W(a + b);
}

bool is_prefix(SimdOp op) {
  return op == SimdOp::inclusive_sum || op == SimdOp::exclusive_sum ||
         op == SimdOp::inclusive_product || op == SimdOp::exclusive_product;
}

// Lanes [first, first + width) are one simdgroup or quad.
template <typename T>
void reduce(const Requests& requests, uint32_t first, uint32_t width, SimdOp op, uint32_t element) {
  bool any = false;
  Wide<T> total{};
  for (uint32_t i = first; i < first + width; ++i) {
    if (!requests[i]) continue;
    const auto value = Wide<T>(get<T>(*requests[i], element));
    total = any ? combine(op, total, value) : value;
    any = true;
  }
  for (uint32_t i = first; i < first + width; ++i) {
    if (requests[i]) put<T>(*requests[i], element, T(total));
  }
}

template <typename T>
void prefix(const Requests& requests, uint32_t first, uint32_t width, SimdOp op, uint32_t element) {
  const bool product = op == SimdOp::inclusive_product || op == SimdOp::exclusive_product;
  const bool inclusive = op == SimdOp::inclusive_sum || op == SimdOp::inclusive_product;
  Wide<T> total = product ? Wide<T>(1) : Wide<T>(0);
  for (uint32_t i = first; i < first + width; ++i) {
    if (!requests[i]) continue;
    const auto next = combine(op, total, Wide<T>(get<T>(*requests[i], element)));
    put<T>(*requests[i], element, T(inclusive ? next : total));
    total = next;
  }
}

template <typename T>
void arithmetic(const Requests& requests, uint32_t first, const SimdRequest& r) {
  for (uint32_t element = 0; element < r.count; ++element) {
    if (is_prefix(r.op)) {
      prefix<T>(requests, first, r.width, r.op, element);
    } else {
      reduce<T>(requests, first, r.width, r.op, element);
    }
  }
}

void arithmetic(const Requests& requests, uint32_t first, const SimdRequest& r) {
  switch (r.type) {
    case ElementType::f32:
      return arithmetic<float>(requests, first, r);
    case ElementType::f16:
      return arithmetic<Half>(requests, first, r);
    case ElementType::bf16:
      return arithmetic<Bfloat>(requests, first, r);
    case ElementType::s8:
      return arithmetic<int8_t>(requests, first, r);
    case ElementType::s16:
      return arithmetic<int16_t>(requests, first, r);
    case ElementType::s32:
      return arithmetic<int32_t>(requests, first, r);
    case ElementType::s64:
      return arithmetic<int64_t>(requests, first, r);
    case ElementType::i1:
    case ElementType::u8:
      return arithmetic<uint8_t>(requests, first, r);
    case ElementType::u16:
      return arithmetic<uint16_t>(requests, first, r);
    case ElementType::u32:
      return arithmetic<uint32_t>(requests, first, r);
    case ElementType::u64:
      return arithmetic<uint64_t>(requests, first, r);
  }
}

size_t value_size(const SimdRequest& r) {
  static constexpr uint8_t kSize[] = {4, 2, 2, 1, 2, 4, 8, 1, 2, 4, 8, 1};
  size_t count = r.count == 3 ? 4 : r.count;
  return std::min(kMaxValue, kSize[size_t(r.type)] * count);
}

// Any and all look at bools; ballot and masks give 64-bit words.
void votes(const Requests& requests, uint32_t first, const SimdRequest& r) {
  uint64_t present = 0, set = 0;
  for (uint32_t i = 0; i < r.width; ++i) {
    if (!requests[first + i]) continue;
    present |= uint64_t(1) << i;
    if (get<uint8_t>(*requests[first + i], 0)) set |= uint64_t(1) << i;
  }
  for (uint32_t i = 0; i < r.width; ++i) {
    if (!requests[first + i]) continue;
    const SimdRequest& own = *requests[first + i];
    switch (r.op) {
      case SimdOp::any:
        put<uint8_t>(own, 0, set != 0);
        break;
      case SimdOp::all:
        put<uint8_t>(own, 0, set == present);
        break;
      case SimdOp::is_first:
        put<uint8_t>(own, 0, i == uint32_t(std::countr_zero(present)));
        break;
      case SimdOp::ballot:
        put<uint64_t>(own, 0, set);
        break;
      default:
        put<uint64_t>(own, 0, present);
        break;
    }
  }
}

// The lane that lane i reads, relative to the group's first; outside [0, width): none.
int source_lane(const SimdRequest& r, int i, int first_present) {
  const int width = int(r.width);
  switch (r.op) {
    case SimdOp::shuffle:
    case SimdOp::broadcast:
      return r.amount;
    case SimdOp::broadcast_first:
      return first_present;
    case SimdOp::shuffle_up:
    case SimdOp::fill_up:
      return i - r.amount;
    case SimdOp::shuffle_down:
    case SimdOp::fill_down:
      return i + r.amount;
    case SimdOp::shuffle_xor:
      return i ^ r.amount;
    case SimdOp::rotate_up:
      return ((i - r.amount) % width + width) % width;
    case SimdOp::rotate_down:
      return ((i + r.amount) % width + width) % width;
    default:
      return i;
  }
}

// In the _and_fill_ forms lanes work in blocks of `modulo`; what lies before a block's first lane
// (or behind its last) comes from the same place of the filling value.
void fill(const SimdRequest& r, const Bytes* values, const Bytes* fills, int i, size_t size) {
  const int block = std::clamp(r.modulo, 1, int(r.width));
  const int start = i / block * block;
  int from = r.op == SimdOp::fill_up ? i - r.amount : i + r.amount;
  const bool outside = from < start || from >= start + block;
  if (outside) from = start + ((from - start) % block + block) % block;
  std::memcpy(r.value, outside ? fills[from].data() : values[from].data(), size);
}

void move(const Requests& requests, uint32_t first, const SimdRequest& r) {
  const size_t size = value_size(r);
  const bool filling = r.op == SimdOp::fill_up || r.op == SimdOp::fill_down;
  Bytes values[kLanes], fills[kLanes];
  int first_present = -1;
  for (uint32_t i = 0; i < r.width; ++i) {
    const SimdRequest* own = requests[first + i];
    if (!own) continue;
    if (first_present < 0) first_present = int(i);
    std::memcpy(values[i].data(), own->value, size);
    if (filling) std::memcpy(fills[i].data(), own->other, size);
  }
  for (uint32_t i = 0; i < r.width; ++i) {
    const SimdRequest* own = requests[first + i];
    if (!own) continue;
    if (filling) {
      fill(*own, values, fills, int(i), size);
      continue;
    }
    const int from = source_lane(*own, int(i), first_present);
    if (from >= 0 && from < int(r.width) && requests[first + uint32_t(from)]) {
      std::memcpy(own->value, values[from].data(), size);
    }
  }
}

// Row and first column of the two elements of an 8 x 8 matrix that a lane owns.
constexpr uint32_t fragment_row(uint32_t lane) { return (lane / 4 & 4) + (lane / 2 & 3); }
constexpr uint32_t fragment_column(uint32_t lane) { return 2 * (lane / 4 & 2) + 2 * (lane & 1); }

void gather(const void* own, uint32_t type, uint32_t lane, float (*matrix)[8]) {
  const uint32_t row = fragment_row(lane), column = fragment_column(lane);
  for (uint32_t i = 0; i < 2; ++i) matrix[row][column + i] = load_number(own, type, i);
}

void multiply(const Requests& requests, const SimdRequest& r) {
  float a[8][8] = {}, b[8][8] = {}, c[8][8] = {};
  const uint32_t types = r.count;
  for (uint32_t i = 0; i < kLanes; ++i) {
    if (!requests[i]) continue;
    gather(requests[i]->other, types >> 8 & 0xff, i, a);
    gather(requests[i]->other2, types >> 16 & 0xff, i, b);
    gather(requests[i]->other3, types >> 24, i, c);
  }
  for (auto row = 0; row < 8; ++row) {
    for (auto k = 0; k < 8; ++k) {
      for (auto column = 0; column < 8; ++column) c[row][column] += a[row][k] * b[k][column];
    }
  }
  for (uint32_t i = 0; i < kLanes; ++i) {
    if (!requests[i]) continue;
    const uint32_t row = fragment_row(i), column = fragment_column(i);
    for (uint32_t e = 0; e < 2; ++e)
      store_number(requests[i]->value, types & 0xff, e, c[row][column + e]);
  }
}

}  // namespace

void execute(const Requests& requests) {
  const auto found =
      std::find_if(requests.begin(), requests.end(), [](auto* r) { return r != nullptr; });
  if (found == requests.end()) return;
  const SimdRequest& r = **found;
  if (r.op == SimdOp::barrier) return;
  if (r.op == SimdOp::mma) return multiply(requests, r);
  for (uint32_t first = 0; first < kLanes; first += r.width) {
    if (r.op <= SimdOp::bit_xor || is_prefix(r.op)) {
      arithmetic(requests, first, r);
    } else if (r.op == SimdOp::any || r.op == SimdOp::all || r.op >= SimdOp::ballot) {
      votes(requests, first, r);
    } else {
      move(requests, first, r);
    }
  }
}

}  // namespace metal_sim::air
