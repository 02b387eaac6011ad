// A safetensors file; what is accepted must cover the data exactly.
#include "fuzz_support.h"
#include "io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pewter;
  return fuzz::run_limited(size, fuzz::kBase, fuzz::kFactor, [&] {
    const io::Safetensors file = io::parse_safetensors(fuzz::file_of(data, size));
    size_t bytes = 0;
    for (const auto& [name, tensor] : file.tensors) {
      fuzz::touch(tensor.data);
      bytes += tensor.data.size();
      fuzz::require(
          static_cast<int64_t>(tensor.data.size()) == byte_size(tensor.dtype, tensor.values()),
          "a tensor has the bytes of its shape");
    }
    fuzz::require(bytes < size, "tensors do not overlap");
  });
}
