// An .npy file, and its values widened.
#include "fuzz_support.h"
#include "io/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pewter;
  return fuzz::run_limited(size, fuzz::kBase, fuzz::kFactor, [&] {
    const io::NpyArray array = io::parse_npy(fuzz::file_of(data, size));
    fuzz::touch(array.data);
    if (array.type == io::NpyType::f4 || array.type == io::NpyType::f2) {
      array.to_f32();
    } else {
      array.to_i64();
    }
  });
}
