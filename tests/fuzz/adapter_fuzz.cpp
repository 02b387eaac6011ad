// An adapter: two bytes with the length of adapter_config.json, it, then the tensors.
#include "fuzz_support.h"
#include "io/peft_adapter_parse.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pewter;
  if (size < 2) return 0;
  const size_t config = std::min<size_t>(data[0] | data[1] << 8, size - 2);
  return fuzz::run_limited(size, fuzz::kBase, fuzz::kFactor, [&] {
    const io::Adapter adapter = io::parse_peft_adapter(
        fuzz::file_of(data + 2, config), fuzz::file_of(data + 2 + config, size - 2 - config));
    for (const io::LoraPair& pair : adapter.pairs)
      fuzz::require(pair.a.shape.at(0) == pair.b.shape.at(1), "ranks agree");
  });
}
