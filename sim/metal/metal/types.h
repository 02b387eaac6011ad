// Metal's structures and the enumeration values that this folder acts on. Values: public tables
// which come from the SDK's metadata.
#pragma once

#include "sim/metal/foundation/string.h"

namespace metal_sim {

struct Size {
  unsigned long width, height, depth;
  unsigned long count() const { return width * height * depth; }
};
struct Origin {
  unsigned long x, y, z;
};
struct Region {
  Origin origin;
  Size size;
};
struct SizeAndAlign {
  unsigned long size, align;
};
struct ResourceId {
  unsigned long value;
};
SIM_ENCODE(Size, "{MTLSize=QQQ}");
SIM_ENCODE(Origin, "{MTLOrigin=QQQ}");
SIM_ENCODE(Region, "{MTLRegion={MTLOrigin=QQQ}{MTLSize=QQQ}}");
SIM_ENCODE(SizeAndAlign, "{MTLSizeAndAlign=QQ}");
SIM_ENCODE(ResourceId, "{MTLResourceID=Q}");

enum class Status : unsigned long {
  not_enqueued,
  enqueued,
  committed,
  scheduled,
  completed,
  error,
};
enum class StorageMode : unsigned long { shared, managed, private_mode, memoryless };
enum class DispatchType : unsigned long { serial, concurrent };

constexpr unsigned long kStorageShift = 4, kHazardShift = 8;
inline StorageMode storage_of(unsigned long options) {
  return static_cast<StorageMode>(options >> kStorageShift & 15);
}

constexpr size_t kPageSize = 16384;  // as on Apple silicon
constexpr size_t kMaxInlineBytes = 4096;

}  // namespace metal_sim
