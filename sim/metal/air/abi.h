// What compiled kernels and the scheduler agree on: the state that a kernel reads, and the
// functions that it calls (extern "C" names, resolved by the JIT and by nothing else). The passes
// take field offsets from here with offsetof, so the two cannot drift apart; a change of meaning
// needs a new kAbiVersion, which is part of the cache's key.
#pragma once

#include <cstddef>
#include <cstdint>

namespace metal_sim::air {

constexpr uint32_t kAbiVersion = 1;
constexpr uint32_t kLanes = 32;            // of a simdgroup
constexpr uint32_t kUnknownBase = 0xffff;  // an address whose origin the compiler could not see

// One threadgroup under way. `bases` holds the address of every pointer parameter, by position, and
// behind those of every threadgroup array of the kernel's own.
struct GroupState {
  std::byte* const* bases = nullptr;
  uint32_t threads_per_grid[3] = {1, 1, 1};
  uint32_t groups_per_grid[3] = {1, 1, 1};
  uint32_t position[3] = {0, 0, 0};
  uint32_t threads[3] = {1, 1, 1};       // of this group, which may be cut at the grid's edge
  uint32_t full_threads[3] = {1, 1, 1};  // of a whole one
  uint32_t simdgroups = 1;
  uint32_t quadgroups = 1;
};

// What a kernel's parameter is when it is no memory.
enum class BuiltIn : uint8_t {
  none,
  thread_position_in_grid,
  threadgroup_position_in_grid,
  thread_position_in_threadgroup,
  thread_index_in_threadgroup,
  thread_index_in_simdgroup,
  simdgroup_index_in_threadgroup,
  threads_per_grid,
  threads_per_threadgroup,
  dispatch_threads_per_threadgroup,
  threadgroups_per_grid,
  simdgroups_per_threadgroup,
  threads_per_simdgroup,
  thread_index_in_quadgroup,
  quadgroup_index_in_threadgroup,
  quadgroups_per_threadgroup,
};

enum class SimdOp : uint32_t {
  barrier,
  sum,
  product,
  min,
  max,
  bit_and,
  bit_or,
  bit_xor,
  any,
  all,
  inclusive_sum,
  exclusive_sum,
  inclusive_product,
  exclusive_product,
  shuffle,
  shuffle_up,
  shuffle_down,
  shuffle_xor,
  rotate_up,
  rotate_down,
  broadcast,
  broadcast_first,
  fill_up,
  fill_down,
  ballot,
  active_mask,
  is_first,
  mma,
};

enum class ElementType : uint32_t { f32, f16, bf16, s8, s16, s32, s64, u8, u16, u32, u64, i1 };

// One lane's part in an operation of its simdgroup (or quad: `width` 4). The scheduler carries it
// out once all lanes that take part are waiting.
struct SimdRequest {
  SimdOp op = SimdOp::barrier;
  ElementType type = ElementType::f32;
  uint32_t count = 1;  // elements of a vector
  uint32_t width = kLanes;
  void* value = nullptr;        // in and out
  const void* other = nullptr;  // the value that fills; the right operand A of a product
  const void *other2 = nullptr, *other3 = nullptr;  // B and C
  int32_t amount = 0;                               // lane, delta or mask
  int32_t modulo = kLanes;
};

struct Lane;  // scheduler.h

// Flags of an access that is checked; above them the line of its source, 0 where nobody knows.
constexpr uint32_t kAccessWrite = 1, kAccessAtomic = 2, kAccessExchange = 4, kAccessLineShift = 8;

extern "C" {
void pewter_air_barrier(Lane* lane, uint32_t site);
void pewter_air_simd(Lane* lane, uint32_t site, uint32_t op, uint32_t type, uint32_t count,
                     uint32_t width, void* value, const void* other, int32_t amount,
                     int32_t modulo);
// D = A B + C on elements of `type`s packed as D | A << 8 | B << 16 | C << 24.
void pewter_air_mma(Lane* lane, uint32_t site, uint32_t types, void* d, const void* a,
                    const void* b, const void* c);
void pewter_air_check(GroupState* group, uint32_t thread, const void* address, uint64_t size,
                      uint32_t base, uint32_t flags);
// `address` must lie in an object of the thread's own.
void pewter_air_check_private(GroupState* group, uint32_t thread, const void* address,
                              uint64_t size, const void* object, uint64_t object_size);
}

using ThreadFunction = void (*)(GroupState*, Lane*, uint32_t x, uint32_t y, uint32_t z);
using GroupFunction = void (*)(GroupState*);

}  // namespace metal_sim::air
