// Any bytes through a tokenizer whose vocabulary has all bytes: they come back, whatever the
// patterns, and the streamed text is UTF-8 at every step.
#include <vector>

#include "fuzz_support.h"
#include "io/nfc.h"
#include "io/small_tokenizer.h"
#include "io/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pewter;
  static const std::vector<io::Tokenizer> tokenizers = [] {
    std::vector<io::Tokenizer> out;
    for (const char* name : {"gpt-2", "smollm", "llama-bpe", "tekken", "default"})
      out.push_back(io::Tokenizer::from_gguf(
          io::GgufFile::parse(io::copy_bytes("small", io::SmallTokenizer().gguf(name).bytes()))));
    return out;
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  return fuzz::run_limited(size, fuzz::kBase, fuzz::kFactor, [&] {
    for (const io::Tokenizer& tokenizer : tokenizers)
      for (const bool special : {false, true}) {
        const auto ids = tokenizer.encode(text, {.parse_special = special});
        fuzz::require(tokenizer.decode(ids) == text, "text comes back");
        io::Utf8Stream stream;
        for (int32_t id : ids) {
          const std::string piece = stream.push(tokenizer.token_bytes(id));
          fuzz::require(io::valid_utf8_prefix(piece) == piece.size(), "a piece is UTF-8");
        }
      }
    const std::string_view valid = text.substr(0, io::valid_utf8_prefix(text));
    const std::string once = io::to_nfc(valid);
    fuzz::require(io::to_nfc(once) == once, "normalizing twice is normalizing once");
    fuzz::require(!io::is_surely_nfc(valid) || once == valid, "the quick check is right");
  });
}
