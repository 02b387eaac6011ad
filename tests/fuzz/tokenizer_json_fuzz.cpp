// A tokenizer.json; whatever tokenizer comes out must cut text into ids of its own and give back
// what it was told to write.
#include "fuzz_support.h"
#include "io/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pewter;
  return fuzz::run_limited(size, fuzz::kBase, fuzz::kFactor, [&] {
    const io::Tokenizer tokenizer = io::Tokenizer::from_json(fuzz::file_of(data, size));
    const std::string_view tail(reinterpret_cast<const char*>(data), size < 256 ? size : 256);
    for (const std::string_view text : {std::string_view("ab é 12 <|x|> \xFF\n"), tail})
      for (const bool special : {false, true}) {
        const auto ids = tokenizer.encode(text, {.parse_special = special, .add_bos = true});
        for (int32_t id : ids) fuzz::require(id < tokenizer.vocab_size(), "ids are in range");
        tokenizer.decode(ids);
      }
    io::Tokenizer::from_json(io::copy_bytes("again", tokenizer.to_json()));
  });
}
