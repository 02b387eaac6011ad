// A chat template, parsed and rendered. Its memory is bounded by the work it may do, which has a
// part that does not depend on its size.
#include "fuzz_support.h"
#include "io/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pewter;
  return fuzz::run_limited(size, int64_t{64} << 20, 8192, [&] {
    const io::ChatTemplate source(std::string_view(reinterpret_cast<const char*>(data), size),
                                  "<s>", "</s>");
    for (const bool prompt : {false, true})
      source.render({{"system", "Be brief."}, {"user", " é \xFF\n"}, {"assistant", "x"}}, prompt);
  });
}
