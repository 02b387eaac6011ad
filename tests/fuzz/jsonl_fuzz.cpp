// JSON lines, read the way a dataset is: typed fields, lists of messages, and what is written
// again.
#include "fuzz_support.h"
#include "io/json_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pewter;
  return fuzz::run_limited(size, fuzz::kBase, fuzz::kFactor, [&] {
    io::for_each_json_line(fuzz::file_of(data, size), [](size_t, const io::JsonView& line) {
      if (const auto text = line.find("text")) text->string();
      if (const auto prompt = line.find("prompt")) line.at("completion").string();
      if (const auto messages = line.find("messages"))
        for (const io::JsonView& message : messages->elements()) {
          message.at("role").string();
          message.at("content").string();
        }
      io::parse_json("again", io::to_json_text(line.json()));
    });
  });
}
