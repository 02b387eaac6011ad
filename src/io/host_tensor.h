// A tensor as a file holds it: bytes that stay where they are (usually in a mapping of the file)
// and what they mean. Readers hand these out; the model layer decides what to copy to which device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pewter/dtype.h"

namespace pewter::io {

// data.size() == byte_size(dtype, product of shape); data.data() is aligned for dtype's scalars
// (4 bytes for f32 and i32, 2 for f16, bf16 and the block types, whose scales are f16).
// Readers have checked both. keep_alive holds whatever owns the bytes.
struct HostTensor {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t>
      shape;  // row-major, outermost first; a block type's last one is whole blocks
  std::span<const std::byte> data;
  std::shared_ptr<const void> keep_alive;

  int64_t values() const {
    int64_t n = 1;
    for (int64_t d : shape) n *= d;
    return n;
  }
};

// "[32, 576]"
std::string shape_string(std::span<const int64_t> shape);

// A tensor that owns a copy of `bytes`, or whose bytes are to be filled in through `*writable`.
HostTensor make_host_tensor(std::string name, DType dtype, std::vector<int64_t> shape,
                            std::byte** writable);

// All values as f32 (dequantised or widened).
std::vector<float> to_f32(const HostTensor& tensor);

}  // namespace pewter::io
